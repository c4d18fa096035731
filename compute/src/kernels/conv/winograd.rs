//! Convolution by Winograd's minimal filtering (Lavin and Gray, 2015): `conv_winograd`.
//!
//! A tile of m x m outputs z of an r x r window depends on a patch d of n x n inputs, n = m + r - 1:
//!
//! ```text
//! z = Aᵀ [ Σ (G g Gᵀ) ⊙ (Bᵀ d B) ] A, the sum over channels
//! ```
//!
//! with n - 1 points, at which polynomials are multiplied, and ∞. The products for each of the n² places of ⊙ are a product of matrices,
//! tiles times channels with channels times filters. The filters' transforms G g Gᵀ are prepared: [`pack`].
//!
//! | form | points | multiply-adds of an output | of the definition |
//! |---|---|---:|---:|
//! | F(4x4, 3x3) | 0, ±1, ±2, ∞ | 2¼ | 9 |
//! | F(2x2, 3x3) | 0, ±1, ∞ | 4 | 9 |
//! | F(2x2, 5x5) | 0, ±1, ±2, ∞ | 9 | 25 |
//!
//! It rounds more than the definition: in single precision the error of the first is about 2·10⁻⁶ of the outputs' root mean square, where a
//! plain sum has 5·10⁻⁷ (`winograd_agrees_with_the_reference` holds 10⁻⁵ for all).

use super::{LINE, PANEL, Spec};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::gemm::tile::{self, Product};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector, WithSimd};
use netwright_abi::spec::Windowed as _;
use netwright_abi::spec::conv::Winograd;

/// Elements of transforms and products of the tiles that go through the three steps together, where the filters' transforms fit into a
/// second cache beside them: about half of it.
const BLOCK: usize = 128 * 1024;
/// Tiles that do where they do not: the transforms are read once for so many.
const TILES: usize = 28;
/// As many where they fit into no cache.
const MANY_TILES: usize = 64;
/// Elements of transformed filters that a second cache, and any, holds.
const CACHED: [usize; 2] = [128 * 1024, 2 << 20];

/// The sizes of a layer in tiles.
#[derive(Clone, Copy)]
struct Tiling {
    form: Winograd,
    /// Tiles down and across.
    tiles: [usize; 2],
    /// Rows of tiles that go through the three steps together.
    at_once: usize,
    /// Elements from the channels of a place of a transform to those of the next, and from the filters of a tile's products of a place to the
    /// next tile's. Powers of two would fall into a few places of the first cache.
    rows: [usize; 2],
}

impl Tiling {
    const fn of(spec: &Spec) -> Self {
        let form = match spec.winograd() {
            Some(form) => form,
            None => panic!("no form of Winograd's algorithm fits"),
        };
        let [down, across] = [spec.output[0].div_ceil(form.tile), spec.output[1].div_ceil(form.tile)];
        let rows = [spec.input[2] + LINE, spec.output[2] + LINE];
        let fit = BLOCK / (form.points() * (rows[0] + rows[1]));
        let aim = match spec.winograd_len() {
            len if len <= CACHED[0] => fit,
            len if len <= CACHED[1] => TILES,
            _ => MANY_TILES,
        };
        let at_once = aim.div_ceil(across);
        let at_once = if at_once < down { at_once } else { down };
        Self { form, tiles: [down, across], at_once, rows }
    }

    /// Elements from the transform of a tile to the next.
    const fn transform(&self) -> usize {
        self.form.points() * self.rows[0] + LINE
    }

    /// Elements from the products of a place to those of the next, for so many tiles.
    const fn products(&self, tiles: usize) -> usize {
        tiles * self.rows[1] + LINE
    }
}

/// Whether the transformed filters fit into no cache, so that threads share a reading of them.
const fn is_large(spec: &Spec) -> bool {
    spec.winograd_len() > CACHED[1]
}

