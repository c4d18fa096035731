//! The gradient of the weights: Σ Gᵀ [ (Bᵀ d B) ⊙ (A dz Aᵀ) ] G over the tiles of all images.
//!
//! This is the derivative of the algorithm with respect to the filters. At each point, ⊙ is one matrix product, channels x tiles times
//! tiles x filters, whose sums are over the tiles; a chunk of tiles is transformed at a time. A block of channels and filters then goes through
//! all points, so that their products stay in the L2 cache until they are transformed back.

use core::ops::Range;

use super::super::{LINE, PANEL, Spec, strips};
use super::points::{filter_factor, powers};
use super::tiles::Inputs;
use super::{Shared, Tiling, Transforms};
use crate::context::{Context, WORTH_A_THREAD};
use crate::epilogue::Epilogue;
use crate::gemm::DEPTH;
use crate::gemm::tile::{self, Product};
use crate::kernels::elementary::Elementary;
use crate::kernels::parts::compensated;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector, WithSimd};
use netwright_abi::spec::conv::{WIDEST_TILE, Winograd};

/// The only form of [`Spec::winograd_of_weights`].
const TILE: usize = 4;
const PATCH: usize = 6;
const TAPS: usize = 3;
const FORM: Winograd = Winograd { tile: TILE, patch: PATCH };

/// Channels of a block.
const CHANNELS: usize = 2 * PANEL;
/// The maximum filters of a block.
const FILTERS: usize = WIDEST_TILE;
/// The number of blocks from which on threads can share them.
const MANY: usize = 2;
/// The distance from the products of a block at one point to the next point, in elements.
const PRODUCT: usize = CHANNELS * FILTERS + LINE;

/// The blocking of a layer's tiles.
#[derive(Clone, Copy)]
struct Blocking {
    tiling: Tiling,
    /// The maximum tiles of a chunk.
    at_once: usize,
    /// Filters of a block.
    filters: usize,
}

impl Blocking {
    const fn of(spec: &Spec) -> Self {
        let ([.., channels], [.., filters]) = (spec.input, spec.output);
        let blocks = channels.div_ceil(CHANNELS) * filters.div_ceil(FILTERS);
        Self {
            tiling: Tiling::of(spec, FORM),
            at_once: FORM.tiles_of_weights(spec),
            filters: if blocks < MANY { FILTERS / 2 } else { FILTERS },
        }
    }

    /// Returns the elements of a panel: the transforms of all tiles of a chunk at a point, for [`PANEL`] channels or filters.
    const fn panel(&self) -> usize {
        self.at_once * PANEL
    }

    /// Returns the distance from the panels of one point to the next, in elements. Powers of two would map to a few sets of the L1 cache.
    const fn point_stride(&self, channels: usize) -> usize {
        channels.div_ceil(PANEL) * self.panel() + LINE
    }

    fn transforms<'a, T>(&self, channels: usize, memory: &'a mut [T]) -> Transforms<'a, T> {
        Transforms {
            memory: Shared::of(memory),
            point_stride: self.point_stride(channels),
            tile_stride: PANEL,
            panel_stride: self.panel(),
        }
    }
}

/// Returns the elements of scratch memory of one thread: the rounding errors of compensated sums, a pixel of zeros, the transforms of a
/// chunk, and the products of a block.
pub(super) const fn grad_weights_scratch(spec: &Spec) -> usize {
    let (blocking, [.., channels], [.., filters]) = (Blocking::of(spec), spec.input, spec.output);
    lost_len(spec)
        + channels
        + FORM.points() * (blocking.point_stride(channels) + blocking.point_stride(filters) + PRODUCT)
}

/// Returns the elements of the rounding errors of compensated sums: none for small images, which have few chunks.
const fn lost_len(spec: &Spec) -> usize {
    if strips::scratch(spec) > 0 { spec.weights_len() } else { 0 }
}

