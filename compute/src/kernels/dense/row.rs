//! A small dense layer for one image.
//!
//! The outputs stay in registers, a few vectors at a time, while the weights are read once from the L2 cache, row by row.

#![allow(unsafe_code)]

use super::Spec;
use crate::configuration::{Configuration, may_be};
use crate::epilogue::Epilogue;
use crate::gemm::DEPTH;
use crate::kernels::elementary::Elementary;
use crate::simd::{Isa, Simd, Vector, WithSimd, mapped, unrolled};

/// Elements of weights that fit into an L2 cache.
const CACHED: usize = 1 << 18;

/// Whether the weights fit into a cache; then the layer runs on one thread.
pub(super) const fn fits(spec: &Spec) -> bool {
    spec.inputs * spec.outputs <= CACHED
}

/// Computes y of one image, with the epilogue except for the activation beyond its bounds. Lengths are checked.
pub(super) fn forward<T: Elementary, C: Configuration<Spec>>(
    isa: Isa,
    configuration: C,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    isa.dispatch(Row { configuration, x, w, epilogue, y });
}

struct Row<'a, T, C> {
    configuration: C,
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
}

/// The maximum vectors of outputs that are summed at once.
const MAX_VECTORS: usize = 12;

/// Returns the vectors of outputs that are summed at once: as many as fit into registers beside an input; constant sizes are divided
/// evenly.
const fn vectors_of<T: Elementary, S: Simd<T>>(outputs: usize, is_constant: bool) -> usize {
    let all = outputs.div_ceil(S::LANES);
    let most = if S::REGISTERS - 4 < MAX_VECTORS { S::REGISTERS - 4 } else { MAX_VECTORS };
    match all {
        _ if is_constant => all.div_ceil(all.div_ceil(most)),
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// Whether `vectors` vectors may be summed at once; sizes known at run time sum at most `widest`.
const fn may_have_vectors<T: Elementary, S: Simd<T>, C: Configuration<Spec>>(vectors: usize, widest: usize) -> bool {
    match C::CONSTANT {
        Some(spec) => vectors_of::<T, S>(spec.outputs, true) == vectors,
        None => vectors.is_power_of_two() && vectors <= widest,
    }
}

impl<T: Elementary, C: Configuration<Spec>> WithSimd<T> for Row<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        if may_be!(C, |spec| spec.outputs < S::LANES)
            && const { S::Half::LANES < S::LANES }
            && self.configuration.sizes().outputs < S::LANES
        {
            // The outputs fill at most two narrow vectors.
            self.run::<_, 2>(simd.half());
        } else if may_be!(C, |spec| S::Half::LANES == S::LANES || spec.outputs >= S::LANES) {
            self.run::<_, 8>(simd);
        }
    }
}

impl<T: Elementary, C: Configuration<Spec>> Row<'_, T, C> {
    /// Computes the row, with at most `WIDEST` vectors at once where sizes are known at run time.
    #[inline(always)]
    fn run<S: Simd<T>, const WIDEST: usize>(self, simd: S) {
        let Self { configuration, x, w, epilogue, y } = self;
        let spec = configuration.sizes();
        let Spec { inputs, outputs, .. } = *spec;
        assert!(x.len() == inputs && w.len() == inputs * outputs && y.len() == outputs, "lengths of a row");
        epilogue.check(outputs);
        let vectors = match C::CONSTANT {
            Some(_) => const { constant_vectors::<T, S, C>() },
            None => vectors_of::<T, S>(outputs, false).min(WIDEST),
        };
        // Partial sums are those of the tiles of a matrix product, so that an image gets the same bits alone and in a batch.
        for first in (0..inputs).step_by(DEPTH) {
            let depth = DEPTH.min(inputs - first);
            let part = InputRange {
                x: &x[first..first + depth],
                w: &w[first * outputs..],
                epilogue: epilogue.of_part(first == 0, first + depth == inputs),
            };
            let all = outputs.div_ceil(S::LANES);
            for group in 0..all.div_ceil(vectors) {
                let vector = group * vectors;
                macro_rules! groups {
                    ($($n:literal)*) => {
                        match vectors {
                            $(
                                $n if const { may_have_vectors::<T, S, C>($n, WIDEST) } => part.add::<S, $n>(simd, vector, outputs, y),
                            )*
                            _ => unreachable!("a row is cut into groups"),
                        }
                    };
                }
                groups!(1 2 3 4 5 6 7 8 9 10 11 12);
            }
        }
    }
}

/// [`vectors_of`] constant sizes.
const fn constant_vectors<T: Elementary, S: Simd<T>, C: Configuration<Spec>>() -> usize {
    match C::CONSTANT {
        Some(spec) => vectors_of::<T, S>(spec.outputs, true),
        None => 1,
    }
}

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// The distance of prefetches in rows of weights, where a vector is a cache line: a row comes from the L2 cache while the rows before it
/// are used. Narrower vectors would prefetch each line twice, which costs more than it saves.
const AHEAD: usize = 8;

/// A range of the inputs, with their weights and all that follow.
struct InputRange<'a, T> {
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
}

impl<T: Elementary> InputRange<'_, T> {
    /// Computes at most `N` vectors of outputs from a vector on, with the epilogue.
    #[inline(always)]
    fn add<S: Simd<T>, const N: usize>(&self, simd: S, vector: usize, outputs: usize, y: &mut [T]) {
        let Self { x, w, epilogue } = self;
        let first = vector * S::LANES;
        assert!(first < outputs && w.len() >= x.len() * outputs && y.len() == outputs);
        // The outputs of each vector: the last vector may be partial, and vectors after it have none.
        let mut counts = [0; N];
        unrolled!(n < N, { counts[n] = outputs.saturating_sub(first + n * S::LANES).min(S::LANES) });
        let is_whole = first + N * S::LANES <= outputs;
        let masks = mapped(counts, |count| simd.mask(count));
        let mut sums = [simd.splat(T::ZERO); N];
        // SAFETY: the assertions above and in `run` check that there is a row of weights for each input, and that a row has the outputs
        // that the masks select; the epilogue has an element for each output.
        unsafe {
            for (k, &x) in x.iter().enumerate() {
                let (x, row) = (simd.splat(x), w.as_ptr().add(k * outputs + first));
                for n in 0..N {
                    if const { size_of::<T>() * S::LANES == LINE_BYTES } {
                        simd.prefetch(row.wrapping_add(AHEAD * outputs + n * S::LANES));
                    }
                    let w = simd.load_edge(row.wrapping_add(n * S::LANES), !is_whole && counts[n] < S::LANES, masks[n]);
                    sums[n] = x.multiply_add(w, sums[n]);
                }
            }
            let bounds = epilogue.bounds().splat(simd);
            unrolled!(n < N, {
                let (offset, whole) = (first + n * S::LANES, counts[n] == S::LANES);
                let each = |each: &[T], default: T| match each.is_empty() {
                    true => simd.splat(default),
                    false => simd.load_edge(each.as_ptr().wrapping_add(offset), !whole, masks[n]),
                };
                let mut sum = sums[n].multiply_add(each(epilogue.scale, T::ONE), each(epilogue.shift, T::ZERO));
                let to = y.as_mut_ptr().wrapping_add(offset);
                if epilogue.accumulate {
                    sum = sum + simd.load_edge(to, !whole, masks[n]);
                }
                let sum = bounds.clamp_vector(sum);
                if whole { sum.store_at(to) } else { sum.store_masked(to, masks[n]) }
            });
        }
    }
}
