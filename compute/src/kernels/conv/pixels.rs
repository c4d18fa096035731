//! Convolution with pixels in the lanes: `conv_pixels`.
//!
//! With few filters, vectors of filters are nearly empty. Here the lanes of a vector are pixels of a row of the output. A tile has several
//! such vectors for each of several filters, and a weight is used for all of them. The image is first copied with its padding, one plane
//! per channel, so that vectors of inputs are contiguous; a row of outputs is transposed back to channels last while it is in the L1 cache.
//! Where sizes are constants and rows short, a tile has the vectors of several rows, and a weight is loaded once for all of them.

#![allow(unsafe_code)]

use super::Spec;
use crate::configuration::{Configuration, may_be};
use crate::context::Context;
use crate::epilogue::{Bounds, Epilogue};
use crate::kernels::elementary::Elementary;
use crate::kernels::images::images;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector, WithSimd, mapped, unrolled};

/// Returns the elements of scratch memory that `conv_pixels_forward` needs per thread, whatever the batch.
pub const fn conv_pixels_forward_scratch(spec: &Spec) -> usize {
    let transposed_row = if spec.epilogue.accumulate { spec.rows_len()[1] } else { 0 };
    planes_len(spec) + sums_len(spec) + transposed_row
}

/// y = f(scale · (w ∗ x) + shift + y). Constant sizes are those of a small layer, which runs on one thread.
#[allow(clippy::too_many_arguments)]
pub fn conv_pixels_forward<T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    let spec = configuration.sizes();
    assert!(spec.has_short_windows(), "windows of pixels in the lanes are short and move by one");
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    if const { C::CONSTANT.is_some() } {
        forward(context.isa(), configuration, x, w, epilogue, y, scratch);
    } else {
        context.split_windows(spec, x, y, scratch, &|spec, x, y, scratch| {
            forward(context.isa(), spec, x, w, epilogue, y, scratch);
        });
    }
}

/// The lanes of the widest vector; rows are padded to a multiple of it.
const LANES: usize = 16;

/// Returns the rows and columns of an image with the padding that windows read.
const fn padded(spec: &Spec) -> [usize; 2] {
    let [rows, columns, _] = spec.output;
    [
        (rows - 1) * spec.stride[0] + (spec.window[0] - 1) * spec.dilation[0] + 1,
        columns + (spec.window[1] - 1) * spec.dilation[1],
    ]
}

/// Returns the elements of the planes of all channels, and the elements after them that the last vector of a row reads but does not use.
const fn planes_len(spec: &Spec) -> usize {
    let [rows, columns] = padded(spec);
    spec.input[2] * rows * columns + LANES
}

/// Returns the elements of the output rows that are computed together, filter by filter.
const fn sums_len(spec: &Spec) -> usize {
    let row = spec.output[1].next_multiple_of(LANES);
    let together = if row > MOST_VECTORS * LANES { row } else { MOST_VECTORS * LANES / row * row };
    spec.output[2] * together
}

/// Computes the forward pass. Lengths are checked, and the sizes satisfy [`Spec::has_short_windows`].
pub(super) fn forward<T: Elementary, C: Configuration<Spec>>(
    isa: Isa,
    configuration: C,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
    scratch: &mut [T],
) {
    isa.dispatch(Forward { configuration, x, w, epilogue, y, scratch });
}

struct Forward<'a, T, C> {
    configuration: C,
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
    scratch: &'a mut [T],
}

impl<T: Elementary, C: Configuration<Spec>> WithSimd<T> for Forward<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // A short row fills a larger share of a narrow vector.
        if may_be!(C, |spec| spec.output[1] < S::LANES)
            && const { S::Half::LANES < S::LANES }
            && self.configuration.sizes().output[1] < S::LANES
        {
            self.run(simd.half());
        } else if may_be!(C, |spec| S::Half::LANES == S::LANES || spec.output[1] >= S::LANES) {
            self.run(simd);
        }
    }
}

