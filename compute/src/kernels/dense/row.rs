//! One image through a small dense layer: `dense_row`.
//!
//! The row of outputs stays in registers, a few vectors at a time, while the weights are read once from the second cache, row after row.

#![allow(unsafe_code)]

use super::Spec;
use crate::configuration::{Configuration, may_be};
use crate::epilogue::Epilogue;
use crate::gemm::DEPTH;
use crate::kernels::elementary::Elementary;
use crate::simd::{Isa, Simd, Vector, WithSimd, mapped, unrolled};

/// Elements of weights that a second cache holds.
const CACHED: usize = 1 << 18;

/// Whether the weights are so few that they are read from a cache, and are one thread's.
pub(super) const fn fits(spec: &Spec) -> bool {
    spec.inputs * spec.outputs <= CACHED
}

/// y of one image, but for what the floor leaves of the epilogue. Lengths are checked.
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

/// The most vectors of outputs that are summed at once.
const MOST: usize = 12;

/// Vectors of outputs that are summed at once: as many as registers hold beside an input; constant sizes are cut evenly.
const fn vectors_of<T: Elementary, S: Simd<T>>(outputs: usize, is_constant: bool) -> usize {
    let all = outputs.div_ceil(S::LANES);
    let most = if S::REGISTERS - 4 < MOST { S::REGISTERS - 4 } else { MOST };
    match all {
        _ if is_constant => all.div_ceil(all.div_ceil(most)),
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// Whether so many vectors may be summed at once, where sizes that are read when the kernel runs have `widest`.
const fn may_be_cut<T: Elementary, S: Simd<T>, C: Configuration<Spec>>(vectors: usize, widest: usize) -> bool {
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
            // They fill two narrow vectors at most.
            self.run::<_, 2>(simd.half());
        } else if may_be!(C, |spec| S::Half::LANES == S::LANES || spec.outputs >= S::LANES) {
            self.run::<_, 8>(simd);
        }
    }
}

impl<T: Elementary, C: Configuration<Spec>> Row<'_, T, C> {
    /// Sums at most `WIDEST` vectors at once, where sizes are no constants.
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
        // The parts of the sum are those of the tiles, so that an image gets the same answer alone and in a batch.
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
                                $n if const { may_be_cut::<T, S, C>($n, WIDEST) } => part.add::<S, $n>(simd, vector, outputs, y),
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

/// Rows of weights after which one is asked for, where a vector is a line: it comes from the second cache while those between are met. Narrower
/// vectors would ask twice, which takes longer than it saves.
const AHEAD: usize = 8;

/// A part of the inputs, with their weights and those behind.
struct InputRange<'a, T> {
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
}

impl<T: Elementary> InputRange<'_, T> {
    /// The sums of `N` vectors of outputs from a vector on, as many as there are, through the epilogue.
    #[inline(always)]
    fn add<S: Simd<T>, const N: usize>(&self, simd: S, vector: usize, outputs: usize, y: &mut [T]) {
        let Self { x, w, epilogue } = self;
        let first = vector * S::LANES;
        assert!(first < outputs && w.len() >= x.len() * outputs && y.len() == outputs);
        // The outputs of a vector: none behind the last, whose own may be filled in part.
        let mut counts = [0; N];
        unrolled!(n < N, { counts[n] = outputs.saturating_sub(first + n * S::LANES).min(S::LANES) });
        let is_whole = first + N * S::LANES <= outputs;
        let masks = mapped(counts, |count| simd.mask(count));
        let mut sums = [simd.splat(T::ZERO); N];
        // SAFETY: a row of the weights has the outputs that the masks let through, and there is one for each input, by the lengths that
        // were compared; the epilogue has an element for each output.
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
                let (place, whole) = (first + n * S::LANES, counts[n] == S::LANES);
                let each = |each: &[T], default: T| match each.is_empty() {
                    true => simd.splat(default),
                    false => simd.load_edge(each.as_ptr().wrapping_add(place), !whole, masks[n]),
                };
                let mut sum = sums[n].multiply_add(each(epilogue.scale, T::ONE), each(epilogue.shift, T::ZERO));
                let to = y.as_mut_ptr().wrapping_add(place);
                if epilogue.accumulate {
                    sum = sum + simd.load_edge(to, !whole, masks[n]);
                }
                let sum = bounds.hold_vector(sum);
                if whole { sum.store_at(to) } else { sum.store_masked(to, masks[n]) }
            });
        }
    }
}
