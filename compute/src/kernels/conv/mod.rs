//! Convolution (in truth cross-correlation, slides 22 and 37): filters slide over an image of channels.
//!
//! | variant | for |
//! |---|---|
//! | [`mod@reference`] | reading, and testing the others |
//! | `conv_direct` | small layers and microcontrollers: no scratch memory |
//! | `conv_gemm` | everything else |
//! | `conv_packed` | `conv_gemm` in predictions: filters are packed once |
//! | `conv_winograd` | 3x3 and 5x5 windows of many channels, forward and the gradient of the input; 3x3 windows, the gradient of the weights |
//! | `conv_registers` | small layers without padding, in predictions: `conv_direct` for constant sizes |
//! | `conv_pixels` | few filters, in predictions: pixels in the lanes |
//! | `conv_grouped` | several groups (AlexNet, ResNeXt) |
//! | `conv_blocks` | training on tiny images, sixteen of them in the lanes |
//! | `conv_lanes` | predictions of images in the lanes |

use core::ops::Range;

use super::channel_sums;
pub use super::lanes::{
    conv_blocks_forward, conv_blocks_forward_scratch, conv_blocks_grad_input, conv_blocks_grad_input_scratch,
    conv_blocks_grad_weights, conv_blocks_grad_weights_scratch, conv_lanes_forward,
};
use crate::context::{Context, WORTH_A_THREAD};
use crate::scalar::Scalar;
pub use netwright_abi::spec::conv::{LINE, PANEL, Spec};

mod correlate;
mod direct;
mod gemm;
mod grouped;
mod packed;
mod pixels;
pub mod reference;
mod registers;
pub(crate) mod strips;
#[cfg(test)]
pub(crate) mod tests;
mod winograd;

pub use direct::{
    conv_direct_forward, conv_direct_grad_input, conv_direct_grad_weights, conv_direct_grad_weights_scratch,
    conv_direct_pack_rotated,
};
pub(crate) use gemm::StridePhase;
pub(crate) use gemm::kernels::conv_transposed;
pub use gemm::kernels::{
    conv_gemm_forward, conv_gemm_forward_scratch, conv_gemm_grad_input, conv_gemm_grad_input_scratch,
    conv_gemm_grad_weights, conv_gemm_grad_weights_scratch, conv_gemm_pack, conv_gemm_pack_rotated,
};
pub use grouped::{
    conv_grouped_forward, conv_grouped_forward_scratch, conv_grouped_grad_input, conv_grouped_grad_input_scratch,
    conv_grouped_grad_weights, conv_grouped_grad_weights_scratch, conv_grouped_pack, conv_grouped_pack_rotated,
};
pub use packed::{conv_pack, conv_packed_forward, conv_packed_forward_scratch};
pub use pixels::{conv_pixels_forward, conv_pixels_forward_scratch};
pub use registers::conv_registers_forward;
pub use winograd::kernels::{
    conv_winograd_forward, conv_winograd_forward_scratch, conv_winograd_grad_input, conv_winograd_grad_input_scratch,
    conv_winograd_grad_weights, conv_winograd_grad_weights_scratch, conv_winograd_pack, conv_winograd_pack_fine,
    conv_winograd_pack_rotated, conv_winograd_pooled_forward, conv_winograd_pooled_forward_scratch,
    conv_winograd_train_forward, conv_winograd_train_forward_scratch,
};

/// Runs `work` on parts of dw. `work` receives its range of rows, one for each tap and channel of a group, the rows, and scratch memory.
pub(super) fn split_weights<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    dw: &mut [T],
    scratch: &mut [T],
    work: &(impl Fn(Range<usize>, &mut [T], &mut [T]) + Sync),
) {
    let filters = spec.output[2];
    let least = WORTH_A_THREAD.div_ceil(dy.len().max(1));
    context.split_rows(dw, filters, least, scratch, &|first, dw, scratch| {
        work(first..first + dw.len() / filters, dw, scratch);
    });
}

/// ∂ℓ/∂b\[f′] += Σ ∂ℓ/∂z\[i′,j′,f′]   (slide 38)
pub(crate) fn add_bias_gradient<T: Scalar>(context: &Context<'_>, dy: &[T], db: &mut [T]) {
    channel_sums::add_all(context, dy, db);
}