impl<T: Elementary, C: Configuration<Spec>> Forward<'_, T, C> {
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { configuration, x, w, epilogue, y, scratch } = self;
        let spec = configuration.sizes();
        let ([_, columns, filters], [down, across]) = (spec.output, padded(spec));
        let (planes, rest) = scratch.split_at_mut(planes_len(spec));
        let (sums, transposed_row) = rest.split_at_mut(sums_len(spec));
        let (row_len, together) = (columns * filters, const { rows_together::<T, S, C>() });
        assert!(w.len() == spec.weights_len() && S::LANES <= LANES, "length of the weights");
        epilogue.check(filters);
        let taps = Taps {
            loops: [spec.window[0], spec.window[1], spec.input[2]],
            x_step: [spec.dilation[0] * across, spec.dilation[1], down * across],
            rows: [together, spec.stride[0] * across],
            filters,
            sums_row: columns.next_multiple_of(S::LANES),
            epilogue: Epilogue { accumulate: false, ..epilogue },
            // Where the epilogue accumulates, the previous contents of y are added before the bounds apply.
            bounds: if spec.epilogue.accumulate { Bounds::none() } else { epilogue.bounds() },
        };
        for (x, y) in images(x, spec.input_len(), y, spec.output_len()) {
            copy_planes(spec, x, planes);
            epilogue.in_parts(simd.isa(), together * row_len, y, |first, y| {
                for (part, y) in y.chunks_exact_mut(together * row_len).enumerate() {
                    let start = (first / row_len + part * together) * taps.rows[1];
                    assert!(start + taps.reach() + taps.sums_row <= planes.len());
                    // SAFETY: the assertion above checks that the windows of the rows are inside their planes, including a vector after the
                    // last; by their lengths, `w` has a weight for each tap, channel and filter, and `sums` has the sums of the rows; an
                    // epilogue has an element for each filter. Sums, planes and y are separate mutable borrows.
                    unsafe {
                        compute_rows::<T, S, C>(simd, &taps, planes[start..].as_ptr(), w.as_ptr(), sums.as_mut_ptr())
                    };
                    let from_row = together * taps.sums_row;
                    for (row, y) in y.chunks_exact_mut(row_len).enumerate() {
                        let sums = &sums[row * taps.sums_row..];
                        if spec.epilogue.accumulate {
                            transpose::<T, S>(simd, [filters, columns], sums, from_row, &mut transposed_row[..row_len]);
                            let end = epilogue.of_element();
                            transposed_row.iter().zip(y).for_each(|(&z, y)| end.store(z, y));
                        } else {
                            transpose::<T, S>(simd, [filters, columns], sums, from_row, y);
                        }
                    }
                }
            });
        }
    }
}

/// Copies an image with its padding to one plane per channel.
#[inline(always)]
fn copy_planes<T: Scalar>(spec: &Spec, x: &[T], planes: &mut [T]) {
    let ([height, width, channels], [rows, columns]) = (spec.input, padded(spec));
    let [top, _, left, _] = spec.padding;
    let (from, to) = (left.min(columns), (left + width).min(columns));
    let (planes, behind) = planes.split_at_mut(channels * rows * columns);
    behind.fill(T::ZERO);
    for (channel, plane) in planes.chunks_exact_mut(rows * columns).enumerate() {
        for (row, plane) in plane.chunks_exact_mut(columns).enumerate() {
            let Some(row) = row.checked_sub(top).filter(|&row| row < height) else {
                plane.fill(T::ZERO);
                continue;
            };
            let pixels = &x[row * width * channels..][..(to - from) * channels];
            plane[..from].fill(T::ZERO);
            plane[to..].fill(T::ZERO);
            if channels == 1 {
                plane[from..to].copy_from_slice(pixels);
            } else {
                for (to, pixel) in plane[from..to].iter_mut().zip(pixels.chunks_exact(channels)) {
                    *to = pixel[channel];
                }
            }
        }
    }
}

/// The constants of all tiles of a row.
struct Taps<'a, T> {
    /// Rows and columns of a window, and channels.
    loops: [usize; 3],
    /// The distance from one of each to the next, in the planes.
    x_step: [usize; 3],
    /// Output rows that are computed together, and the distance between the inputs of adjacent rows.
    rows: [usize; 2],
    /// The number of filters, which is the distance between the weights of adjacent taps and channels.
    filters: usize,
    /// Elements of the sums of one filter and row, padded to whole vectors.
    sums_row: usize,
    epilogue: Epilogue<'a, T>,
    bounds: Bounds<T>,
}

impl<T> Taps<'_, T> {
    /// Returns the distance from the first element that the window of a first position reads to the last one that a window of the rows
    /// computed together reads.
    #[inline(always)]
    fn reach(&self) -> usize {
        let [rows, apart] = self.rows;
        let taps: usize = self.loops.iter().zip(self.x_step).map(|(&count, step)| (count - 1) * step).sum();
        taps + (rows - 1) * apart
    }
}

