//! Dense layers of blocks of images in the lanes.

use super::tile::{PixelRange, compute};
use super::{LANES, blocks};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::gemm::DEPTH;
use crate::kernels::dense::Spec;
use crate::kernels::elementary::Elementary;
use crate::simd::{Isa, Simd, WithSimd};

/// Y = f(scale · X W + shift + Y) for a batch of blocks of images.
pub fn dense_lanes_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    spec.check(context.batch * LANES, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    context.isa().dispatch(Forward {
        isa: context.isa(),
        spec,
        x,
        w,
        epilogue: Epilogue::new(spec.epilogue, scale, shift),
        y,
    });
}

struct Forward<'a, T> {
    isa: Isa,
    spec: &'a Spec,
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { isa, spec, x, w, epilogue, y } = self;
        for (x, y) in blocks(x, spec.inputs).zip(y.chunks_exact_mut(spec.outputs * LANES)) {
            // The partial sums of a matrix product: their inputs stay in the L1 cache for all outputs.
            for first in (0..spec.inputs).step_by(DEPTH) {
                let depth = DEPTH.min(spec.inputs - first);
                let range = PixelRange {
                    // The vectors of a block are contiguous, as pixels are.
                    pixels: LANES / S::LANES,
                    filters: spec.outputs,
                    loops: [1, 1, depth],
                    first,
                    terms: [0; 2],
                    x: x[first * LANES..].as_ptr(),
                    x_step: [0; 2],
                    x_pixel: S::LANES,
                    w: w.as_ptr(),
                    w_term: spec.outputs,
                    y: y.as_mut_ptr(),
                    y_pixel: S::LANES,
                    epilogue: epilogue.of_part(first == 0, first + depth == spec.inputs),
                };
                // SAFETY: `check` compared the lengths with the sizes: x and y are those of one block, whose images fill whole vectors, and
                // w has a weight for each input and output. y is borrowed mutably.
                unsafe { compute(simd, &range) };
            }
            epilogue.finish(isa, y);
        }
    }
}
