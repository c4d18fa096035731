//! Checks that the emitted code compiles wherever a user may put it: under strict lints, among shadowed names, in functions and macros.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, clippy::all)]

networks::network! {
    block pair(width, window = 3) { conv (window)x(window)x(width) same relu; conv (window)x(window)x(width) same relu }

    /// A public classifier.
    pub Public(8x8x1) { pair(4); maxpool 2; dropout 0.25; dense 12 prelu as hidden; softmax 3 }

    /// Several networks in one call: this one is private and hardly used.
    Private(4) { dense 6 sigmoid; dense 1 sigmoid }

    pub(crate) Image(6x6x2) { conv 3x3x2 tanh }
}

/// A module where the usual names mean something else.
#[allow(non_camel_case_types, dead_code)]
pub mod shadows {
    /// Not the usual one.
    #[derive(Debug)]
    pub struct Option;
    /// Not the usual one.
    #[derive(Debug)]
    pub struct Vec;
    /// Not the usual one.
    #[derive(Debug)]
    pub struct Result;
    /// Not the usual one.
    #[derive(Debug)]
    pub struct Some;
    /// Not the usual one.
    #[derive(Debug)]
    pub struct f32;
    /// Not the usual one.
    pub mod core {}
    /// Not the usual one.
    pub mod std {}
    /// Not the usual one.
    pub mod networks {}
    /// Not the usual one.
    pub trait Clone {}
    /// Not the usual one.
    pub trait Debug {}

    ::networks::network! {
        /// A network among shadowed names.
        pub Shadowed(3x3x1) { conv 2x2x2 tanh; batch(2); softmax 2 }
        block batch(units) { dense (units) tanh }
    }
}

/// A network inside a function.
#[must_use]
pub fn inside_a_function() -> [f32; 2] {
    networks::network! { Local(3) { dense 4 tanh; softmax 2 } }
    Local::init(1).predict(&[1.0, 2.0, 3.0])
}

macro_rules! classifier {
    ($(#[$attribute:meta])* $name:ident, $inputs:literal, $hidden:expr, $classes:tt) => {
        networks::network! { $(#[$attribute])* pub $name($inputs) { dense ($hidden) relu; softmax $classes } }
    };
}

classifier! {
    /// A network from a user's macro.
    Generated, 5, 4 + 4, 2
}

/// Uses only some items of the private network.
#[must_use]
pub fn private_answer() -> f32 {
    Private::init(3).predict(&[0.0; 4])[0]
}

/// The same network in double precision, and a generic one.
pub fn generic_answer<N: networks::Network>(seed: u64, image: &N::Input) -> N::Output {
    N::init(seed).predict(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use networks::Tensor;

    #[test]
    fn every_network_predicts() {
        assert!((Public::init(1).predict(&Tensor::zeros()).iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((shadows::Shadowed::init(1).predict(&Tensor::zeros())[0] - 0.5).abs() < 0.5);
        assert!((inside_a_function().iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(Generated::PARAMETERS, 5 * 8 + 8 + 8 * 2 + 2);
        assert!((0.0..=1.0).contains(&private_answer()));
        assert!(Image::init(1).predict(&Tensor::zeros()).as_slice().iter().all(|number| *number == 0.0));
    }

    #[test]
    fn a_network_can_be_had_in_f64() {
        let answer = generic_answer::<Private<f64>>(3, &[0.0; 4]);
        assert!((answer[0] - f64::from(private_answer())).abs() < 1e-6);
    }

    #[test]
    fn weights_have_names_and_shapes() {
        let mut network = Public::init(1);
        network.layers_mut().hidden.kernel[0][0] = 42.0;
        network.layers_mut().pair1_conv1.kernel[2][2][0][3] = 7.0;
        assert_eq!(network.layers().hidden.kernel[0][0], 42.0);
        assert_eq!(networks::Network::tensor(&network, "pair1.conv1", "kernel").map(|kernel| kernel[35]), Some(7.0));
        assert_eq!(network.clone().parameters(), network.parameters());
        assert_eq!(format!("{network:?}"), "Public(8x8x1 → 3, 1019 parameters)");
    }
}