pub(super) const fn scratch(spec: &Spec) -> usize {
    let tiling = Tiling::of(spec);
    let tiles = tiling.at_once * tiling.tiles[1];
    tiles * tiling.transform() + tiling.form.points() * tiling.products(tiles)
}

/// The finite points at which polynomials are multiplied, as many as are needed.
const POINTS: [i32; 5] = [0, 1, -1, 2, -2];

/// Row `point` of G: what tap `tap` of a filter along an axis of a patch adds.
fn filter_factor(patch: usize, taps: usize, point: usize, tap: usize) -> f64 {
    if point + 1 == patch {
        return if tap + 1 == taps { 1.0 } else { 0.0 };
    }
    let points = &POINTS[..patch - 1];
    let at = points[point];
    let others = points.iter().filter(|&&other| other != at);
    let sign = if patch == 4 && point == 0 { -1 } else { 1 };
    f64::from(at.pow(tap as u32)) / f64::from(sign * others.map(|other| at - other).product::<i32>())
}

/// Filters whose transforms are computed together.
const TOGETHER: usize = 16;
const _: () = assert!(LINE.is_multiple_of(TOGETHER) && PANEL.is_multiple_of(TOGETHER));

/// G g Gᵀ of every filter, for each place in the panels of a product for each group.
pub(super) fn pack<T: Scalar>(spec: &Spec, w: &[T], prepared: &mut [T]) {
    let ([channels, filters], patch) = (spec.group(), Tiling::of(spec).form.patch);
    let (taps, all) = (spec.window[0], spec.output[2]);
    let mut g = [[0.0; 5]; 6];
    for (point, row) in g.iter_mut().enumerate().take(patch) {
        row.iter_mut().enumerate().take(taps).for_each(|(tap, g)| *g = filter_factor(patch, taps, point, tap));
    }
    for (channel, first) in (0..channels).flat_map(|channel| (0..all).step_by(TOGETHER).map(move |f| (channel, f))) {
        let (group, filter) = (first / filters, first % filters);
        let (panel, column) = (filter / PANEL, filter % PANEL);
        let width = PANEL.min(filters - panel * PANEL);
        let place = group * channels * filters + panel * PANEL * channels + channel * width + column;
        // Gᵀ along the columns of the window, then G along its rows.
        let mut half = [[[0.0; TOGETHER]; 6]; 5];
        for i in 0..taps {
            for j in 0..taps {
                let w = &w[((i * taps + j) * channels + channel) * all + first..][..TOGETHER];
                for (half, g) in half[i].iter_mut().zip(&g) {
                    half.iter_mut().zip(w).for_each(|(half, w)| *half += g[j] * w.to_f64());
                }
            }
        }
        for (point, prepared) in prepared.chunks_exact_mut(channels * all).enumerate() {
            let (g, mut sums) = (&g[point / patch], [0.0; TOGETHER]);
            for (half, g) in half.iter().zip(g).take(taps) {
                sums.iter_mut().zip(&half[point % patch]).for_each(|(sum, half)| *sum += g * half);
            }
            prepared[place..].iter_mut().zip(sums).for_each(|(prepared, sum)| *prepared = T::from_f64(sum));
        }
    }
}

/// y = f(scale · z + shift) of all images; lengths are checked.
#[allow(clippy::too_many_arguments)]
pub(super) fn forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    let tiling = Tiling::of(spec);
    let layer = Layer { isa: context.isa(), tiling, w, epilogue: Epilogue::new(spec.epilogue, scale, shift) };
    let (row_in, row_out, tile) = (spec.input[1] * spec.input[2], spec.output[1] * spec.output[2], tiling.form.tile);
    for (x, y) in x.chunks_exact(spec.input_len()).zip(y.chunks_exact_mut(spec.output_len())) {
        if is_large(spec) {
            layer.run(context, spec, x, y, scratch);
            continue;
        }
        context.split_rows(y, tile * row_out, 1, scratch, &|first, y, scratch| {
            let (part, reached) = spec.of_rows(tile * first..tile * first + y.len() / row_out);
            layer.run(&context.alone(), &part, &x[reached.start * row_in..reached.end * row_in], y, scratch);
        });
    }
}