/// Returns the filters and vectors of pixels of a tile. Their accumulators leave registers for the inputs, and for a weight. The code for
/// any sizes has few tiles, because each costs every user build time; constant sizes have the tile that fits.
const fn tile_of<T: Elementary, S: Simd<T>>(filters: usize, vectors: usize, is_constant: bool) -> [usize; 2] {
    if is_constant {
        let tall = filters.div_ceil(filters.div_ceil(MOST_FILTERS));
        let fit = (S::REGISTERS - 1) / (tall + 1);
        let wide = if fit > MOST_VECTORS {
            MOST_VECTORS
        } else if fit == 0 {
            1
        } else {
            fit
        };
        return [tall, vectors.div_ceil(vectors.div_ceil(wide))];
    }
    let tall = match filters {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    };
    [tall, if vectors > 1 && 2 * (tall + 1) < S::REGISTERS { 2 } else { 1 }]
}

/// Returns the output rows of a tile: for constant sizes as many as registers fit, if all rows are a multiple of it.
const fn rows_together<T: Elementary, S: Simd<T>, C: Configuration<Spec>>() -> usize {
    let Some(spec) = C::CONSTANT else { return 1 };
    let (rows, vectors) = (spec.output[0], spec.output[1].div_ceil(S::LANES));
    let mut together = 1;
    while rows.is_multiple_of(2 * together)
        && tile_of::<T, S>(spec.output[2], 2 * together * vectors, true)[1] == 2 * together * vectors
    {
        together *= 2;
    }
    together
}

/// The maximum filters, and the maximum vectors of pixels, of a tile.
const MOST_FILTERS: usize = 8;
const MOST_VECTORS: usize = 4;

/// Whether rows may have tiles of `tall` filters and `wide` vectors.
const fn may_have_tile<T: Elementary, S: Simd<T>, C: Configuration<Spec>>(tall: usize, wide: usize) -> bool {
    match const_tile::<T, S, C>() {
        Some([of_filters, of_pixels]) => of_filters == tall && of_pixels == wide,
        None => {
            let [_, of_pixels] = tile_of::<T, S>(tall, wide, false);
            tall.is_power_of_two() && of_pixels == wide
        }
    }
}

/// Returns the starts of tiles of `size` that cover `count`; the last tile is moved back to end at `count`.
#[inline(always)]
fn tile_starts(count: usize, size: usize) -> impl Iterator<Item = usize> {
    (0..count.div_ceil(size)).map(move |n| (n * size).min(count - size))
}

/// Computes some rows of pixels filter by filter, with the epilogue except for the activation beyond its bounds.
///
/// # Safety
/// The memory of the inputs of all windows of the rows, `taps.sums_row` of each, and of the weights is valid for reads; the memory of the
/// sums is valid for writes and does not overlap them.
#[inline(always)]
unsafe fn compute_rows<T: Elementary, S: Simd<T>, C: Configuration<Spec>>(
    simd: S,
    taps: &Taps<'_, T>,
    x: *const T,
    w: *const T,
    sums: *mut T,
) {
    let row = taps.rows[0] * taps.sums_row;
    let vectors = row / S::LANES;
    let [tall, wide] = const_tile::<T, S, C>().unwrap_or_else(|| tile_of::<T, S>(taps.filters, vectors, false));
    for filter in tile_starts(taps.filters, tall) {
        for vector in tile_starts(vectors, wide) {
            // SAFETY: the offsets of a tile are inside the rows; where there are several rows, one tile covers them.
            let segment = unsafe {
                RowSegment {
                    taps,
                    x: x.add(vector * S::LANES),
                    w: w.add(filter),
                    filter,
                    to: sums.add(filter * row + vector * S::LANES),
                }
            };
            macro_rules! tiles {
                ($($f:literal x $p:literal)*) => {
                    match (tall, wide) {
                        $(
                            ($f, $p) if const { may_have_tile::<T, S, C>($f, $p) } => {
                                if const { C::CONSTANT.is_some() } {
                                    Tile::<T, $f, $p>(segment).with_simd(simd);
                                } else {
                                    simd.call(Tile::<T, $f, $p>(segment));
                                }
                            }
                        )*
                        _ => unreachable!("a row is cut into tiles"),
                    }
                };
            }
            tiles! {
                1 x 1 1 x 2 1 x 3 1 x 4 2 x 1 2 x 2 2 x 3 2 x 4 3 x 1 3 x 2 3 x 3 3 x 4 4 x 1 4 x 2 4 x 3 4 x 4
                5 x 1 5 x 2 5 x 3 5 x 4 6 x 1 6 x 2 6 x 3 6 x 4 7 x 1 7 x 2 7 x 3 7 x 4 8 x 1 8 x 2 8 x 3 8 x 4
            }
        }
    }
}

