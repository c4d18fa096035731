//! Every network trains: on one batch of two images the loss falls.
//!
//! `cargo test --release -p netwright-zoo --features all --test training -- --nocapture` prints the losses.
#![cfg(any(
    feature = "toy",
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

use netwright::Output;
use netwright::prelude::*;
use netwright::{head, random::Random};

/// The number of steps on the batch.
const STEPS: u64 = 10;

/// Returns the loss before the first step, and after each of the ten.
fn losses<N>(rate: f64) -> Vec<f64>
where
    N: Network<Scalar = f32, Head = head::Softmax>,
    N::Input: Output<f32>,
{
    let mut images = vec![N::Input::zeros(); 2];
    let mut random = Random::new(1);
    N::Input::many_mut(&mut images).iter_mut().for_each(|pixel| *pixel = random.normal() as f32);
    let data = Dataset::new(images, vec![3_usize, 7]).expect("as many images as labels");
    let mut network = N::init(1);
    let history = Trainer::new()
        .epochs(STEPS + 1)
        .unwrap()
        .batch(2)
        .unwrap()
        .loss(CrossEntropy::new())
        .optimizer(Adam::new(rate).expect("a rate"))
        .progress(false)
        .fit(&mut network, &data, None)
        .expect("it trains");
    history.epochs.iter().map(|epoch| epoch.loss).collect()
}

macro_rules! train {
    ($($feature:literal $test:ident $network:ident $rate:literal)*) => {
        $(
            #[cfg(feature = $feature)]
            #[cfg_attr(debug_assertions, ignore = "large: it wants a release build")]
            #[test]
            fn $test() {
                let losses = losses::<netwright_zoo::$network>($rate);
                let shown: Vec<String> = losses.iter().map(|loss| format!("{loss:.3}")).collect();
                println!("{:<18} {}", stringify!($network), shown.join(" "));
                // With dropout, a single loss is noisy.
                let last = losses[losses.len() - 3..].iter().sum::<f64>() / 3.0;
                assert!(last < 0.8 * losses[0], "{losses:?}");
            }
        )*
    };
}

train! {
    "toy" toy ToyConvnet 1e-2
    "lenet5" lenet5 LeNet5 1e-3
    "lenet5-1998" lenet5_1998 LeNet5Of1998 1e-3
    "alexnet" alexnet AlexNet 1e-5
    "vgg16" vgg16 Vgg16 1e-5
    "resnet50" resnet50 ResNet50 1e-4
    "inception-v3" inception_v3 InceptionV3 1e-4
    "xception" xception Xception 1e-4
    "resnext50" resnext50 ResNeXt50 1e-4
    "inception-resnet-v2" inception_resnet_v2 InceptionResNetV2 1e-4
}
