//! The networks of torchvision and Keras with the weights of a file.

/// Emits a module for each library, with a function for each network; the names of layers are those of `crate::maps`.
macro_rules! libraries {
    ($($(#[$of_library:meta])* $library:ident { $($feature:literal $name:ident: $network:ident, $there:literal;)* })*) => {
        $(
            $(#[$of_library])*
            // Without features for networks, there are no functions.
            #[allow(unused_imports)]
            pub mod $library {
                use std::path::Path;

                use netwright::Error;
                use netwright::foreign::ForeignWeights;

                $(
                    #[doc = concat!("`", $there, "` with the weights of a file.")]
                    ///
                    /// # Errors
                    /// Those of [`netwright_formats::open`] and of [`ForeignWeights::load_foreign`]: every tensor that is missing,
                    /// unexpected or of another shape or element type.
                    #[cfg(feature = $feature)]
                    pub fn $name(path: impl AsRef<Path>) -> Result<crate::$network, Error> {
                        crate::$network::from_foreign(&*netwright_formats::open(path)?, &crate::maps::$library::$name())
                    }
                )*
            }
        )*
    };
}

libraries! {
    /// Networks of `torchvision.models` from files that `torch.save(model.state_dict(), path)` or `safetensors.torch.save_file` wrote.
    /// [`ForeignWeights::save_as_pytorch`](netwright::foreign::ForeignWeights::save_as_pytorch) writes such files.
    torchvision {
        "vgg16" vgg16: Vgg16, "torchvision.models.vgg16";
        "resnet50-of-torchvision" resnet50: ResNet50OfTorchvision, "torchvision.models.resnet50";
        "resnext50" resnext50_32x4d: ResNeXt50, "torchvision.models.resnext50_32x4d";
        "inception-v3-of-torchvision" inception_v3: InceptionV3OfTorchvision, "torchvision.models.inception_v3";
    }

    /// Networks of `keras.applications` from files that `model.save_weights("model.weights.h5")` or `model.save_weights("model.h5")` wrote; this
    /// needs the feature `hdf5`. [`ForeignWeights::save_foreign`](netwright::foreign::ForeignWeights::save_foreign) with the
    /// map of [`maps::keras`](crate::maps::keras) saves weights under Keras' names.
    keras {
        "vgg16" vgg16: Vgg16, "keras.applications.VGG16";
        "resnet50" resnet50: ResNet50, "keras.applications.ResNet50";
        "inception-v3" inception_v3: InceptionV3, "keras.applications.InceptionV3";
        "xception" xception: Xception, "keras.applications.Xception";
        "inception-resnet-v2" inception_resnet_v2: InceptionResNetV2, "keras.applications.InceptionResNetV2";
    }
}