/// [`tile_of`] constant sizes.
const fn const_tile<T: Elementary, S: Simd<T>, C: Configuration<Spec>>() -> Option<[usize; 2]> {
    match C::CONSTANT {
        Some(spec) => {
            let vectors = rows_together::<T, S, C>() * spec.output[1].div_ceil(S::LANES);
            Some(tile_of::<T, S>(spec.output[2], vectors, true))
        }
        None => None,
    }
}

/// A segment of a row, or several rows.
struct RowSegment<'a, T> {
    taps: &'a Taps<'a, T>,
    x: *const T,
    w: *const T,
    /// The first filter.
    filter: usize,
    to: *mut T,
}

/// A tile of `F` filters and `P` vectors of pixels. Only [`compute_rows`] makes one, and its caller guarantees that the pointers are valid.
struct Tile<'a, T, const F: usize, const P: usize>(RowSegment<'a, T>);

impl<T: Elementary, const F: usize, const P: usize> WithSimd<T> for Tile<'_, T, F, P> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "iterators take longer to build")]
    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self(RowSegment { taps, x, w, filter, to }) = self;
        let zero = simd.splat(T::ZERO);
        let mut sums = [[zero; P]; F];
        let ([rows, apart], row) = (taps.rows, taps.sums_row);
        // The distance from the inputs of the first vector to those of another one: in the same row, unless the tile has whole rows.
        let offset = |vector: usize| {
            if rows == 1 { vector * S::LANES } else { vector * S::LANES / row * apart + vector * S::LANES % row }
        };
        // SAFETY: the caller of `compute_rows` guarantees that the memory is valid.
        unsafe {
            let mut w = w;
            for i in 0..taps.loops[0] {
                for j in 0..taps.loops[1] {
                    let mut x = x.add(i * taps.x_step[0] + j * taps.x_step[1]);
                    for _ in 0..taps.loops[2] {
                        let mut pixels = [zero; P];
                        for p in 0..P {
                            pixels[p] = simd.load_at(x.add(offset(p)));
                        }
                        for f in 0..F {
                            let weight = simd.splat(*w.add(f));
                            for p in 0..P {
                                sums[f][p] = pixels[p].multiply_add(weight, sums[f][p]);
                            }
                        }
                        x = x.wrapping_add(taps.x_step[2]);
                        w = w.wrapping_add(taps.filters);
                    }
                }
            }
            let each = |each: &[T], f: usize, default: T| {
                simd.splat(if each.is_empty() { default } else { *each.as_ptr().add(filter + f) })
            };
            let bounds = taps.bounds.splat(simd);
            unrolled!(f < F, {
                let scale = each(taps.epilogue.scale, f, T::ONE);
                let shift = each(taps.epilogue.shift, f, T::ZERO);
                for p in 0..P {
                    let sum = sums[f][p].multiply_add(scale, shift);
                    bounds.clamp_vector(sum).store_at(to.add(f * rows * row + p * S::LANES));
                }
            });
        }
    }
}

/// Transposes the rows of filters, which start `from_row` elements apart, to pixels with contiguous channels.
#[inline(always)]
fn transpose<T: Elementary, S: Simd<T>>(
    simd: S,
    [filters, pixels]: [usize; 2],
    from: &[T],
    from_row: usize,
    to: &mut [T],
) {
    assert!(to.len() == filters * pixels && from.len() >= (filters - 1) * from_row + pixels && from_row >= pixels);
    if filters == 1 {
        return to.copy_from_slice(&from[..pixels]);
    }
    if filters >= 4 && pixels >= S::LANES {
        for pixel in tile_starts(pixels, S::LANES) {
            for filter in tile_starts(filters, 4) {
                // SAFETY: the assertion above covers four filters from this one on, and a vector of pixels from this one on.
                unsafe {
                    let from = from.as_ptr().add(filter * from_row + pixel);
                    let columns = mapped([0, 1, 2, 3], |f| simd.load_at(from.add(f * from_row)));
                    let to = to.as_mut_ptr().add(pixel * filters + filter);
                    <S::Vector as Vector<T>>::store_columns(columns, to, filters);
                }
            }
        }
        return;
    }
    for (pixel, to) in to.chunks_exact_mut(filters).enumerate() {
        for (filter, to) in to.iter_mut().enumerate() {
            *to = from[filter * from_row + pixel];
        }
    }
}
