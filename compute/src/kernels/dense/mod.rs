//! The dense (fully connected) layer, a = f(W a + b) (slide 4), for a whole batch: one image per row.

use super::Kernels;
use super::conv::add_bias_gradient;
use super::elementary::Elementary;
pub use super::lanes::dense_lanes_forward;
use crate::configuration::Configuration;
use crate::context::{Context, WORTH_A_THREAD};
use crate::epilogue::Epilogue;
use crate::gemm::{self, Matrix, gemm};
use crate::scalar::Scalar;
pub use netwright_abi::spec::dense::Spec;

mod blocks;
mod by_columns;
pub mod reference;
mod row;
#[cfg(test)]
mod tests;

pub use blocks::{gradient_blocks, gradient_blocks_scratch, is_surely_finite};

/// The unit of outputs of one image that threads share: a cache line.
const OUTPUTS: usize = 16;

/// Returns the elements of scratch memory that `dense_forward` needs per thread, whatever the batch.
pub const fn dense_forward_scratch(spec: &Spec) -> usize {
    gemm::scratch(spec.inputs, spec.outputs)
}

/// Returns the elements of scratch memory that `dense_grad_input` needs per thread, whatever the batch.
pub const fn dense_grad_input_scratch(spec: &Spec) -> usize {
    gemm::scratch(spec.outputs, spec.inputs)
}

/// Returns the elements of scratch memory that `dense_grad_weights` needs per thread, whatever the batch.
pub const fn dense_grad_weights_scratch(spec: &Spec) -> usize {
    gemm::scratch(gemm::DEPTH, spec.outputs)
}

/// Returns the elements of scratch memory that `dense_transposed_forward` needs per thread, whatever the batch.
pub const fn dense_transposed_forward_scratch(spec: &Spec) -> usize {
    gemm::scratch(spec.inputs, spec.outputs)
}

/// Returns the elements of scratch memory that `dense_transposed_grad_input` needs per thread, whatever the batch.
pub const fn dense_transposed_grad_input_scratch(spec: &Spec) -> usize {
    gemm::scratch(spec.outputs, spec.inputs)
}

/// Returns the elements of scratch memory that `dense_transposed_grad_weights` needs per thread, whatever the batch.
pub const fn dense_transposed_grad_weights_scratch(spec: &Spec) -> usize {
    gemm::scratch(gemm::DEPTH, spec.inputs)
}

/// Packs weights `[inputs, outputs]` as the B of a product: for `dense_forward`, and for `dense_transposed_grad_input` of the layer whose
/// outputs and inputs these are.
pub fn dense_pack<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    gemm::pack(context, Matrix::rows(w, spec.inputs, spec.outputs), prepared);
}

/// Packs weights `[inputs, outputs]` as a product whose B is their transpose: for `dense_grad_input`, and for `dense_transposed_forward` of
/// the layer whose outputs and inputs these are.
pub fn dense_pack_transposed<T: Scalar>(context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    gemm::pack(context, Matrix::rows(w, spec.inputs, spec.outputs).transposed(), prepared);
}

/// Y = f(scale · X W + shift + Y); `packed` holds the weights of [`dense_pack`], or is empty.
#[allow(clippy::too_many_arguments)]
pub fn dense_forward<T: Kernels, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    w: &[T],
    packed: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    let spec = configuration.sizes();
    if context.batch == 1 && row::fits(spec) {
        return row(context, configuration, x, w, scale, shift, y);
    }
    if const { C::CONSTANT.is_some() } {
        return T::dense_forward(context, spec, x, w, packed, scale, shift, y, scratch);
    }
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let w = Matrix::rows(w, spec.inputs, spec.outputs).with_packed(packed);
    let (sizes, epilogue) = ([spec.inputs, spec.outputs], Epilogue::new(spec.epilogue, scale, shift));
    product(context, sizes, x, w, epilogue, usize::MAX, y, scratch);
}

/// Computes one image of a small layer.
#[inline(always)]
fn row<T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    let spec = configuration.sizes();
    spec.check(1, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    row::forward(context.isa(), configuration, x, w, epilogue, y);
    epilogue.finish(context.isa(), y);
}

/// [`dense_forward`] without scratch memory.
pub fn dense_direct_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    if context.batch == 1 && row::fits(spec) {
        return row(context, spec, x, w, scale, shift, y);
    }
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let w = Matrix::rows(w, spec.inputs, spec.outputs);
    let at_once = gemm::rows_without_scratch(&w);
    let (sizes, epilogue) = ([spec.inputs, spec.outputs], Epilogue::new(spec.epilogue, scale, shift));
    product(context, sizes, x, w, epilogue, at_once, y, &mut []);
}

/// [`dense_transposed_forward`] without scratch memory.
pub fn dense_direct_transposed_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let w = Matrix::rows(w, spec.outputs, spec.inputs).transposed();
    let at_once = gemm::rows_without_scratch(&w);
    let (sizes, epilogue) = ([spec.inputs, spec.outputs], Epilogue::new(spec.epilogue, scale, shift));
    product(context, sizes, x, w, epilogue, at_once, y, &mut []);
}

