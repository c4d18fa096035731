//! Convolution by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, 2015): `conv_winograd`.
//!
//! A tile of 4x4 outputs z of a 3x3 window depends on a patch d of 6x6 inputs:
//!
//! ```text
//! z = Aᵀ [ Σ (G g Gᵀ) ⊙ (Bᵀ d B) ] A, the sum over channels
//! ```
//!
//! with the points 0, ±1, ±2 and ∞. The products for each of the 36 places of ⊙ are a product of matrices, tiles times channels with
//! channels times filters, so that a tile takes 36 multiply-adds for each channel and filter where the definition takes 144. The filters'
//! transforms G g Gᵀ are prepared: [`pack`].
//!
//! It rounds more than the definition: in single precision the error is about 2·10⁻⁶ of the outputs' root mean square, where a plain sum has
//! 5·10⁻⁷ (`winograd_agrees_with_the_reference` holds 10⁻⁵).

use super::{LINE, PANEL, Spec};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::gemm::tile::{self, Product};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Isa, Lane, Simd, Vector, WithSimd};
use netwright_abi::spec::Windowed as _;
use netwright_abi::spec::conv::{POINTS, TILE};

/// Inputs of a patch, down and across.
const PATCH: usize = 6;
const _: () = assert!(POINTS == PATCH * PATCH);

/// Tiles that go through the three steps together: the transformed filters are read once for so many.
const TILES: usize = 28;
/// As many where the transformed filters do not fit into any cache.
const MANY_TILES: usize = 64;
/// Elements of transformed filters that a cache holds.
const CACHED: usize = 2 << 20;

/// Rows of tiles that go through the three steps together.
const fn rows_at_once(spec: &Spec) -> usize {
    let [down, across] = spec.winograd_tiles();
    let aim = if is_large(spec) { MANY_TILES } else { TILES };
    let rows = aim.div_ceil(across);
    if rows < down { rows } else { down }
}

/// Whether the transformed filters fit into no cache, so that threads share a reading of them.
const fn is_large(spec: &Spec) -> bool {
    POINTS * spec.input[2] * spec.output[2] > CACHED
}

/// Elements from the transformed patch of a tile to the next; a power of two would put them all into a few places of the first cache.
const fn patch_len(spec: &Spec) -> usize {
    POINTS * spec.input[2] + LINE
}

/// Elements from the products of a place to those of the next, for so many tiles.
const fn products_len(spec: &Spec, tiles: usize) -> usize {
    tiles * spec.output[2] + LINE
}

pub(super) const fn scratch(spec: &Spec) -> usize {
    let tiles = rows_at_once(spec) * spec.winograd_tiles()[1];
    tiles * patch_len(spec) + POINTS * products_len(spec, tiles)
}

