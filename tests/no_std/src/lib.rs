//! Predictions without `std` and without a heap: weights may stay in flash, and the workspace is an array.
#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings)]

use netwright::{Architecture, LengthError, Predictor, PreparedWeights, Tensor};

netwright::network! {
    /// A small classifier of 8x8 digits; one of its kernels packs its filters.
    pub Reader(8x8x1) { conv 3x3x4 same tanh; maxpool 2; conv 3x3x6 kernel gemm relu; dense 12 sigmoid; softmax 10 }
}

netwright::network! {
    /// LeNet-5, as taught.
    pub LeNet5(28x28x1) {
        conv 5x5x6 same tanh; avgpool 2; conv 5x5x16 tanh; avgpool 2; dense 120 tanh; dense 84 tanh; softmax 10
    }

    block separable(width) {
        add {
            sepconv 3x3x(width) same nobias bn relu; sepconv 3x3x(width) same nobias bn; maxpool 3 stride 2 same
        } { conv 1x1x(width) stride 2 nobias bn }
    }
    /// A small network of separable convolutions, after Xception (Chollet, 2017; Arriaga et al., 2017).
    pub MiniXception(48x48x1) {
        2 * conv 3x3x8 nobias bn relu;
        separable(16); separable(32); separable(64); separable(128);
        conv 3x3x7 same; globalavgpool; softmax
    }
}

/// Returns the bytes of the values in a prediction of one image, which a plan without scratch memory would need.
pub const fn bytes_of_values<N: Architecture>() -> usize {
    4 * (N::PREDICTING.for_batch(1) - N::PREDICTING.scratch)
}

// Without `std`, kernels are selected for the least memory.
const _: () = assert!(LeNet5::WORKSPACE <= 28 * 1024);
const _: () = assert!(10 * LeNet5::WORKSPACE <= 12 * bytes_of_values::<LeNet5>());
const _: () = assert!(10 * MiniXception::WORKSPACE <= 12 * bytes_of_values::<MiniXception>());
const _: () = assert!(<LeNet5 as Architecture>::PREPARED == 0);

/// Bytes of memory that a prediction needs besides weights.
pub const MEMORY: usize = Reader::WORKSPACE;

/// Elements of the prepared weights. The board prepares them if its memory allows; else the training machine does, for the flash.
pub const PREPARED: usize = PreparedWeights::<Reader>::LEN;

/// Returns the most probable digit of an image, from the weights and their prepared form.
///
/// # Errors
/// If they are not those of a [`Reader`].
pub fn read(
    weights: &[f32],
    prepared: PreparedWeights<'_, Reader>,
    image: &Tensor<8, 8, 1>,
) -> Result<usize, LengthError> {
    let mut workspace = [0.0; <Reader as Architecture>::PREDICTING.for_batch(1)];
    let answer = Predictor::new(weights, &[], prepared, &mut workspace)?.predict(image);
    let digit = (0..answer.len()).max_by(|&a, &b| answer[a].total_cmp(&answer[b]));
    Ok(digit.unwrap_or(0))
}

/// Training on a board is refused at compile time.
#[cfg(feature = "train")]
pub fn train() -> Reader {
    Reader::init(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_needs_no_std() {
        let mut weights = [0.0; Reader::PARAMETERS];
        // Only the bias of class 7 is not zero.
        weights[Reader::PARAMETERS - 3] = 1.0;
        let mut prepared = [0.0; PREPARED];
        let prepared = PreparedWeights::of(&weights, &[], &mut prepared).expect("lengths");
        assert_eq!(read(&weights, prepared, &Tensor::zeros()), Ok(7));
    }

    #[test]
    fn weights_of_another_network_are_refused() {
        let (weights, mut memory) = ([0.0; Reader::PARAMETERS], [0.0; PREPARED]);
        let prepared = PreparedWeights::of(&weights, &[], &mut memory).expect("lengths");
        let error = read(&[0.0; 3], prepared, &Tensor::zeros());
        assert_eq!(error, Err(LengthError { what: "parameters", expected: Reader::PARAMETERS, found: 3 }));
        let error =
            PreparedWeights::<Reader>::of(&weights, &[], &mut [0.0; 5]).map(|prepared| prepared.elements().len());
        let what = "memory for prepared weights";
        assert_eq!(error, Err(LengthError { what, expected: PREPARED, found: 5 }));
    }
}
