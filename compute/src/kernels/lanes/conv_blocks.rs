//! Convolution of contiguous images, channels last, which transposes one block of images into the lanes at a time: for training passes of
//! tiny networks. The remaining images, fewer than half a block, are computed as matrix products.

use super::conv::{Filters, compute_row};
use super::{LANES, grad_weights};
use crate::context::{Context, WORTH_A_THREAD};
use crate::epilogue::Epilogue;
use crate::kernels::conv::{
    PANEL, Spec, add_bias_gradient, conv_gemm_forward, conv_gemm_forward_scratch, conv_gemm_grad_input,
    conv_gemm_grad_input_scratch, conv_gemm_grad_weights, conv_gemm_grad_weights_scratch, conv_gemm_pack_rotated,
    split_weights,
};
use crate::kernels::elementary::Elementary;
use crate::kernels::relayout::{IntoBlock, OutOfBlock};
use crate::simd::{Isa, Simd, WithSimd};

/// Returns the images of a batch that are computed in blocks: those of whole blocks, and the remaining images where they fill half a block,
/// which is then padded with zeros.
const fn images_in_blocks(batch: usize) -> usize {
    let rest = batch % LANES;
    if rest < LANES / 2 { batch - rest } else { batch }
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Returns the elements of scratch memory for a block: its input, and a row of its output.
const fn block_len(spec: &Spec) -> usize {
    (spec.input_len() + spec.rows_len()[1]) * LANES
}

/// Returns the sizes of the convolution that computes the gradient of the input.
#[track_caller]
const fn transposed(spec: &Spec) -> Spec {
    match spec.transposed() {
        Some(transposed) if spec.in_blocks() => transposed,
        _ => panic!("a convolution that can be computed in blocks"),
    }
}

/// Returns the elements of scratch memory that `conv_blocks_forward` needs per thread, whatever the batch.
pub const fn conv_blocks_forward_scratch(spec: &Spec) -> usize {
    larger(block_len(spec), conv_gemm_forward_scratch(spec))
}

/// Returns the elements of scratch memory that `conv_blocks_grad_input` needs per thread, whatever the batch.
pub const fn conv_blocks_grad_input_scratch(spec: &Spec) -> usize {
    larger(block_len(&transposed(spec)) + spec.weights_len(), conv_gemm_grad_input_scratch(spec))
}

/// Returns the elements of scratch memory that `conv_blocks_grad_weights` needs per thread, whatever the batch.
pub const fn conv_blocks_grad_weights_scratch(spec: &Spec) -> usize {
    larger(grad_weights::scratch(spec), conv_gemm_grad_weights_scratch(spec))
}

/// y = f(scale · (w ∗ x) + shift + y) in blocks of images; `packed` holds the filters of
/// [`conv_gemm_pack`](crate::kernels::conv::conv_gemm_pack) for the remaining images, or is empty.
#[allow(clippy::too_many_arguments)]
pub fn conv_blocks_forward<T: Elementary>(
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
    let images = images_in_blocks(context.batch);
    let ((x, x_rest), (y, y_rest)) =
        (x.split_at(images * spec.input_len()), y.split_at_mut(images * spec.output_len()));
    let filters = Filters { w, panel: spec.output[2] };
    in_blocks(context, spec, x, filters, Epilogue::new(spec.epilogue, scale, shift), y, scratch);
    if images < context.batch {
        let rest = context.of_images(context.batch - images);
        conv_gemm_forward(&rest, spec, x_rest, w, packed, scale, shift, y_rest, scratch);
    }
}

/// dx = ∂ℓ/∂x from dy and w, in blocks of images; `packed` holds the filters of [`conv_gemm_pack_rotated`], or is empty.
pub fn conv_blocks_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    assert!(packed.is_empty() || packed.len() == w.len(), "length of the packed filters");
    let images = images_in_blocks(context.batch);
    let ((dy, dy_rest), (dx, dx_rest)) =
        (dy.split_at(images * spec.output_len()), dx.split_at_mut(images * spec.input_len()));
    if images > 0 {
        let (rotated, scratch) = scratch.split_at_mut(w.len());
        let w = if packed.is_empty() {
            conv_gemm_pack_rotated(context, spec, w, rotated);
            rotated
        } else {
            packed
        };
        let filters = Filters { w, panel: PANEL };
        in_blocks(context, &transposed(spec), dy, filters, Epilogue::NONE, dx, scratch);
    }
    if images < context.batch {
        let rest = context.of_images(context.batch - images);
        conv_gemm_grad_input(&rest, spec, dy_rest, w, packed, dx_rest, scratch);
    }
}

/// dw += ∂ℓ/∂w and db += ∂ℓ/∂b from x and dy, in blocks of images.
pub fn conv_blocks_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, x.len(), dw.len(), [0, db.len()], dy.len());
    assert_eq!(spec.groups, 1, "a convolution in blocks of images has one group");
    add_bias_gradient(context, dy, db);
    let images = images_in_blocks(context.batch);
    let ((x, x_rest), (dy, dy_rest)) = (x.split_at(images * spec.input_len()), dy.split_at(images * spec.output_len()));
    if images > 0 {
        split_weights(context, spec, dy, dw, scratch, &|rows, dw, scratch| {
            grad_weights::add(context.isa(), spec, x, dy, rows, dw, scratch);
        });
    }
    if images < context.batch {
        let rest = context.of_images(context.batch - images);
        conv_gemm_grad_weights(&rest, spec, x_rest, dy_rest, dw, &mut [], scratch);
    }
}

/// Computes a convolution in blocks, on the context's threads.
fn in_blocks<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    filters: Filters<'_, T>,
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
    scratch: &mut [T],
) {
    let work = LANES * spec.output_len() * (spec.weights_len() / spec.output[2]);
    let block = LANES * spec.output_len();
    context.split_rows(y, block, WORTH_A_THREAD.div_ceil(work), scratch, &|first, y, scratch| {
        let images = y.len() / spec.output_len();
        let x = &x[first * LANES * spec.input_len()..][..images * spec.input_len()];
        let isa = context.isa();
        isa.dispatch(Blocks { isa, spec, x, filters, epilogue, y, scratch });
    });
}

struct Blocks<'a, T> {
    isa: Isa,
    spec: &'a Spec,
    x: &'a [T],
    filters: Filters<'a, T>,
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
    scratch: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Blocks<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { isa, spec, x, filters, epilogue, y, scratch } = self;
        let ([x_len, y_len], row_len) = ([spec.input_len(), spec.output_len()], spec.rows_len()[1]);
        let (block, rest) = scratch.split_at_mut(x_len * LANES);
        let row = &mut rest[..row_len * LANES];
        for (x, y) in x.chunks(x_len * LANES).zip(y.chunks_mut(y_len * LANES)) {
            let images = x.len() / x_len;
            simd.call(IntoBlock { images, x, step: x_len, y: block });
            for at in 0..spec.output[0] {
                let y = &mut y[at * row_len..];
                if epilogue.accumulate {
                    simd.call(IntoBlock { images, x: y, step: y_len, y: row });
                }
                compute_row(simd, spec, filters, epilogue, at, block, row);
                epilogue.finish(isa, row);
                simd.call(OutOfBlock { images, x: row, y, step: y_len });
            }
        }
    }
}
