//! What other libraries call the layers of these networks: for [`load_foreign`](netwright::foreign::ForeignWeights::load_foreign) and back.
//!
//! | network | torchvision | Keras |
//! |---|---|---|
//! | `Vgg16` | [`torchvision::vgg16`] | [`keras::vgg16`] |
//! | `ResNet50` | another network: `ResNet50OfTorchvision` | [`keras::resnet50`] |
//! | `ResNet50OfTorchvision` | [`torchvision::resnet50`] | |
//! | `ResNeXt50` | [`torchvision::resnext50`] | |
//! | `InceptionV3` | another network: `InceptionV3OfTorchvision` | [`keras::inception_v3`] |
//! | `InceptionV3OfTorchvision` | [`torchvision::inception_v3`] | |
//! | `Xception` | | [`keras::xception`] |
//! | `InceptionResNetV2` | | [`keras::inception_resnet_v2`] |
//! | `AlexNet` | another network: without groups, with fewer filters | |
//!
//! ```no_run
//! # #[cfg(feature = "vgg16")] {
//! use netwright::foreign::{ForeignWeights, Safetensors};
//! use netwright_zoo::{Vgg16, maps};
//!
//! # fn main() -> Result<(), netwright::Error> {
//! // safetensors.torch.save_file(torchvision.models.vgg16(weights="DEFAULT").state_dict(), "vgg16.safetensors")
//! let mut network = Vgg16::init(1);
//! network.load_foreign(&Safetensors::read("vgg16.safetensors".as_ref())?, &maps::torchvision::vgg16())?;
//! # Ok(())
//! # }
//! # }
//! ```

/// The names of `torchvision.models`, in a `state_dict`.
pub mod torchvision {
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
    pub fn resnext50() -> Map {
        Map::pytorch()
    }

    /// `torchvision.models.inception_v3()` for `InceptionV3OfTorchvision`, whose auxiliary classifier is left out. What is saved is for
    /// `inception_v3(aux_logits=False)`. Models with `transform_input`, as those with weights are, expect images normalised for Inception.
    #[cfg(feature = "inception-v3-of-torchvision")]
    pub fn inception_v3() -> Map {
        Map::pytorch().ignoring("AuxLogits")
    }
}

/// The names of `keras.applications`, in a `.weights.h5` of the first model of its kind that a program makes: Keras goes on counting the
/// layers that have no name of their own.
pub mod keras {
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