/// G: what the three taps of a filter along an axis become.
const FILTER: [[f64; 3]; PATCH] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// G g Gᵀ of every filter, for each of the 36 places in the panels of a product.
pub(super) fn pack<T: Scalar>(spec: &Spec, w: &[T], prepared: &mut [T]) {
    let [.., channels] = spec.input;
    let filters = spec.output[2];
    let row = channels * filters;
    for (place, prepared) in prepared.chunks_exact_mut(row).enumerate() {
        let (down, across) = (FILTER[place / PATCH], FILTER[place % PATCH]);
        for channel in 0..channels {
            for filter in 0..filters {
                let mut sum = 0.0;
                for (i, down) in down.iter().enumerate() {
                    for (j, across) in across.iter().enumerate() {
                        sum += down * across * w[(3 * i + j) * row + channel * filters + filter].to_f64();
                    }
                }
                let (panel, column) = (filter / PANEL, filter % PANEL);
                let width = PANEL.min(filters - panel * PANEL);
                prepared[panel * PANEL * channels + channel * width + column] = T::from_f64(sum);
            }
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
    let layer = Layer { isa: context.isa(), w, epilogue: Epilogue::new(spec.epilogue, scale, shift) };
    let (row_in, row_out) = (spec.input[1] * spec.input[2], spec.output[1] * spec.output[2]);
    for (x, y) in x.chunks_exact(spec.input_len()).zip(y.chunks_exact_mut(spec.output_len())) {
        if is_large(spec) {
            layer.run(context, spec, x, y, scratch);
            continue;
        }
        context.split_rows(y, TILE * row_out, 1, scratch, &|first, y, scratch| {
            let (part, reached) = spec.of_rows(TILE * first..TILE * first + y.len() / row_out);
            layer.run(&context.alone(), &part, &x[reached.start * row_in..reached.end * row_in], y, scratch);
        });
    }
}

/// What all parts of a layer share.
#[derive(Clone, Copy)]
struct Layer<'a, T> {
    isa: Isa,
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
}

impl<T: Elementary> Layer<'_, T> {
    /// Computes one image, a few rows of tiles at a time, each step on the threads of the context.
    fn run(&self, context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T], scratch: &mut [T]) {
        let ([_, across], at_once) = (spec.winograd_tiles(), rows_at_once(spec));
        let row_out = spec.output[1] * spec.output[2];
        for (n, y) in y.chunks_mut(at_once * TILE * row_out).enumerate() {
            let first = n * at_once;
            let tiles = (y.len() / row_out).div_ceil(TILE) * across;
            let (patches, products) = scratch.split_at_mut(tiles * patch_len(spec));
            context.split_rows(patches, patch_len(spec), 1, &mut [], &|tile, patches, _| {
                self.isa.dispatch(Patches { spec, x, first: first * across + tile, patches });
            });
            let (patches, each) = (&*patches, products_len(spec, tiles));
            let products = &mut products[..POINTS * each];
            context.split_rows(products, each, 1, &mut [], &|place, products, _| {
                for (n, products) in products.chunks_exact_mut(each).enumerate() {
                    self.multiply(spec, place + n, tiles, patches, products);
                }
            });
            let products = &*products;
            context.split_rows(y, TILE * row_out, 1, &mut [], &|row, y, _| {
                let (first, epilogue) = (row * across, self.epilogue);
                self.isa.dispatch(Tiles { spec, products, each, first, epilogue, y });
            });
        }
    }

    /// The products of one place: tiles times channels with channels times filters.
    fn multiply(&self, spec: &Spec, place: usize, tiles: usize, patches: &[T], products: &mut [T]) {
        let (channels, filters) = (spec.input[2], spec.output[2]);
        let w = &self.w[place * channels * filters..][..channels * filters];
        assert!((tiles - 1) * patch_len(spec) + (place + 1) * channels <= patches.len(), "patches of all tiles");
        assert!(tiles * filters <= products.len(), "products of all tiles");
        // SAFETY: the ends of A and C were just compared with their slices, and B is a whole matrix in panels; C is borrowed mutably.
        unsafe {
            tile::run(
                self.isa,
                &Product {
                    rows: tiles,
                    columns: filters,
                    loops: [1, 1, channels],
                    a: patches.as_ptr().add(place * channels),
                    a_row: patch_len(spec),
                    a_step: [0, 0, 1],
                    b: w.as_ptr(),
                    b_rows: [0, 0, 1],
                    b_panel: channels * PANEL,
                    b_width: PANEL,
                    b_last: (filters - 1) % PANEL + 1,
                    c: products.as_mut_ptr(),
                    c_row: filters,
                    epilogue: Epilogue::NONE,
                },
            );
        }
    }
}

/// Bᵀ d: what six inputs along an axis become.
#[inline(always)]
fn patch<T: Lane, V: Vector<T>>([d0, d1, d2, d3, d4, d5]: [V; PATCH], constant: impl Fn(f64) -> V) -> [V; PATCH] {
    let (four, five, two) = (constant(4.0), constant(-5.0), constant(2.0));
    let minus_four = constant(-4.0);
    // Sums that two rows of Bᵀ share.
    let (even, odd) = (minus_four.multiply_add(d2, d4), minus_four.multiply_add(d1, d3));
    let (near, far) = (d4 - d2, two * (d3 - d1));
    [
        four.multiply_add(d0, five.multiply_add(d2, d4)),
        even + odd,
        even - odd,
        near + far,
        near - far,
        four.multiply_add(d1, five.multiply_add(d3, d5)),
    ]
}

/// Aᵀ m: the four outputs along an axis.
#[inline(always)]
fn outputs<T: Lane, V: Vector<T>>([m0, m1, m2, m3, m4, m5]: [V; PATCH], constant: impl Fn(f64) -> V) -> [V; TILE] {
    let (sum, difference) = (m1 + m2, m1 - m2);
    let (sum2, difference2) = (m3 + m4, m3 - m4);
    [
        m0 + sum + sum2,
        constant(2.0).multiply_add(difference2, difference),
        constant(4.0).multiply_add(sum2, sum),
        constant(8.0).multiply_add(difference2, difference) + m5,
    ]
}

