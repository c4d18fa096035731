//! Compares the networks of the zoo with golden values of other frameworks: the output, the values of every layer, and a training step.
//!
//! The large ones need a release build: `cargo test --release -p netwright-zoo --features all --test golden -- --nocapture` prints the
//! deviations of each.
#![cfg(any(
    feature = "lenet5",
    feature = "lenet5-1998",
    feature = "alexnet",
    feature = "vgg16",
    feature = "resnet50",
    feature = "inception-v3",
    feature = "xception",
    feature = "resnext50",
    feature = "inception-resnet-v2"
))]

#[path = "../../tests/support/golden/mod.rs"]
mod golden;

macro_rules! compare {
    ($($feature:literal $module:ident $network:ident $tolerance:ident $file:literal)*) => {
        $(
            #[cfg(feature = $feature)]
            mod $module {
                use super::golden::{Golden, Tolerance};

                #[cfg_attr(debug_assertions, ignore = "large: it wants a release build")]
                #[test]
                fn agrees_with_other_frameworks_in_f32() {
                    Golden::read(include_str!($file))
                        .check_with_exact::<netwright_zoo::$network, netwright_zoo::$network<f64>>(Tolerance::$tolerance);
                }

                #[cfg_attr(debug_assertions, ignore = "large: it wants a release build")]
                #[test]
                fn agrees_with_other_frameworks_in_f64() {
                    Golden::read(include_str!($file)).check::<netwright_zoo::$network<f64>>(Tolerance::F64);
                }
            }
        )*
    };
}

compare! {
    "lenet5" lenet5 LeNet5 F32 "../../tests/golden/LeNet5.json"
    "lenet5-1998" lenet5_1998 LeNet5Of1998 F32 "golden/LeNet5Of1998.json"
    "alexnet" alexnet AlexNet F32 "golden/AlexNet.json"
    "vgg16" vgg16 Vgg16 DEEP "golden/VGG16.json"
    "resnet50" resnet50 ResNet50 NORMALISED "golden/ResNet50.json"
    "inception-v3" inception_v3 InceptionV3 NORMALISED "golden/InceptionV3.json"
    "xception" xception Xception NORMALISED "golden/Xception.json"
    "resnext50" resnext50 ResNeXt50 NORMALISED "golden/ResNeXt50.json"
    "inception-resnet-v2" inception_resnet_v2 InceptionResNetV2 NORMALISED "golden/InceptionResNetV2.json"
}
