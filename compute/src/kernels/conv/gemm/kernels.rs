//! The entry points of `conv_gemm` in the table of kernels, with their packing, and the transposed convolution.

use super::{
    forward, forward_scratch, grad_input, grad_input_scratch, grad_weights, grad_weights_scratch, pack_filters,
    pack_rotated,
};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::conv::{Spec, add_bias_gradient, split_weights, strips};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::Isa;

/// Returns the elements of scratch memory that `conv_gemm_forward` needs per thread, whatever the batch.
pub const fn conv_gemm_forward_scratch(spec: &Spec) -> usize {
    forward_scratch(spec)
}

/// Returns the elements of scratch memory that `conv_gemm_grad_input` needs per thread, whatever the batch.
pub const fn conv_gemm_grad_input_scratch(spec: &Spec) -> usize {
    grad_input_scratch(spec)
}

/// Returns the elements of scratch memory that `conv_gemm_grad_weights` needs per thread, whatever the batch.
pub const fn conv_gemm_grad_weights_scratch(spec: &Spec) -> usize {
    strips::scratch(spec) + grad_weights_scratch(spec)
}

/// y = f(scale · (w ∗ x) + shift + y) as matrix products; `packed` holds the filters of [`conv_gemm_pack`], or is empty.
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
        forward(context.isa(), spec, x, [w, packed], scale, shift, y, scratch);
    });
}

/// Packs the filters as `conv_gemm_forward` would otherwise pack them in every pass.
pub fn conv_gemm_pack<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(w.len() == spec.weights_len() && prepared.len() == w.len(), "length of the filters");
    pack_filters(context, spec, w, prepared);
}

/// Packs the filters as `conv_gemm_grad_input` would otherwise pack them in every pass: rotated and transposed, phase by phase of the
/// stride.
pub fn conv_gemm_pack_rotated<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(w.len() == spec.weights_len() && prepared.len() == w.len(), "length of the filters");
    pack_rotated(context, spec, w, prepared);
}

/// dx = ∂ℓ/∂x, or dx += ∂ℓ/∂x where the epilogue accumulates, as matrix products; `packed` holds the filters of [`conv_gemm_pack_rotated`],
/// or is empty.
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

/// Returns the epilogue of the gradient of the input, which may accumulate.
fn of_gradient<'a, T>(spec: &Spec) -> Epilogue<'a, T> {
    Epilogue { accumulate: spec.epilogue.accumulate, ..Epilogue::NONE }
}

/// Computes the gradient of the input, which is the transposed convolution of dy, with an epilogue; `packed` holds packed filters, or is
/// empty.
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
    grad_input(isa, spec, dy, [w, packed], epilogue, dx, scratch);
}

/// dw += ∂ℓ/∂w and db += ∂ℓ/∂b from x and dy, as matrix products.
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
    strips::in_strips(spec, x, dy, dw, scratch, &mut |spec, x, dy, dw, scratch| {
        split_weights(context, spec, dy, dw, scratch, &|rows, dw, scratch| {
            grad_weights(context.isa(), spec, x, dy, rows, dw, scratch);
        });
    });
}
