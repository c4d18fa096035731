//! Register tiles over several rows of overlapping windows, which load each input once for all windows that contain it.
//!
//! With a single vector of filters, each multiply-add needs an element of the input and a vector of weights. A tile of one row reuses only
//! the weights, and is bound by loads. Here a tile has positions of several rows: an element of the input is used for all positions of its
//! row whose windows contain it, and a vector of weights for all rows. Each sum takes its terms in the same order as in a tile of one row.

use core::hint::black_box;

use super::{Spec, VectorEpilogue};
use crate::configuration::Configuration;
use crate::epilogue::{Bounds, Epilogue};
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector, WithSimd, unrolled};

/// The maximum rows, and positions per row, of a tile: with an element of each row and a vector of weights, the accumulators take 31
/// registers.
const MOST: usize = 5;
/// The maximum columns of the input that the windows of a tile cover.
const MOST_COLUMNS: usize = 16;

/// Returns the rows and positions of a tile where filters are a single vector, windows overlap, and there are enough registers.
const fn tile_of<T: Elementary, S: Simd<T>>(spec: &Spec) -> Option<[usize; 2]> {
    let ([rows, columns, filters], wide) = (spec.output, spec.window[1]);
    if S::REGISTERS < MOST * MOST + MOST + 1 || filters > S::LANES || spec.stride[1] != 1 || wide == 1 {
        return None;
    }
    let tile = [rows.div_ceil(rows.div_ceil(MOST)), columns.div_ceil(columns.div_ceil(MOST))];
    if tile[1] + wide - 1 > MOST_COLUMNS { None } else { Some(tile) }
}

/// [`tile_of`] constant sizes.
pub(super) const fn tile<T: Elementary, S: Simd<T>, C: Configuration<Spec>>() -> Option<[usize; 2]> {
    match C::CONSTANT {
        Some(spec) => tile_of::<T, S>(&spec),
        None => None,
    }
}

/// Whether images have tiles of `tile_rows` rows and `positions` positions; the last tiles may have fewer.
const fn has_tile<T: Elementary, S: Simd<T>, C: Configuration<Spec>>(tile_rows: usize, positions: usize) -> bool {
    match (C::CONSTANT, tile::<T, S, C>()) {
        (Some(spec), Some([tall, wide])) => {
            let [rows, columns, _] = spec.output;
            (tile_rows == tall || tile_rows == rows % tall) && (positions == wide || positions == columns % wide)
        }
        _ => false,
    }
}

/// Rows of outputs, as many as a tile has, or the last rows of an image; their windows start in the first row of `x`.
///
/// It is a function of its own, by [`Simd::call`]: code of this length is not inlined into a closure, and would be compiled without the
/// instructions.
pub(super) struct Rows<'a, 'y, T, C> {
    pub(super) configuration: C,
    pub(super) x: &'a [T],
    pub(super) w: &'a [T],
    pub(super) epilogue: Epilogue<'a, T>,
    pub(super) bounds: Bounds<T>,
    pub(super) y: &'y mut [T],
}

impl<T: Elementary, C: Configuration<Spec>> WithSimd<T> for Rows<'_, '_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(mut self, simd: S) {
        let Some([_, wide]) = (const { tile::<T, S, C>() }) else { return };
        let [_, columns, filters] = self.configuration.sizes().output;
        let rows = self.y.len() / (columns * filters);
        for column in (0..columns).step_by(wide) {
            macro_rules! tiles {
                ($($r:literal $p:literal,)*) => {
                    match (rows, wide.min(columns - column)) {
                        $(($r, $p) if const { has_tile::<T, S, C>($r, $p) } => self.compute::<S, $r, $p>(simd, column),)*
                        _ => unreachable!("an image is cut into tiles"),
                    }
                };
            }
            tiles!(
                1 1, 1 2, 1 3, 1 4, 1 5, 2 1, 2 2, 2 3, 2 4, 2 5, 3 1, 3 2, 3 3, 3 4, 3 5, 4 1, 4 2, 4 3, 4 4, 4 5, 5 1, 5 2,
                5 3, 5 4, 5 5,
            );
        }
    }
}

impl<T: Elementary, C: Configuration<Spec>> Rows<'_, '_, T, C> {
    /// y\[i′,j′,f′] = f(scale\[f′] · Σ a·w + shift\[f′]) of `R` rows and `P` positions from `column` on   (slide 37)
    #[expect(clippy::needless_range_loop, reason = "iterators take longer to build")]
    #[inline(always)]
    fn compute<S: Simd<T>, const R: usize, const P: usize>(&mut self, simd: S, column: usize) {
        let Self { configuration, x, w, epilogue, bounds, y } = self;
        let spec = configuration.sizes();
        let ([_, _, channels], [_, columns, filters]) = (spec.input, spec.output);
        let ([down, wide], width) = (spec.window, spec.rows_len()[0]);
        let (row_step, below) = (spec.stride[0] * width, spec.dilation[0] * width);
        let last = (R - 1) * row_step + (down - 1) * below + (column + P + wide - 1) * channels;
        assert!(last <= x.len() && column + P <= columns && y.len() == R * columns * filters);
        assert!(w.len() == down * wide * channels * filters && filters <= S::LANES, "filters of a tile");
        let (is_partial, mask) = (filters < S::LANES, simd.mask(filters));
        let zero = simd.splat(T::ZERO);
        let mut sums = [[zero; P]; R];
        // `black_box` keeps the loop over channels: unrolled code would not fit into the processor's cache of decoded instructions.
        let counted = black_box(channels);
        // SAFETY: the assertions above check that the windows of the tile end inside `x`, for channels below `channels`, and that each of
        // their weights has `filters` filters, which the mask selects. A position of `y` has as many filters, as have the scale and the
        // shift, which the epilogue has checked.
        unsafe {
            for i in 0..down {
                let x = x.as_ptr().add(i * below + column * channels);
                let w = w.as_ptr().add(i * wide * channels * filters);
                unrolled!(seen < MOST_COLUMNS, {
                    if seen < P + wide - 1 {
                        for channel in 0..counted {
                            let mut pixels = [zero; R];
                            for r in 0..R {
                                pixels[r] = simd.splat(*x.add(r * row_step + seen * channels + channel));
                            }
                            unrolled!(p < P, {
                                if p <= seen && seen < p + wide {
                                    let tap = (seen - p) * channels + channel;
                                    let weights = simd.load_edge(w.add(tap * filters), is_partial, mask);
                                    for r in 0..R {
                                        sums[r][p] = pixels[r].multiply_add(weights, sums[r][p]);
                                    }
                                }
                            });
                        }
                    }
                });
            }
            let end = VectorEpilogue::new(simd, epilogue, *bounds, 0, is_partial, mask);
            for r in 0..R {
                for p in 0..P {
                    end.store(simd, sums[r][p], y.as_mut_ptr().add((r * columns + column + p) * filters));
                }
            }
        }
    }
}