/// What all parts of a layer share.
#[derive(Clone, Copy)]
struct Layer<'a, T> {
    isa: Isa,
    tiling: Tiling,
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
}

impl<T: Elementary> Layer<'_, T> {
    /// Computes one image, or some of its rows, a few rows of tiles at a time, each step on the threads of the context.
    fn run(&self, context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T], scratch: &mut [T]) {
        let Tiling { form, tiles: [_, across], at_once, .. } = self.tiling;
        let (row_out, points) = (spec.output[1] * spec.output[2], form.points());
        for (n, y) in y.chunks_mut(at_once * form.tile * row_out).enumerate() {
            let first = n * at_once * across;
            let tiles = (y.len() / row_out).div_ceil(form.tile) * across;
            let (transform, product) = (self.tiling.transform(), self.tiling.products(tiles));
            let (transforms, products) = scratch.split_at_mut(tiles * transform);
            context.split_rows(transforms, transform, 1, &mut [], &|tile, transforms, _| {
                let of = Transforms { spec, tiling: self.tiling, x, first: first + tile, transforms };
                if form.patch == 6 {
                    self.isa.dispatch(OfPatch::<_, 6>(of))
                } else {
                    self.isa.dispatch(OfPatch::<_, 4>(of))
                }
            });
            let (transforms, products) = (&*transforms, &mut products[..points * product]);
            context.split_rows(products, product, 1, &mut [], &|place, products, _| {
                for (n, products) in products.chunks_exact_mut(product).enumerate() {
                    self.multiply(spec, place + n, tiles, transforms, products);
                }
            });
            let products = &*products;
            context.split_rows(y, form.tile * row_out, 1, &mut [], &|row, y, _| {
                let (first, epilogue) = (row * across, self.epilogue);
                let of = Tiles { spec, tiling: self.tiling, products, place: product, first, epilogue, y };
                match form {
                    Winograd { tile: 4, .. } => self.isa.dispatch(OfForm::<_, 6, 4>(of)),
                    Winograd { patch: 4, .. } => self.isa.dispatch(OfForm::<_, 4, 2>(of)),
                    _ => self.isa.dispatch(OfForm::<_, 6, 2>(of)),
                }
            });
        }
    }

    /// The products of one place, for each group: tiles times channels with channels times filters.
    fn multiply(&self, spec: &Spec, place: usize, tiles: usize, transforms: &[T], products: &mut [T]) {
        let [channels, filters] = spec.group();
        let ([place_in, row_out], row_in) = (self.tiling.rows, self.tiling.transform());
        assert!((tiles - 1) * row_in + (place + 1) * place_in <= transforms.len(), "transforms of all tiles");
        assert!((tiles - 1) * row_out + spec.output[2] <= products.len(), "products of all tiles");
        let matrices = self.w[place * channels * spec.output[2]..].chunks_exact(channels * filters);
        for (group, w) in matrices.enumerate().take(spec.groups) {
            // SAFETY: the ends of A and C were just compared with their slices, and B is a whole matrix in panels; C is borrowed mutably.
            unsafe {
                tile::run(
                    self.isa,
                    &Product {
                        rows: tiles,
                        columns: filters,
                        loops: [1, 1, channels],
                        a: transforms.as_ptr().add(place * place_in + group * channels),
                        a_row: row_in,
                        a_step: [0, 0, 1],
                        b: w.as_ptr(),
                        b_rows: [0, 0, 1],
                        b_panel: channels * PANEL,
                        b_width: PANEL,
                        b_last: (filters - 1) % PANEL + 1,
                        c: products.as_mut_ptr().add(group * filters),
                        c_row: row_out,
                        epilogue: Epilogue::NONE,
                    },
                );
            }
        }
    }
}