/// Adds the gradient to dw. Lengths are checked.
pub(super) fn grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut [T],
) {
    let (isa, blocking, points) = (context.isa(), Blocking::of(spec), FORM.points());
    let (tiling, [.., channels], [.., filters]) = (&blocking.tiling, spec.input, spec.output);
    let (lost, scratch) = scratch.split_at_mut(lost_len(spec));
    let (zeros, scratch) = scratch.split_at_mut(channels);
    let (inputs, scratch) = scratch.split_at_mut(points * blocking.point_stride(channels));
    let (gradients, scratch) = scratch.split_at_mut(points * blocking.point_stride(filters));
    lost.fill(T::ZERO);
    zeros.fill(T::ZERO);
    let zeros = &*zeros;
    let mut g = [[T::ZERO; TAPS]; PATCH];
    for (point, row) in g.iter_mut().enumerate() {
        row.iter_mut().enumerate().for_each(|(tap, g)| *g = T::from_f64(filter_factor(PATCH, TAPS, point, tap)));
    }
    let all = context.batch * tiling.of_image();
    let chunks = all.div_ceil(blocking.at_once);
    for chunk in 0..chunks {
        let [first, end] = [chunk, chunk + 1].map(|chunk| all * chunk / chunks);
        let [of_inputs, of_gradients] =
            [blocking.transforms(channels, inputs), blocking.transforms(filters, gradients)];
        let least = WORTH_A_THREAD.div_ceil(points * channels * filters);
        context.split_count(end - first, least, &mut [], &|tiles, _: &mut [T]| {
            Inputs { spec, tiling, x, zeros, first, tiles: tiles.clone(), transforms: of_inputs }.run(isa);
            isa.dispatch(Gradients { spec, tiling, dy, first, tiles, transforms: of_gradients });
        });
        let [dw, lost] = [&mut *dw, &mut *lost].map(|each| Shared::of(each));
        let chunk = TransformedTiles { isa, spec, blocking, tiles: end - first, inputs, gradients, g: &g, dw, lost };
        let least = WORTH_A_THREAD.div_ceil(points * chunk.tiles * CHANNELS * blocking.filters);
        context.split_count(WeightBlock::count(spec, &blocking), least, scratch, &|blocks, products| {
            for block in blocks.map(|block| WeightBlock::of(spec, &blocking, block)) {
                (0..points).for_each(|point| chunk.multiply(point, block, products));
                isa.dispatch(Sums { chunk: &chunk, block, products });
            }
        });
    }
    dw.iter_mut().zip(lost).for_each(|(dw, lost)| *dw += *lost);
}

/// A block of channels and filters: the first of each, and how many.
#[derive(Clone, Copy)]
struct WeightBlock {
    first: [usize; 2],
    sizes: [usize; 2],
}

impl WeightBlock {
    /// Returns the number of blocks.
    const fn count(spec: &Spec, blocking: &Blocking) -> usize {
        spec.input[2].div_ceil(CHANNELS) * spec.output[2].div_ceil(blocking.filters)
    }

    fn of(spec: &Spec, blocking: &Blocking, index: usize) -> Self {
        let (channels, filters, across) = (spec.input[2], spec.output[2], spec.output[2].div_ceil(blocking.filters));
        let first = [index / across * CHANNELS, index % across * blocking.filters];
        Self { first, sizes: [CHANNELS.min(channels - first[0]), blocking.filters.min(filters - first[1])] }
    }
}

/// A chunk of tiles with their transformed inputs and gradients.
struct TransformedTiles<'a, T> {
    isa: Isa,
    spec: &'a Spec,
    blocking: Blocking,
    tiles: usize,
    inputs: &'a [T],
    gradients: &'a [T],
    g: &'a [[T; TAPS]; PATCH],
    dw: Shared<'a, T>,
    lost: Shared<'a, T>,
}

