//! A network may have any name and be declared anywhere: no name in the emitted code collides with one of the user's.
#![allow(nonstandard_style, dead_code, unused_macros, clippy::self_named_constructors)]

/// Declares a network of each name in one module, so that each name is in scope of the others' code.
macro_rules! networks {
    ($($name:ident)*) => { $(::netwright::network! { pub $name(2) { dense 2 bn clip max 2; dense 1 prelu sigmoid } })* };
}

mod prelude {
    networks! {
        Option Some None Result Ok Err Box String Vec ToString ToOwned Iterator IntoIterator Extend DoubleEndedIterator ExactSizeIterator
        Drop Fn FnMut FnOnce Send Sync Sized Copy Clone Debug Default Eq PartialEq Ord PartialOrd Hash AsRef AsMut Into From
        TryFrom TryInto FromIterator drop Deref Index Range Formatter Error
    }
}

mod primitives {
    networks! { bool char str u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }
}

mod letters {
    networks! {
        A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
        a b c d e f g h i j k l m n o p q r s t u v w x y z
    }
}

mod emitted {
    networks! {
        Own Layers LayersMut Network Architecture Kernels Weights WeightsKernelBias WeightsScaleShiftMeanVariance WeightsSlope
        T0 T1 PREDICT_SCRATCH TRAIN_SCRATCH DENSE_1 Scalar Input Output Head Tensor Pass Shape Memory BufferSlot Observer
        CONV1 DENSE1 Places scope Range Activation Epilogue locals
        answers batch gradients image images input_gradient layers observer outputs parameters pass scratch seed statistics
        weights workspace v0 v1 core std alloc netwright init predict auto dyn_ macro_rules
        r#type r#fn r#match
    }
}

/// A user's module with items of common names.
mod among_items {
    mod core {}
    mod std {}
    struct Vec;
    struct Option;
    struct T;
    trait Default {}
    trait Clone {
        fn clone(&self) {}
    }
    impl<A> Clone for A {}
    macro_rules! matches {
        () => {};
    }
    macro_rules! concat {
        () => {};
    }
    const image: () = ();
    const images: () = ();
    const answer: () = ();
    const answers: () = ();
    const path: () = ();
    const batch: () = ();
    const f: () = ();
    const gradients: () = ();
    const input_gradient: () = ();
    const layers: () = ();
    const observer: () = ();
    const outputs: () = ();
    const parameters: () = ();
    static pass: () = ();
    struct scratch;
    static seed: () = ();
    struct statistics;
    struct weights(u8);
    const workspace: () = ();
    const v0: () = ();
    const v1: () = ();
    const v2: () = ();
    const conv1: () = ();
    static conv1_kernel: () = ();
    struct batchnorm1_gradient;
    const CONV1: () = ();
    const CONV1_KERNEL: () = ();
    const CONV1_CONV: () = ();

    netwright::network! {
        pub Net(4x4x2) {
            conv 3x3x2 same bn tanh as type;
            residual { dwconv 3x3 same layernorm as core };
            concat { subsample 2 stride 2 as Self; prelu as Vec } { avgpool 2; conv 1x1x2 as statistics };
            distance 3 as layers; dense 2 as image; dropout 0.5 as v0;
            softmax 3 as T
        }
    }

    #[test]
    fn layers_may_have_any_name() {
        let network = Net::init(1);
        let weights_of = network.layers();
        assert_eq!((weights_of.r#type.bias.len(), weights_of.Self_.bias.len(), weights_of.T.bias.len()), (2, 2, 3));
        assert_eq!(network.predict(&netwright::Tensor::zeros()).len(), 3);
    }
}

#[test]
fn a_network_in_a_function_may_have_the_name_of_a_variable() {
    let image = [0.5_f32, 0.25];
    netwright::network! { image(2) { dense 1 } }
    let network = image::init(1);
    let reader: letters::T<f64> = netwright::Network::init(1);
    assert_eq!(reader.predict(&[0.0, 0.0]).len(), network.predict(&image).len());
    assert_eq!(emitted::Layers::init(2).layers().dense1.kernel.len(), 2);
}

/// The name is a letter with combining marks.
#[test]
fn names_of_layers_may_have_combining_marks() {
    netwright::network! { Marked(2) { dense 1 as x̣̄ } }
    assert_eq!(Marked::LAYERS[0].name, "x̣̄");
}

/// Networks that `cfg` removes do not affect the others.
mod conditional {
    netwright::network! {
        #[cfg(any())]
        pub Size(2) { dense 1 }
        #[cfg(all())]
        #[doc = "The one that is there."]
        pub Size(3) { dense 2 }
        #[cfg_attr(all(), cfg(any()), doc = "Never there.")]
        pub Other(2) { dense 1 }
        #[cfg_attr(any(), cfg(any()))]
        pub There(2) { dense 1 }
    }
    fn Other() {}

    #[test]
    fn attributes_of_configuration_reach_all_items() {
        assert_eq!((Size::PARAMETERS, There::PARAMETERS), (8, 3));
        Other();
    }
}

/// Attributes that warn of a type do not warn of what the macro adds to it.
#[deny(warnings)]
mod attributes {
    netwright::network! {
        #[deprecated = "use another"]
        #[must_use]
        #[non_exhaustive]
        #[expect(non_camel_case_types)]
        #[warn(missing_docs, unreachable_pub)]
        pub(crate) old_network(2) { dense 1 }
    }

    #[test]
    #[expect(deprecated)]
    fn using_a_deprecated_network_warns() {
        assert_eq!(old_network::PARAMETERS, 3);
    }
}