/// Bᵀ d B of some tiles, from tile `first` of the image on.
struct Patches<'a, T> {
    spec: &'a Spec,
    x: &'a [T],
    first: usize,
    patches: &'a mut [T],
}

impl<T: Scalar> WithSimd<T> for Patches<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { spec, x, first, patches } = self;
        let ([height, width, channels], [_, across]) = (spec.input, spec.winograd_tiles());
        let constant = |value: f64| simd.splat(T::from_f64(value));
        for (n, patches) in patches.chunks_exact_mut(patch_len(spec)).enumerate() {
            let (row, column) = ((first + n) / across, (first + n) % across);
            // Above and left of the image lies the padding; so does what is left over of the last tile below and to the right.
            let place =
                |axis: usize, tile: usize, step: usize| (TILE * tile + step).wrapping_sub(spec.padding[2 * axis]);
            for channel in (0..channels).step_by(S::LANES) {
                let mut half = [[simd.splat(T::ZERO); PATCH]; PATCH];
                for (j, half) in half.iter_mut().enumerate() {
                    let across = place(1, column, j);
                    let mut inputs = [simd.splat(T::ZERO); PATCH];
                    for (i, input) in inputs.iter_mut().enumerate() {
                        let down = place(0, row, i);
                        if down < height && across < width {
                            *input = simd.load(&x[(down * width + across) * channels + channel..]);
                        }
                    }
                    *half = patch(inputs, constant);
                }
                for i in 0..PATCH {
                    let whole = patch([0, 1, 2, 3, 4, 5].map(|j| half[j][i]), constant);
                    for (j, value) in whole.into_iter().enumerate() {
                        value.store(&mut patches[(PATCH * i + j) * channels + channel..]);
                    }
                }
            }
        }
    }
}

/// f(scale · Aᵀ m A + shift) of whole rows of tiles, from tile `first` of the products on.
struct Tiles<'a, T> {
    spec: &'a Spec,
    products: &'a [T],
    /// Elements from the products of a place to those of the next.
    each: usize,
    first: usize,
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Tiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { spec, products, each, first, epilogue, y } = self;
        let ([_, width, filters], [_, across]) = (spec.output, spec.winograd_tiles());
        let (Epilogue { scale, shift, accumulate, .. }, floor) = (epilogue, epilogue.floor());
        let constant = |value: f64| simd.splat(T::from_f64(value));
        let rows = y.len() / (width * filters);
        for tile in 0..rows.div_ceil(TILE) * across {
            let (top, left) = (TILE * (tile / across), TILE * (tile % across));
            for filter in (0..filters).step_by(S::LANES) {
                let mut half = [[simd.splat(T::ZERO); TILE]; PATCH];
                for (j, half) in half.iter_mut().enumerate() {
                    let product =
                        |i: usize| simd.load(&products[(PATCH * i + j) * each + (first + tile) * filters + filter..]);
                    *half = outputs([0, 1, 2, 3, 4, 5].map(product), constant);
                }
                let scale = if scale.is_empty() { simd.splat(T::ONE) } else { simd.load(&scale[filter..]) };
                let shift = if shift.is_empty() { simd.splat(T::ZERO) } else { simd.load(&shift[filter..]) };
                for i in 0..TILE.min(rows - top) {
                    let whole = outputs([0, 1, 2, 3, 4, 5].map(|j| half[j][i]), constant);
                    for (j, value) in whole.into_iter().enumerate().take(width - left) {
                        let y = &mut y[((top + i) * width + left + j) * filters + filter..];
                        let mut value = value.multiply_add(scale, shift);
                        if accumulate {
                            value = value + simd.load(y);
                        }
                        value.at_least(simd.splat(floor)).store(y);
                    }
                }
            }
            for i in 0..TILE.min(rows - top) {
                let pixels = (top + i) * width + left..(top + i) * width + width.min(left + TILE);
                epilogue.finish(simd.isa(), &mut y[pixels.start * filters..pixels.end * filters]);
            }
        }
    }
}