/// Bᵀ d: what the inputs of a patch along an axis become.
#[inline(always)]
fn transformed<T: Scalar, S: Simd<T>, const PATCH: usize>(simd: S, d: [S::Vector; PATCH]) -> [S::Vector; PATCH] {
    let times = |factor: f64, vector: S::Vector, addend| simd.splat(T::from_f64(factor)).multiply_add(vector, addend);
    let mut all = d;
    if const { PATCH == 4 } {
        (all[0], all[1], all[2], all[3]) = (d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]);
    } else {
        let (even, odd) = (times(-4.0, d[2], d[4]), times(-4.0, d[1], d[3]));
        (all[1], all[2]) = (even + odd, even - odd);
        let (even, odd) = (d[4] - d[2], d[3] - d[1]);
        (all[3], all[4]) = (times(2.0, odd, even), times(-2.0, odd, even));
        all[0] = times(4.0, d[0], times(-5.0, d[2], d[4]));
        all[5] = times(4.0, d[1], times(-5.0, d[3], d[5]));
    }
    all
}

/// Aᵀ m: the outputs of a tile along an axis.
#[inline(always)]
fn outputs<T: Scalar, S: Simd<T>, const PATCH: usize, const TILE: usize>(
    simd: S,
    m: [S::Vector; PATCH],
) -> [S::Vector; TILE] {
    let (even, odd) = (m[1] + m[2], m[1] - m[2]);
    let mut all = [m[0] + even; TILE];
    all[1] = odd;
    if const { PATCH == 6 } {
        let times = |factor: f64, vector: S::Vector, to| simd.splat(T::from_f64(factor)).multiply_add(vector, to);
        let (far_even, far_odd) = (m[3] + m[4], m[3] - m[4]);
        all[0] = all[0] + far_even;
        all[1] = times(2.0, far_odd, odd);
        if const { TILE == 4 } {
            all[2] = times(4.0, far_even, even);
            all[3] = times(8.0, far_odd, odd);
        }
    }
    all[TILE - 1] = all[TILE - 1] + m[PATCH - 1];
    all
}

/// Bᵀ d B of some tiles, from tile `first` of the image on.
struct Transforms<'a, T> {
    spec: &'a Spec,
    tiling: Tiling,
    x: &'a [T],
    first: usize,
    transforms: &'a mut [T],
}

/// [`Transforms`] of patches of so many inputs along an axis.
struct OfPatch<'a, T, const PATCH: usize>(Transforms<'a, T>);

impl<T: Scalar, const PATCH: usize> WithSimd<T> for OfPatch<'_, T, PATCH> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "an index is a place in several arrays, whose loops leave no trace")]
    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Transforms { spec, tiling, x, first, transforms } = self.0;
        let ([height, width, channels], [_, across], [place, _]) = (spec.input, tiling.tiles, tiling.rows);
        assert!(x.len() == height * width * channels && channels.is_multiple_of(S::LANES), "sizes of the image");
        assert!(tiling.form.patch == PATCH && place >= channels);
        for (n, transform) in transforms.chunks_exact_mut(tiling.transform()).enumerate() {
            let tile = [(first + n) / across, (first + n) % across];
            // Above and left of the image lies the padding; so does what is left over of the last tile below and to the right.
            let at =
                |axis: usize, step: usize| (tiling.form.tile * tile[axis] + step).wrapping_sub(spec.padding[2 * axis]);
            assert!(transform.len() >= (PATCH * PATCH - 1) * place + channels);
            for channel in (0..channels).step_by(S::LANES) {
                let mut half = [[simd.splat(T::ZERO); PATCH]; PATCH];
                for j in 0..PATCH {
                    let column = at(1, j);
                    let mut inputs = [simd.splat(T::ZERO); PATCH];
                    if column < width {
                        for i in 0..PATCH {
                            let row = at(0, i);
                            if row < height {
                                // SAFETY: the pixel lies in the image, and the channels in the pixel.
                                inputs[i] = unsafe {
                                    simd.load_at(x.as_ptr().add((row * width + column) * channels + channel))
                                };
                            }
                        }
                    }
                    let inputs = transformed::<T, S, PATCH>(simd, inputs);
                    for i in 0..PATCH {
                        half[i][j] = inputs[i];
                    }
                }
                for i in 0..PATCH {
                    let row = transformed::<T, S, PATCH>(simd, half[i]);
                    for j in 0..PATCH {
                        // SAFETY: the last place, and its last channel, were just compared with the length.
                        unsafe { row[j].store_at(transform.as_mut_ptr().add((PATCH * i + j) * place + channel)) };
                    }
                }
            }
        }
    }
}

