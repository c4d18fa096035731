//! Convolution (in truth cross-correlation, slides 22 and 37): filters slide over an image of channels.
//!
//! | variant | for |
//! |---|---|
//! | [`mod@reference`] | reading, and testing the others |
//! | `conv_direct` | small layers and boards: no scratch memory |
//! | `conv_gemm` | everything else |
//! | `conv_packed` | `conv_gemm` when predicting: filters are packed once |
//! | `conv_winograd` | 3x3 and 5x5 windows of many channels, forward and the gradient of the input; 3x3 windows, the gradient of the weights |
//! | `conv_registers` | small layers without padding, when predicting: `conv_direct` for constant sizes |
//! | `conv_pixels` | few filters, when predicting: pixels side by side in vectors |
//! | `conv_grouped` | several groups (AlexNet, ResNeXt) |
//! | `conv_blocks` | training tiny images, sixteen of them in the lanes |
//! | `conv_lanes` | predicting images that lie in the lanes |

use core::ops::Range;

use super::channel_sums;
use super::elementary::Elementary;
pub use super::lanes::{
    conv_blocks_forward, conv_blocks_forward_scratch, conv_blocks_grad_input, conv_blocks_grad_input_scratch,
    conv_blocks_grad_weights, conv_blocks_grad_weights_scratch, conv_lanes_forward,
};
use crate::configuration::Configuration;
use crate::context::{Context, WORTH_A_THREAD};
use crate::epilogue::Epilogue;
use crate::scalar::Scalar;
use crate::simd::Isa;
pub use netwright_abi::spec::conv::{LINE, PANEL, Spec};
use strips::in_strips;

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

pub(crate) use gemm::StridePhase;
pub use grouped::{
    conv_grouped_forward, conv_grouped_forward_scratch, conv_grouped_grad_input, conv_grouped_grad_input_scratch,
    conv_grouped_grad_weights, conv_grouped_grad_weights_scratch, conv_grouped_pack, conv_grouped_pack_rotated,
};
pub use winograd::kernels::{
    conv_winograd_forward, conv_winograd_forward_scratch, conv_winograd_grad_input, conv_winograd_grad_input_scratch,
    conv_winograd_grad_weights, conv_winograd_grad_weights_scratch, conv_winograd_pack, conv_winograd_pack_fine,
    conv_winograd_pack_rotated, conv_winograd_pooled_forward, conv_winograd_pooled_forward_scratch,
    conv_winograd_train_forward, conv_winograd_train_forward_scratch,
};

/// `conv_direct`: y from x, w, scale, shift.
pub fn conv_direct_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    context.split_windows(spec, x, y, &mut [], &|spec, x, y, _| {
        direct::forward(context.isa(), spec, x, w, scale, shift, y)
    });
}

/// `conv_registers`: y from x, w, scale, shift. Constant sizes are those of a small layer, which is one thread's; with others it is
/// `conv_direct`, which gives the same bits.
pub fn conv_registers_forward<T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    let spec = configuration.sizes();
    assert!(spec.has_inner_windows(), "windows whose sums stay in registers are short and inside the image");
    if const { C::CONSTANT.is_none() } {
        return conv_direct_forward(context, spec, x, w, scale, shift, y);
    }
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    registers::forward(context.isa(), configuration, x, w, Epilogue::new(spec.epilogue, scale, shift), y);
}

/// `conv_direct`: dx from dy, w, and what [`conv_direct_pack_rotated`] packed of it or nothing.
pub fn conv_direct_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
) {
    assert!(packed.is_empty() || packed.len() == w.len(), "length of the packed filters");
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    direct::grad_input(context.isa(), spec, dy, [w, packed], dx);
}

/// Filters as `conv_direct_grad_input` would transpose them in every pass.
pub fn conv_direct_pack_rotated<T: Scalar>(_context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(w.len() == spec.weights_len() && prepared.len() == w.len(), "length of the filters");
    direct::pack_rotated(spec, w, prepared);
}

/// Elements of scratch memory that `conv_direct_grad_weights` asks for, whatever the batch: none for small images.
pub const fn conv_direct_grad_weights_scratch(spec: &Spec) -> usize {
    strips::scratch(spec)
}

/// `conv_direct`: dw and db, added to, from x, dy.
#[allow(clippy::too_many_arguments)]
pub fn conv_direct_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, x.len(), dw.len(), [0, db.len()], dy.len());
    add_bias_gradient(context, dy, db);
    in_strips(spec, x, dy, dw, scratch, &mut |spec, x, dy, dw, _| {
        split_weights(context, spec, dy, dw, &mut [], &|rows, dw, _| {
            direct::grad_weights(context.isa(), spec, x, dy, rows, dw);
        });
    });
}

/// Runs `work` on parts of dw: it is given the rows, one for each tap and channel of a group, and scratch memory.
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

/// Elements of scratch memory that `conv_gemm_forward` asks for, whatever the batch.
pub const fn conv_gemm_forward_scratch(spec: &Spec) -> usize {
    gemm::forward_scratch(spec)
}

/// Elements of scratch memory that `conv_gemm_grad_input` asks for, whatever the batch.
pub const fn conv_gemm_grad_input_scratch(spec: &Spec) -> usize {
    gemm::grad_input_scratch(spec)
}

/// Elements of scratch memory that `conv_gemm_grad_weights` asks for, whatever the batch.
pub const fn conv_gemm_grad_weights_scratch(spec: &Spec) -> usize {
    strips::scratch(spec) + gemm::grad_weights_scratch(spec)
}

