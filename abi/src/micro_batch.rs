//! How a training batch is cut: the compiler plans for it, the gradient engine does it.

/// The most micro-batches a batch is cut in: threads beyond this many find nothing to do.
const MOST_MICRO_BATCHES: usize = 8;
/// Fewer images than this do not fill the kernels.
const SMALLEST: usize = 16;
/// Multiply-adds of a micro-batch forward, for each weight: with fewer, clearing and adding up its gradients would take as long as it does.
const MACS_OF_A_WEIGHT: u64 = 32;
/// All micro-batches' gradients together stay below this many elements, for every micro-batch has a buffer as large as the network.
const GRADIENT_ELEMENTS: usize = 1 << 25;
/// A network larger than this is not even cut in two.
const LARGEST_CUT: usize = 1 << 27;

/// The most images that a micro-batch of `batch` images has, of a network with so many parameters and multiply-adds for an image, and whether
/// the images of a batch meet in it. It depends on the network and the batch, never on threads: floating-point sums depend on how they
/// are cut.
#[must_use]
pub const fn micro_batch_size(parameters: usize, macs: u64, is_coupled: bool, batch: usize) -> usize {
    if is_coupled || parameters > LARGEST_CUT {
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
