//! The classic convolutional networks, one short file of [`netwright::network!`] each.
//!
//! Each network is a feature, so that you only compile those that you use; `all` enables all of them.
//!
//! | type | feature | paper | parameters and statistics |
//! |---|---|---|---:|
//! | `ToyConvnet` | `toy` | the spreadsheet of fast.ai | 2,948 |
//! | `LeNet5` | `lenet5` | LeCun et al., 1998, as it is taught today | 61,706 |
//! | `LeNet5Of1998` | `lenet5-1998` | LeCun et al., 1998, as it was published | 60,000 |
//! | `AlexNet` | `alexnet` | Krizhevsky et al., 2012 | 60,965,224 |
//! | `Vgg16` | `vgg16` | Simonyan and Zisserman, 2014 | 138,357,544 |
//! | `ResNet50` | `resnet50` | He et al., 2015 | 25,636,712 |
//! | `ResNet50OfTorchvision` | `resnet50-of-torchvision` | version 1.5 | 25,610,152 |
//! | `InceptionV3` | `inception-v3` | Szegedy et al., 2015 | 23,851,784 |
//! | `InceptionV3OfTorchvision` | `inception-v3-of-torchvision` | with scales | 23,869,000 |
//! | `Xception` | `xception` | Chollet, 2016 | 22,910,480 |
//! | `ResNeXt50` | `resnext50` | Xie et al., 2016 | 25,097,128 |
//! | `InceptionResNetV2` | `inception-resnet-v2` | Szegedy et al., 2016 | 55,873,736 |
//!
//! They are the networks of `keras.applications` (LeNet-5 and AlexNet those of their papers, ResNeXt-50 that of `torchvision`), layer by
//! layer; the tests compare them with those. Weights are not included; those of torchvision and Keras are read from the files that these
//! libraries write, with the feature `formats`, and `hdf5` for Keras' `.h5`:
//!
//! ```no_run
//! # #[cfg(all(feature = "formats", feature = "resnet50-of-torchvision", feature = "resnet50"))]
//! # fn main() -> Result<(), netwright::Error> {
//! // torch.save(torchvision.models.resnet50(weights="DEFAULT").state_dict(), "resnet50.pt")
//! let network = netwright_zoo::torchvision::resnet50("resnet50.pt")?;
//! // keras.applications.ResNet50().save_weights("resnet50.weights.h5")
//! let other = netwright_zoo::keras::resnet50("resnet50.weights.h5")?;
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "formats", feature = "resnet50-of-torchvision", feature = "resnet50")))]
//! # fn main() {}
//! ```
//!
//! [`maps`] has the names alone, for other scalar types and for saving, and says which networks are the same in both libraries.
//!
//! ```
//! # #[cfg(feature = "lenet5")] {
//! use netwright::Tensor;
//! use netwright_zoo::LeNet5;
//!
//! let network = LeNet5::init(1);
//! let probabilities: [f32; 10] = network.predict(&Tensor::zeros());
//! # let _ = probabilities;
//! # }
//! ```
//!
//! # Depth
//!
//! `DEPTH` counts the layers on the longest path from the image to the answer, the image included: each word of the language is one, so
//! activations, batch normalisations and pools count. That is 126 for Xception and 159 for Inception-v3, the figures in the lecture and
//! in the documentation of Keras. For other networks Keras counts differently:
//!
//! - VGG-16 is 37 here and 23 there: in Keras the 15 rectifiers are arguments of their layers, and flattening is a layer.
//! - Inception-ResNet-v2 is 611 here and 572 there: in Keras scaling and adding a residual is one layer, in the 39 blocks that scale.
//! - ResNet-50 and ResNeXt-50 have no figure there; here it is 167 for both.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "formats")]
mod libraries;
#[cfg(feature = "std")]
pub mod maps;

#[cfg(feature = "formats")]
pub use libraries::{keras, torchvision};

macro_rules! networks {
    ($($feature:literal $module:ident::$name:ident),* $(,)?) => {
        $(
            #[cfg(feature = $feature)]
            mod $module;
            #[cfg(feature = $feature)]
            pub use $module::$name;
        )*
    };
}

networks! {
    "toy" toy::ToyConvnet,
    "lenet5" lenet5::LeNet5,
    "lenet5-1998" lenet5_1998::LeNet5Of1998,
    "alexnet" alexnet::AlexNet,
    "vgg16" vgg16::Vgg16,
    "resnet50" resnet50::ResNet50,
    "resnet50-of-torchvision" resnet50_of_torchvision::ResNet50OfTorchvision,
    "inception-v3" inception_v3::InceptionV3,
    "inception-v3-of-torchvision" inception_v3_of_torchvision::InceptionV3OfTorchvision,
    "xception" xception::Xception,
    "resnext50" resnext50::ResNeXt50,
    "inception-resnet-v2" inception_resnet_v2::InceptionResNetV2,
}