/// `conv_gemm`: y from x, w, what [`conv_gemm_pack`] packed of it or nothing, scale, shift.
#[allow(clippy::too_many_arguments)]
pub fn conv_gemm_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    packed: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    assert!(packed.is_empty() || packed.len() == w.len(), "length of the packed filters");
    context.split_windows(spec, x, y, scratch, &|spec, x, y, scratch| {
        gemm::forward(context.isa(), spec, x, [w, packed], scale, shift, y, scratch);
    });
}

/// Filters as `conv_gemm_forward` would pack them in every pass.
pub fn conv_gemm_pack<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(w.len() == spec.weights_len() && prepared.len() == w.len(), "length of the filters");
    gemm::pack_filters(context, spec, w, prepared);
}

/// Filters as `conv_gemm_grad_input` would pack them in every pass: rotated and transposed, those of one phase of the stride together.
pub fn conv_gemm_pack_rotated<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(w.len() == spec.weights_len() && prepared.len() == w.len(), "length of the filters");
    gemm::pack_rotated(context, spec, w, prepared);
}

/// Filters in panels of [`PANEL`], in which those of one tap and channel lie together; the last panel is filled up with zeros to
/// whole cache lines.
pub fn conv_pack<T: Scalar>(_context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(spec.groups == 1 && w.len() == spec.weights_len(), "length of the weights");
    assert_eq!(prepared.len(), spec.packed_len(), "length of the packed filters");
    let filters = spec.output[2];
    let panels = prepared.chunks_mut(w.len() / filters * PANEL);
    for (first, panel) in (0..filters).step_by(PANEL).zip(panels) {
        let columns = PANEL.min(filters - first);
        for (row, w) in panel.chunks_exact_mut(columns.next_multiple_of(LINE)).zip(w.chunks_exact(filters)) {
            row[..columns].copy_from_slice(&w[first..first + columns]);
            row[columns..].fill(T::ZERO);
        }
    }
}

/// Elements of scratch memory that `conv_packed_forward` asks for, whatever the batch.
pub const fn conv_packed_forward_scratch(spec: &Spec) -> usize {
    packed::scratch(spec)
}

/// `conv_gemm` with filters of [`conv_pack`]: y from x, w, scale, shift.
#[allow(clippy::too_many_arguments)]
pub fn conv_packed_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    assert!(spec.groups == 1 && w.len() == spec.packed_len(), "length of the packed filters");
    spec.check(context.batch, x.len(), spec.weights_len(), [scale.len(), shift.len()], y.len());
    context.split_windows(&gemm::in_one_column(spec), x, y, scratch, &|spec, x, y, scratch| {
        packed::forward(context.isa(), spec, x, w, scale, shift, y, scratch);
    });
}

/// Elements of scratch memory that `conv_pixels_forward` asks for, whatever the batch.
pub const fn conv_pixels_forward_scratch(spec: &Spec) -> usize {
    pixels::scratch(spec)
}

/// `conv_pixels`: y from x, w, scale, shift. Constant sizes are those of a small layer, which is one thread's.
#[allow(clippy::too_many_arguments)]
pub fn conv_pixels_forward<T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    let spec = configuration.sizes();
    assert!(spec.has_short_windows(), "windows of pixels in the lanes are short and move by one");
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    if const { C::CONSTANT.is_some() } {
        pixels::forward(context.isa(), configuration, x, w, epilogue, y, scratch);
    } else {
        context.split_windows(spec, x, y, scratch, &|spec, x, y, scratch| {
            pixels::forward(context.isa(), spec, x, w, epilogue, y, scratch);
        });
    }
}

/// `conv_gemm`: dx from dy, w, and what [`conv_gemm_pack_rotated`] packed of it or nothing.
pub fn conv_gemm_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    context.split_images(spec, dx, scratch, &|first, dx, scratch| {
        let images = dx.len() / spec.input_len();
        let dy = &dy[first * spec.output_len()..][..images * spec.output_len()];
        conv_transposed(context.isa(), images, spec, dy, [w, packed], of_gradient(spec), dx, scratch);
    });
}

/// What becomes of the gradient of the input: it may be added to what stands in its place.
fn of_gradient<'a, T>(spec: &Spec) -> Epilogue<'a, T> {
    Epilogue { accumulate: spec.epilogue.accumulate, ..Epilogue::NONE }
}

/// The gradient of the input, which is the transposed convolution of dy, through an epilogue; of filters, and what was packed of them.
#[allow(clippy::too_many_arguments)]
pub(crate) fn conv_transposed<T: Elementary>(
    isa: Isa,
    batch: usize,
    spec: &Spec,
    dy: &[T],
    [w, packed]: [&[T]; 2],
    epilogue: Epilogue<'_, T>,
    dx: &mut [T],
    scratch: &mut [T],
) {
    epilogue.check(spec.input[2]);
    spec.check(batch, dx.len(), w.len(), [0; 2], dy.len());
    assert!(packed.is_empty() || packed.len() == w.len(), "length of the packed filters");
    gemm::grad_input(isa, spec, dy, [w, packed], epilogue, dx, scratch);
}

/// `conv_gemm`: dw and db, added to, from x, dy.
pub fn conv_gemm_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, x.len(), dw.len(), [0, db.len()], dy.len());
    add_bias_gradient(context, dy, db);
    in_strips(spec, x, dy, dw, scratch, &mut |spec, x, dy, dw, scratch| {
        split_weights(context, spec, dy, dw, scratch, &|rows, dw, scratch| {
            gemm::grad_weights(context.isa(), spec, x, dy, rows, dw, scratch);
        });
    });
}

/// ∂ℓ/∂b\[f′] += Σ ∂ℓ/∂z\[i′,j′,f′]   (slide 38)
pub(crate) fn add_bias_gradient<T: Scalar>(context: &Context<'_>, dy: &[T], db: &mut [T]) {
    channel_sums::add_all(context, dy, db);
}