/// Y = f(scale · X W + shift + Y) for W `[depth, width]`, with at most `at_once` images per product. Threads share large batches by images.
/// Small batches are bound by reading the weights; threads share them by columns of the weights, so that each weight is read once.
#[allow(clippy::too_many_arguments)]
fn product<T: Elementary>(
    context: &Context<'_>,
    [depth, width]: [usize; 2],
    x: &[T],
    w: Matrix<'_, T>,
    epilogue: Epilogue<'_, T>,
    at_once: usize,
    y: &mut [T],
    scratch: &mut [T],
) {
    if context.batch == 1 {
        let least = WORTH_A_THREAD.div_ceil(depth * OUTPUTS);
        return context.split_rows(y, OUTPUTS, least, scratch, &|first, y, scratch| {
            let columns = first * OUTPUTS..first * OUTPUTS + y.len();
            let (x, epilogue) = (Matrix::rows(x, 1, depth), epilogue.channels(columns.start, columns.len()));
            gemm(context.isa(), x, w.columns(columns.clone()), epilogue, y, columns.len(), scratch);
        });
    }
    if by_columns::fits::<T>(context, [depth, width], scratch.len()) {
        return by_columns::multiply(context, [depth, width], x, w, epilogue, y, scratch);
    }
    let least = WORTH_A_THREAD.div_ceil(depth * width).max(by_columns::FEW / 2);
    context.split_rows(y, width, least, scratch, &|first, y, scratch| {
        let at_once = at_once.min(y.len() / width).max(1);
        let x = &x[first * depth..];
        for (x, y) in x.chunks(at_once * depth).zip(y.chunks_mut(at_once * width)) {
            let x = Matrix::rows(x, y.len() / width, depth);
            gemm(context.isa(), x, w, epilogue, y, width, scratch);
        }
    });
}

/// C += Aᵀ B for A `[images, rows]` and B `[images, columns]`; threads share the rows of C.
fn add_transposed_product<T: Elementary>(
    context: &Context<'_>,
    [rows, columns]: [usize; 2],
    a: &[T],
    b: &[T],
    c: &mut [T],
    scratch: &mut [T],
) {
    let images = context.batch;
    let (a, b) = (Matrix::rows(a, images, rows), Matrix::rows(b, images, columns));
    let least = WORTH_A_THREAD.div_ceil((images * columns).max(1)).max(gemm::ROWS);
    context.split_rows(c, columns, least, scratch, &|first, c, scratch| {
        let a = a.columns(first..first + c.len() / columns).transposed();
        gemm(context.isa(), a, b, Epilogue::ACCUMULATE, c, columns, scratch);
    });
}

/// dX = dY Wᵀ; `packed` holds the weights of [`dense_pack_transposed`], or is empty.
pub fn dense_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    let w = Matrix::rows(w, spec.inputs, spec.outputs).transposed().with_packed(packed);
    product(context, [spec.outputs, spec.inputs], dy, w, Epilogue::NONE, usize::MAX, dx, scratch);
}

/// dW += Xᵀ dY and db += Σ dy over the batch. An empty dw is left to [`gradient_blocks`].
pub fn dense_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    let weights = if dw.is_empty() { spec.inputs * spec.outputs } else { dw.len() };
    spec.check(context.batch, x.len(), weights, [0, db.len()], dy.len());
    add_bias_gradient(context, dy, db);
    if dw.is_empty() {
        return;
    }
    add_transposed_product(context, [spec.inputs, spec.outputs], x, dy, dw, scratch);
}

/// Y = f(scale · X Wᵀ + shift + Y) with w stored as `[outputs, inputs]`; `packed` holds the weights of [`dense_pack_transposed`], or is
/// empty.
#[allow(clippy::too_many_arguments)]
pub fn dense_transposed_forward<T: Elementary>(
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
    let w = Matrix::rows(w, spec.outputs, spec.inputs).transposed().with_packed(packed);
    let (sizes, epilogue) = ([spec.inputs, spec.outputs], Epilogue::new(spec.epilogue, scale, shift));
    product(context, sizes, x, w, epilogue, usize::MAX, y, scratch);
}

/// dX = dY W with w stored as `[outputs, inputs]`; `packed` holds the weights of [`dense_pack`], or is empty.
pub fn dense_transposed_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    let w = Matrix::rows(w, spec.outputs, spec.inputs).with_packed(packed);
    product(context, [spec.outputs, spec.inputs], dy, w, Epilogue::NONE, usize::MAX, dx, scratch);
}

/// dW += dYᵀ X and db += Σ dy over the batch, with dw stored as `[outputs, inputs]`. An empty dw is left to [`gradient_blocks`].
pub fn dense_transposed_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    let weights = if dw.is_empty() { spec.inputs * spec.outputs } else { dw.len() };
    spec.check(context.batch, x.len(), weights, [0, db.len()], dy.len());
    add_bias_gradient(context, dy, db);
    if dw.is_empty() {
        return;
    }
    add_transposed_product(context, [spec.outputs, spec.inputs], dy, x, dw, scratch);
}