impl<T: Elementary> TransformedTiles<'_, T> {
    /// Computes the products of a block at a point: channels x tiles times tiles x filters.
    fn multiply(&self, point: usize, block: WeightBlock, products: &mut [T]) {
        let Self { spec, blocking, .. } = self;
        let [of_inputs, of_gradients] = [blocking.point_stride(spec.input[2]), blocking.point_stride(spec.output[2])];
        let [a, b] = block.first.map(|first| first / PANEL * blocking.panel());
        let a = &self.inputs[point * of_inputs..][a..of_inputs];
        let b = &self.gradients[point * of_gradients..][b..of_gradients];
        let c = &mut products[point * PRODUCT..][..CHANNELS * FILTERS];
        let [rows, columns] = block.sizes;
        assert!(block.first.iter().all(|first| first.is_multiple_of(PANEL)) && self.tiles <= blocking.at_once);
        assert!(rows <= CHANNELS && rows.div_ceil(PANEL) * blocking.panel() <= a.len(), "panels of A");
        assert!(columns <= FILTERS && columns.div_ceil(PANEL) * blocking.panel() <= b.len(), "panels of B");
        for first in (0..rows).step_by(PANEL) {
            // The B of the next point is prefetched once.
            let ahead = if first == 0 { of_gradients } else { 0 };
            // SAFETY: a panel of A has a column of its channels for each tile, and B whole panels with a row for each tile; both are compared
            // with their slices above. C has a row of at least as many columns for each channel, and is borrowed mutably.
            unsafe {
                tile::run_ahead(
                    self.isa,
                    &Product {
                        rows: PANEL.min(rows - first),
                        columns,
                        loops: [1, 1, self.tiles],
                        a: a.as_ptr().add(first / PANEL * blocking.panel()),
                        a_row: 1,
                        a_step: [0, 0, PANEL],
                        b: b.as_ptr(),
                        b_rows: [0, 0, 1],
                        b_panel: blocking.panel(),
                        b_width: PANEL,
                        b_last: PANEL,
                        c: c.as_mut_ptr().add(first * FILTERS),
                        c_row: FILTERS,
                        epilogue: Epilogue::NONE,
                    },
                    DEPTH,
                    ahead,
                );
            }
        }
    }
}

/// A dz: transforms the output gradients of a tile along an axis.
#[inline(always)]
fn transformed<T: Scalar, S: Simd<T>>(simd: S, dz: [S::Vector; TILE]) -> [S::Vector; PATCH] {
    let powers = const { powers::<TILE>(PATCH) };
    let mut all = [dz[0]; PATCH];
    for pair in 0..PATCH / 2 - 1 {
        let factor = |power: usize| simd.splat(T::from_f64(powers[pair][power]));
        let even = factor(2).multiply_add(dz[2], dz[0]);
        let odd = factor(3).multiply_add(dz[3], factor(1) * dz[1]);
        (all[2 * pair + 1], all[2 * pair + 2]) = (even + odd, even - odd);
    }
    all[PATCH - 1] = dz[TILE - 1];
    all
}

/// Computes A dz Aᵀ of some tiles.
struct Gradients<'a, T> {
    spec: &'a Spec,
    tiling: &'a Tiling,
    dy: &'a [T],
    /// The first tile of the chunk, and the range of its tiles.
    first: usize,
    tiles: Range<usize>,
    transforms: Transforms<'a, T>,
}

impl<T: Elementary> WithSimd<T> for Gradients<'_, T> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "an index addresses several arrays, and the loops are unrolled")]
    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { spec, tiling, dy, first, tiles, transforms } = self;
        let [height, width, filters] = spec.output;
        assert!(filters.is_multiple_of(S::LANES), "whole vectors of filters");
        transforms.check(FORM, tiles.end, filters);
        let zero = simd.splat(T::ZERO);
        // Here, so that it is filled once: all of it is written before it is read.
        let mut half = [[zero; TILE]; PATCH];
        for tile in tiles {
            let [image, top, left] = tiling.origin(first + tile);
            let (down, right) = (TILE.min(height - top), TILE.min(width - left));
            let transform = transforms.of_tile(tile);
            for filter in (0..filters).step_by(S::LANES) {
                for j in 0..TILE {
                    // Outputs beyond the image have no gradient.
                    let mut column = [zero; TILE];
                    for i in 0..TILE {
                        if i < down && j < right {
                            let pixel = (image * height + top + i) * width + left + j;
                            let gradients = &dy[pixel * filters + filter..];
                            // Prefetch the gradients of the next tile.
                            simd.prefetch(gradients.as_ptr().wrapping_add(TILE * filters));
                            column[i] = simd.load(gradients);
                        }
                    }
                    let column = transformed::<T, S>(simd, column);
                    for i in 0..PATCH {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..PATCH {
                    let row = transformed::<T, S>(simd, half[i]);
                    for j in 0..PATCH {
                        let at = transforms.offset(PATCH * i + j, filter);
                        // SAFETY: `transforms.check` compared the points of all tiles with the length; no other code writes those of this
                        // tile.
                        unsafe { row[j].store_at(transform.add(at)) };
                    }
                }
            }
        }
    }
}