/// f(scale · Aᵀ m A + shift) of whole rows of tiles, from tile `first` of the products on.
struct Tiles<'a, T> {
    spec: &'a Spec,
    tiling: Tiling,
    products: &'a [T],
    /// Elements from the products of a place to those of the next.
    place: usize,
    first: usize,
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
}

/// [`Tiles`] of a form.
struct OfForm<'a, T, const PATCH: usize, const TILE: usize>(Tiles<'a, T>);

impl<T: Elementary, const PATCH: usize, const TILE: usize> WithSimd<T> for OfForm<'_, T, PATCH, TILE> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "an index is a place in several arrays, whose loops leave no trace")]
    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Tiles { spec, tiling, products, place, first, epilogue, y } = self.0;
        let ([_, width, filters], [_, across], [_, product]) = (spec.output, tiling.tiles, tiling.rows);
        let (Epilogue { scale, shift, accumulate, .. }, floor) = (epilogue, simd.splat(epilogue.floor()));
        let rows = y.len() / (width * filters);
        let tiles = rows.div_ceil(TILE) * across;
        assert!(
            filters.is_multiple_of(S::LANES)
                && (tiling.form, tiles > 0) == (Winograd { tile: TILE, patch: PATCH }, true)
        );
        assert!((PATCH * PATCH - 1) * place + (first + tiles - 1) * product + filters <= products.len());
        for tile in 0..tiles {
            let (top, left) = (TILE * (tile / across), TILE * (tile % across));
            let (down, right) = (TILE.min(rows - top), TILE.min(width - left));
            for filter in (0..filters).step_by(S::LANES) {
                let mut half = [[simd.splat(T::ZERO); PATCH]; TILE];
                for j in 0..PATCH {
                    let mut column = [simd.splat(T::ZERO); PATCH];
                    for i in 0..PATCH {
                        // SAFETY: the last place of the last tile, and its last filter, were just compared with the length.
                        column[i] = unsafe {
                            simd.load_at(
                                products.as_ptr().add((PATCH * i + j) * place + (first + tile) * product + filter),
                            )
                        };
                    }
                    let column = outputs::<T, S, PATCH, TILE>(simd, column);
                    for i in 0..TILE {
                        half[i][j] = column[i];
                    }
                }
                let scale = if scale.is_empty() { simd.splat(T::ONE) } else { simd.load(&scale[filter..]) };
                let shift = if shift.is_empty() { simd.splat(T::ZERO) } else { simd.load(&shift[filter..]) };
                for i in 0..down {
                    let row = outputs::<T, S, PATCH, TILE>(simd, half[i]);
                    for j in 0..TILE {
                        if j < right {
                            let y = &mut y[((top + i) * width + left + j) * filters + filter..];
                            let mut value = row[j].multiply_add(scale, shift);
                            if accumulate {
                                value = value + simd.load(y);
                            }
                            value.at_least(floor).store(y);
                        }
                    }
                }
            }
            if epilogue.activation_after_floor().is_some() {
                for i in 0..down {
                    let pixels = (top + i) * width + left..(top + i) * width + left + right;
                    epilogue.finish(simd.isa(), &mut y[pixels.start * filters..pixels.end * filters]);
                }
            }
        }
    }
}
