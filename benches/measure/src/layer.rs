//! Layers that are timed, and their inputs.

use netwright_compute::kernels::conv::Spec;
use netwright_runtime::memory::Buffer;

/// Returns a convolution of square images with a square window of odd size, padded so that only the stride makes the image smaller, with
/// one group and without an epilogue.
pub fn convolution(size: usize, window: usize, stride: usize, channels: usize, filters: usize) -> Spec {
    Spec {
        input: [size, size, channels],
        output: [size.div_ceil(stride), size.div_ceil(stride), filters],
        window: [window; 2],
        stride: [stride; 2],
        padding: [window / 2; 4],
        dilation: [1; 2],
        groups: 1,
        epilogue: Default::default(),
    }
}

/// Returns elements between -0.5 and 0.5 without a short period, aligned to a cache line as the memory of networks is.
pub fn elements(count: usize) -> Buffer<f32> {
    let mut elements = Buffer::zeros(count);
    let each = (0..count).map(|i| ((i * 37 + i / 251) % 251) as f32 / 251.0 - 0.5);
    elements.iter_mut().zip(each).for_each(|(to, each)| *to = each);
    elements
}