/// Gᵀ m: computes the gradients of the taps along an axis.
#[inline(always)]
fn taps<T: Scalar, S: Simd<T>>(simd: S, g: &[[T; TAPS]; PATCH], m: [S::Vector; PATCH]) -> [S::Vector; TAPS] {
    let mut all = [simd.splat(g[0][0]) * m[0]; TAPS];
    for pair in 0..PATCH / 2 - 1 {
        let both = [m[2 * pair + 1] + m[2 * pair + 2], m[2 * pair + 1] - m[2 * pair + 2]];
        for tap in 0..TAPS {
            let (factor, both) = (simd.splat(g[2 * pair + 1][tap]), both[tap % 2]);
            all[tap] = if pair == 0 && tap > 0 { factor * both } else { factor.multiply_add(both, all[tap]) };
        }
    }
    all[TAPS - 1] = all[TAPS - 1] + m[PATCH - 1];
    all
}

/// Adds Gᵀ m G of a block to dw.
struct Sums<'a, T> {
    chunk: &'a TransformedTiles<'a, T>,
    /// The block; no other code accesses its gradients.
    block: WeightBlock,
    products: &'a [T],
}

impl<T: Elementary> WithSimd<T> for Sums<'_, T> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "an index addresses several arrays, and the loops are unrolled")]
    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { chunk, block: WeightBlock { first, sizes }, products } = self;
        let (TransformedTiles { spec, g, dw, lost, .. }, [.., channels], [.., filters]) =
            (chunk, chunk.spec.input, chunk.spec.output);
        let is_compensated = lost.len > 0;
        assert!(spec.window == [TAPS; 2] && dw.len == TAPS * TAPS * channels * filters);
        assert!(!is_compensated || lost.len == dw.len, "length of what was lost");
        assert!(first[0] + sizes[0] <= channels && first[1] + sizes[1] <= filters && sizes[1].is_multiple_of(S::LANES));
        assert!(sizes[0] <= CHANNELS && sizes[1] <= FILTERS && products.len() >= FORM.points() * PRODUCT);
        // Here, so that it is filled once: all of it is written before it is read.
        let mut half = [[simd.splat(T::ZERO); PATCH]; TAPS];
        for channel in 0..sizes[0] {
            for filter in (0..sizes[1]).step_by(S::LANES) {
                let from = products[channel * FILTERS + filter..].as_ptr();
                for j in 0..PATCH {
                    let mut column = [simd.splat(T::ZERO); PATCH];
                    for i in 0..PATCH {
                        // SAFETY: the assertion above compares the products of all points with their slice; each point has a row for each
                        // channel.
                        column[i] = unsafe { simd.load_at(from.add((PATCH * i + j) * PRODUCT)) };
                    }
                    let column = taps::<T, S>(simd, g, column);
                    for i in 0..TAPS {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..TAPS {
                    let row = taps::<T, S>(simd, g, half[i]);
                    for j in 0..TAPS {
                        let at = ((i * TAPS + j) * channels + first[0] + channel) * filters + first[1] + filter;
                        // SAFETY: the block is inside the weights, whose length dw and `lost` have; no other code accesses its gradients.
                        unsafe {
                            let dw = dw.start.add(at);
                            let sum = simd.load_at(dw);
                            if is_compensated {
                                let lost = lost.start.add(at);
                                let [sum, rest] = compensated([sum, simd.load_at(lost)], row[j]);
                                sum.store_at(dw);
                                rest.store_at(lost);
                            } else {
                                (sum + row[j]).store_at(dw);
                            }
                        }
                    }
                }
            }
        }
    }
}
