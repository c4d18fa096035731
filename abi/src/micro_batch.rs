//! How a training batch is split into micro-batches: the compiler plans for it, and the gradient engine splits.

/// The maximum micro-batches of a batch: threads beyond this number are idle.
const MOST_MICRO_BATCHES: usize = 8;
/// The minimum images of a micro-batch: fewer do not fill the kernels.
const SMALLEST: usize = 16;
/// The minimum multiply-adds of a micro-batch's forward pass per weight: with fewer, clearing and adding up its gradients would take as
/// long as the pass.
const MACS_OF_A_WEIGHT: u64 = 32;
/// The maximum elements of the gradients of all micro-batches: each micro-batch has a buffer as large as the network.
const GRADIENT_ELEMENTS: usize = 1 << 25;
/// The maximum parameters of a network whose batches are split.
const LARGEST_SPLIT: usize = 1 << 27;

/// Returns the maximum images of a micro-batch of a batch of `batch` images, for a network with `parameters` parameters and `macs` multiply-adds per
/// image; `is_coupled` says whether an operation combines the images of a batch. The result depends on the network and the batch, never on
/// threads: floating-point sums depend on the split.
#[must_use]
pub const fn micro_batch_size(parameters: usize, macs: u64, is_coupled: bool, batch: usize) -> usize {
    if is_coupled || parameters > LARGEST_SPLIT {
        return batch;
    }
    let parameters = larger(parameters, 1);
    let fit = GRADIENT_ELEMENTS / parameters;
    let micro_batches = if fit > MOST_MICRO_BATCHES { MOST_MICRO_BATCHES } else { larger(fit, 2) };
    // Networks of dense layers have about one multiply-add for each weight and image.
    let images = MACS_OF_A_WEIGHT * parameters as u64 / if macs == 0 { 1 } else { macs };
    let worth_gradients = if images < MACS_OF_A_WEIGHT { images } else { MACS_OF_A_WEIGHT } as usize;
    larger(larger(batch.div_ceil(micro_batches), SMALLEST), worth_gradients)
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}
