//! The names of these networks' layers in other libraries, to [load](netwright::foreign::ForeignWeights::load_foreign) and save weights.
//!
//! | network | torchvision | Keras |
//! |---|---|---|
//! | `Vgg16` | [`torchvision::vgg16`] | [`keras::vgg16`] |
//! | `ResNet50` | another network: `ResNet50OfTorchvision` | [`keras::resnet50`] |
//! | `ResNet50OfTorchvision` | [`torchvision::resnet50`] | |
//! | `ResNeXt50` | [`torchvision::resnext50_32x4d`] | |
//! | `InceptionV3` | another network: `InceptionV3OfTorchvision` | [`keras::inception_v3`] |
//! | `InceptionV3OfTorchvision` | [`torchvision::inception_v3`] | |
//! | `Xception` | | [`keras::xception`] |
//! | `InceptionResNetV2` | | [`keras::inception_resnet_v2`] |
//! | `AlexNet` | another network: without groups, with fewer filters | |
//!
//! With the feature `formats`, `netwright_zoo::torchvision` and `netwright_zoo::keras` have a function that reads each. To save weights:
//!
//! ```no_run
//! # #[cfg(feature = "vgg16")] {
//! use netwright::foreign::ForeignWeights;
//! use netwright_zoo::{Vgg16, maps};
//!
//! # fn back(network: &Vgg16) -> Result<(), netwright::Error> {
//! // torchvision.models.vgg16().load_state_dict(safetensors.torch.load_file("vgg16.safetensors"))
//! network.save_foreign("vgg16.safetensors", &maps::torchvision::vgg16())
//! # }
//! # }
//! ```
//!
//! Images must be normalised as the library does for these weights; the networks have no layer for it. `keras.applications.resnet50` swaps red
//! and blue and subtracts means, torchvision scales to 0..1, subtracts means and divides by standard deviations.

/// The names of `torchvision.models`, in a `state_dict`.
pub mod torchvision {
    // Without features for networks, there are no maps.
    #[allow(unused_imports)]
    use netwright::foreign::Map;

    /// `torchvision.models.vgg16()` for `Vgg16`.
    #[cfg(feature = "vgg16")]
    pub fn vgg16() -> Map {
        Map::pytorch()
    }

    /// `torchvision.models.resnet50()` for `ResNet50OfTorchvision`.
    #[cfg(feature = "resnet50-of-torchvision")]
    pub fn resnet50() -> Map {
        Map::pytorch()
    }

    /// `torchvision.models.resnext50_32x4d()` for `ResNeXt50`.
    #[cfg(feature = "resnext50")]
    pub fn resnext50_32x4d() -> Map {
        Map::pytorch()
    }

    /// `torchvision.models.inception_v3()` for `InceptionV3OfTorchvision`, without the auxiliary classifier. Saved weights are for
    /// `inception_v3(aux_logits=False)`. Models with `transform_input`, such as those with pretrained weights, expect images normalised for
    /// Inception.
    #[cfg(feature = "inception-v3-of-torchvision")]
    pub fn inception_v3() -> Map {
        Map::pytorch().ignoring("AuxLogits")
    }
}

/// The names of `keras.applications`, in a `.weights.h5` or a `.h5`.
pub mod keras {
    // Without features for networks, there are no maps.
    #[allow(unused_imports)]
    use netwright::foreign::Map;

    /// `keras.applications.VGG16()` for `Vgg16`.
    #[cfg(feature = "vgg16")]
    pub fn vgg16() -> Map {
        let blocks = [2, 2, 3, 3, 3].into_iter().enumerate();
        let convs =
            blocks.flat_map(|(block, convs)| (1..=convs).map(move |conv| format!("block{}_conv{conv}", block + 1)));
        let convs = convs.enumerate().map(|(index, name)| (format!("conv{}", index + 1), name));
        let rest = [("dense1", "fc1"), ("dense2", "fc2"), ("softmax1", "predictions")];
        Map::keras().layers(convs).layers(rest)
    }

    /// `keras.applications.ResNet50()` for `ResNet50`.
    #[cfg(feature = "resnet50")]
    pub fn resnet50() -> Map {
        Map::keras()
    }

    /// `keras.applications.InceptionV3()` for `InceptionV3`.
    #[cfg(feature = "inception-v3")]
    pub fn inception_v3() -> Map {
        Map::keras().numbered()
    }

    /// `keras.applications.Xception()` for `Xception`.
    #[cfg(feature = "xception")]
    pub fn xception() -> Map {
        Map::keras().numbered()
    }

    /// `keras.applications.InceptionResNetV2()` for `InceptionResNetV2`.
    #[cfg(feature = "inception-resnet-v2")]
    pub fn inception_resnet_v2() -> Map {
        let is_last = |layer: &&netwright::layer::Layer| layer.name.starts_with("unit");
        let unit = crate::InceptionResNetV2::LAYERS.iter().rfind(is_last).and_then(|layer| layer.name.split_once('.'));
        let unit = unit.map_or("unit", |(unit, _)| unit);
        let last = ["conv1", "batchnorm1"].map(|layer| format!("{unit}.{layer}"));
        Map::keras().numbered().layers(last.into_iter().zip(["conv_7b", "conv_7b_bn"]))
    }
}
