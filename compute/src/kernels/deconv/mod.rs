//! Transposed convolution (Zeiler et al., 2010), the adjoint of a convolution.
//!
//! Its sizes are those of the convolution that it transposes: `spec.output` is its input, `spec.input` its output, and weights are `[window
//! height, window width, filters, input channels]`.

pub use super::conv::Spec;
use super::conv::{
    add_bias_gradient, conv_gemm_forward, conv_gemm_forward_scratch, conv_gemm_grad_input_scratch,
    conv_gemm_grad_weights, conv_gemm_grad_weights_scratch, conv_transposed,
};
use super::elementary::Elementary;
use crate::context::Context;
use crate::epilogue::Epilogue;

#[cfg(test)]
mod tests;

/// Returns the elements of scratch memory that `deconv_forward` needs, whatever the batch.
pub const fn deconv_forward_scratch(spec: &Spec) -> usize {
    conv_gemm_grad_input_scratch(spec)
}

/// Returns the elements of scratch memory that `deconv_grad_input` needs per thread, whatever the batch.
pub const fn deconv_grad_input_scratch(spec: &Spec) -> usize {
    conv_gemm_forward_scratch(spec)
}

/// Returns the elements of scratch memory that `deconv_grad_weights` needs per thread, whatever the batch.
pub const fn deconv_grad_weights_scratch(spec: &Spec) -> usize {
    conv_gemm_grad_weights_scratch(spec)
}

/// z\[i′·stride + i − padding, f] += x\[i′, f′] · w\[i, f, f′] for each input and tap, and y = f(scale · z + shift + y); `packed` holds the
/// filters of [`conv_gemm_pack_rotated`](super::conv::conv_gemm_pack_rotated), or is empty.
#[allow(clippy::too_many_arguments)]
pub fn deconv_forward<T: Elementary>(
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
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    conv_transposed(context.isa(), context.batch, spec, x, [w, packed], epilogue, y, scratch);
}

/// dx = w ∗ dy, the convolution itself; `packed` holds the filters of [`conv_gemm_pack`](super::conv::conv_gemm_pack), or is empty.
pub fn deconv_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    conv_gemm_forward(
        context,
        &Spec { epilogue: netwright_abi::Epilogue::NONE, ..*spec },
        dy,
        w,
        packed,
        &[],
        &[],
        dx,
        scratch,
    );
}

/// dw += ∂ℓ/∂w and db += Σ dy from x and dy: the gradient of the convolution, with input and output gradient exchanged.
pub fn deconv_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    assert!(db.is_empty() || db.len() == spec.input[2], "length of the bias");
    conv_gemm_grad_weights(context, spec, dy, x, dw, &mut [], scratch);
    add_bias_gradient(context, dy, db);
}
