//! Layers that are timed, and what they are given.

use netwright_compute::kernels::conv::Spec;
use netwright_runtime::memory::Buffer;

/// A convolution of square images with a square window of odd size, padded so that stride alone makes the image smaller, in one group and
/// without an epilogue.
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

/// Elements between -0.5 and 0.5 without a short period, in memory as networks have it: from a cache line on.
pub fn elements(count: usize) -> Buffer<f32> {
    let mut elements = Buffer::zeros(count);
    let each = (0..count).map(|i| ((i * 37 + i / 251) % 251) as f32 / 251.0 - 0.5);
    elements.iter_mut().zip(each).for_each(|(to, each)| *to = each);
    elements
}
