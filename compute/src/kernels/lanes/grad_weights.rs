//! The gradient of the weights of a convolution with blocks of images in the lanes: each lane sums the products of its image, and the lanes
//! are summed at the end.
//!
//! The input of a block is transposed into scratch memory with the padding of its rows; dy follows in strips that stay in the L1 cache for
//! all weights. A partial sum is over the positions of one strip, [`DEPTH`] at most, and is then added to those of other strips.

use core::ops::Range;

use super::LANES;
use crate::gemm::DEPTH;
use crate::kernels::conv::Spec;
use crate::kernels::elementary::Elementary;
use crate::kernels::parts::add_compensated;
use crate::kernels::relayout::IntoBlock;
use crate::simd::{Isa, Simd, Vector, WithSimd, mapped, unrolled};

/// Elements of a strip of dy: three quarters of an L1 cache in single precision.
const HOT: usize = 6 * 1024;

/// The minimum positions of a strip that is shortened to fit into the cache: shorter strips would store their sums too often.
const FEW: usize = 48;

/// The maximum weights of a filter in a register tile.
const TERMS: usize = 4;

/// Returns the rows and columns of the strips of dy.
const fn strip(spec: &Spec) -> [usize; 2] {
    let [rows, columns, filters] = spec.output;
    if columns >= DEPTH {
        return [1, DEPTH];
    }
    let (hot, most) = (HOT / (columns * filters * LANES), DEPTH / columns);
    let at_once = if hot * columns >= FEW && hot < most { hot } else { most };
    [if at_once < rows { at_once } else { rows }, columns]
}

/// Returns the columns of a padded row of the input that windows read.
const fn reach(spec: &Spec) -> usize {
    (spec.output[1] - 1) * spec.stride[1] + (spec.window[1] - 1) * spec.dilation[1] + 1
}

/// Returns the elements of scratch memory that [`add`] needs: the input of a block, a strip of dy, the sums of each lane, and the sums of
/// all lanes with the rounding errors of dw.
pub(super) const fn scratch(spec: &Spec) -> usize {
    let [rows, columns] = strip(spec);
    let input = spec.input[0] * reach(spec) * spec.input[2];
    (input + rows * columns * spec.output[2] + spec.weights_len()) * LANES + 2 * spec.weights_len()
}

/// Adds to `dw`, which is some rows of the gradient of the weights, one for each tap and channel. Lengths are checked.
pub(super) fn add<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    rows: Range<usize>,
    dw: &mut [T],
    scratch: &mut [T],
) {
    assert_eq!(dw.len(), rows.len() * spec.output[2], "rows of the gradient of the weights");
    isa.dispatch(Add { spec, x, dy, rows, dw, scratch });
}

struct Add<'a, T> {
    spec: &'a Spec,
    x: &'a [T],
    dy: &'a [T],
    rows: Range<usize>,
    dw: &'a mut [T],
    scratch: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { spec, x, dy, rows, dw, scratch } = self;
        let [x_len, dy_len] = [spec.input_len(), spec.output_len()];
        let [strip_rows, strip_columns] = strip(spec);
        let (block, rest) = scratch.split_at_mut(spec.input[0] * reach(spec) * spec.input[2] * LANES);
        let (strip, rest) = rest.split_at_mut(strip_rows * strip_columns * spec.output[2] * LANES);
        let (sums, rest) = rest.split_at_mut(dw.len() * LANES);
        let (sum, rest) = rest.split_at_mut(dw.len());
        let lost = &mut rest[..dw.len()];
        lost.fill(T::ZERO);
        // The padding stays zero for all blocks.
        block.fill(T::ZERO);
        for (x, dy) in x.chunks(x_len * LANES).zip(dy.chunks(dy_len * LANES)) {
            let images = x.len() / x_len;
            padded_block(simd, spec, images, x, block);
            sums.fill(T::ZERO);
            for row in (0..spec.output[0]).step_by(strip_rows) {
                for column in (0..spec.output[1]).step_by(strip_columns) {
                    let at = Strip {
                        rows: row..(row + strip_rows).min(spec.output[0]),
                        columns: column..(column + strip_columns).min(spec.output[1]),
                    };
                    at.transpose(simd, spec, images, dy, strip);
                    at.add(simd, spec, block, strip, rows.clone(), sums);
                }
            }
            sum_lanes(simd, sums, sum);
            add_compensated(dw, lost, sum);
        }
        dw.iter_mut().zip(lost).for_each(|(dw, lost)| *dw += *lost);
    }
}

/// Transposes the input of a block into the lanes, between the padding of its rows.
#[inline(always)]
fn padded_block<T: Elementary, S: Simd<T>>(simd: S, spec: &Spec, images: usize, x: &[T], block: &mut [T]) {
    let ([_, width, channels], left, reach) = (spec.input, spec.padding[2], reach(spec));
    let row = width * channels;
    if left == 0 && reach == width {
        return simd.call(IntoBlock { images, x, step: spec.input_len(), y: block });
    }
    let inside = width.min(reach.saturating_sub(left)) * channels;
    for (at, padded) in block.chunks_exact_mut(reach * channels * LANES).enumerate() {
        let y = &mut padded[left.min(reach) * channels * LANES..][..inside * LANES];
        simd.call(IntoBlock { images, x: &x[at * row..], step: spec.input_len(), y });
    }
}

/// The rows and columns of a strip of dy.
struct Strip {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Strip {
    /// Transposes the strip into the lanes.
    #[inline(always)]
    fn transpose<T: Elementary, S: Simd<T>>(&self, simd: S, spec: &Spec, images: usize, dy: &[T], strip: &mut [T]) {
        let Self { rows, columns } = self;
        let (row, filters, step) = (spec.rows_len()[1], spec.output[2], spec.output_len());
        let len = columns.len() * filters;
        if len == row {
            let y = &mut strip[..rows.len() * row * LANES];
            return simd.call(IntoBlock { images, x: &dy[rows.start * row..], step, y });
        }
        for (at, y) in rows.clone().zip(strip.chunks_exact_mut(len * LANES)) {
            simd.call(IntoBlock { images, x: &dy[at * row + columns.start * filters..], step, y });
        }
    }

    /// Adds the products of the strip to the sums of each lane, for some rows of the gradient of the weights.
    #[inline(always)]
    fn add<T: Elementary, S: Simd<T>>(
        &self,
        simd: S,
        spec: &Spec,
        block: &[T],
        strip: &[T],
        weights: Range<usize>,
        sums: &mut [T],
    ) {
        let Self { rows, columns } = self;
        let ([_, _, channels], filters, reach) = (spec.input, spec.output[2], reach(spec));
        // Contiguous taps of a row are one run of terms.
        let [runs, terms] =
            if spec.dilation[1] == 1 { [1, spec.window[1] * channels] } else { [spec.window[1], channels] };
        for tap_row in 0..spec.window[0] {
            let inside = spec.positions_inside(0, tap_row);
            let inside = inside.start.max(rows.start)..inside.end.min(rows.end);
            let Some(source) = (!inside.is_empty()).then(|| spec.source(0, inside.start, tap_row)).flatten() else {
                continue;
            };
            for run in 0..runs {
                let offset = (tap_row * runs + run) * terms;
                let first = weights.start.clamp(offset, offset + terms);
                let count = weights.end.clamp(first, offset + terms) - first;
                if count == 0 {
                    continue;
                }
                let column = columns.start * spec.stride[1] + run * spec.dilation[1];
                let x = &block[((source * reach + column) * channels + first - offset) * LANES..];
                let dy = &strip[(inside.start - rows.start) * columns.len() * filters * LANES..];
                let sums = &mut sums[(first - weights.start) * filters * LANES..];
                let pixels = [inside.len(), columns.len()];
                let steps = [spec.stride[0] * reach * channels * LANES, spec.stride[1] * channels * LANES];
                let [down, across] = mapped([0, 1], |axis| (pixels[axis] - 1) * steps[axis]);
                assert!(down + across + count * LANES <= x.len(), "windows inside the block");
                assert!(pixels[0] * pixels[1] * filters * LANES <= dy.len(), "positions inside the strip");
                assert!(count * filters * LANES <= sums.len(), "a sum for each weight");
                for images in (0..LANES).step_by(S::LANES) {
                    let range = GradientRange {
                        terms: count,
                        filters,
                        pixels,
                        x: x.as_ptr().wrapping_add(images),
                        x_steps: steps,
                        dy: dy.as_ptr().wrapping_add(images),
                        sums: sums.as_mut_ptr().wrapping_add(images),
                    };
                    // SAFETY: the assertions above compare the ends of x, dy and the sums with their slices, and `S::LANES` divides a
                    // block; the sums are borrowed mutably.
                    unsafe { compute(simd, &range) };
                }
            }
        }
    }
}

/// Sums the lanes of each of `sums`, in order.
#[inline(always)]
fn sum_lanes<T: Elementary, S: Simd<T>>(simd: S, sums: &[T], to: &mut [T]) {
    let mut done = 0;
    while done + S::LANES <= to.len() {
        let rows = &sums[done * LANES..][..S::LANES * LANES];
        let mut sum = simd.splat(T::ZERO);
        for first in (0..LANES).step_by(4) {
            // SAFETY: `rows` has `S::LANES` rows of `LANES` elements, of which four elements from `first` on are read.
            let [a, b, c, d] = unsafe { simd.load_columns(rows.as_ptr().wrapping_add(first), LANES) };
            sum = sum + a + b + c + d;
        }
        sum.store(&mut to[done..]);
        done += S::LANES;
    }
    for (to, sums) in to.iter_mut().zip(sums.chunks_exact(LANES)).skip(done) {
        *to = sums.iter().fold(T::ZERO, |sum, &lane| sum + lane);
    }
}

/// A range of positions, and the sums over them: `sums[t, f] += Σ x[position, t] · dy[position, f]`, each a vector of the images from those
/// on that the pointers point to. Terms of one position are contiguous vectors of a block, as are filters, and the positions of dy.
struct GradientRange<T> {
    terms: usize,
    filters: usize,
    /// Rows and columns of positions.
    pixels: [usize; 2],
    x: *const T,
    /// The distances between rows, and between columns.
    x_steps: [usize; 2],
    dy: *const T,
    sums: *mut T,
}

/// Returns the terms of a tile of `filters` filters; 0 where vectors are too narrow to profit, because each tile costs every user build
/// time.
const fn terms<T: Elementary, S: Simd<T>>(filters: usize) -> usize {
    let fit = (S::REGISTERS - 4) / filters;
    match (filters, fit) {
        (1, _) => TERMS,
        (_, _) if S::LANES < 4 => 0,
        (6, _) if S::LANES < 8 => 0,
        (_, 0..TERMS) => fit,
        _ => TERMS,
    }
}

/// # Safety
/// The memory of all inputs and gradients of the range is valid for reads; the memory of its sums is valid for reads and writes and does
/// not overlap them.
#[inline(always)]
unsafe fn compute<T: Elementary, S: Simd<T>>(simd: S, range: &GradientRange<T>) {
    let mut filter = 0;
    while filter < range.filters {
        // SAFETY: the caller guarantees that the memory of the range is valid.
        filter += unsafe {
            match range.filters - filter {
                // Eight filters are four and four, which load as much as six and two.
                8 => tiles_of_filters::<T, S, 4>(simd, range, filter),
                6.. if const { terms::<T, S>(6) > 0 } => tiles_of_filters::<T, S, 6>(simd, range, filter),
                4.. => tiles_of_filters::<T, S, 4>(simd, range, filter),
                _ => tiles_of_filters::<T, S, 1>(simd, range, filter),
            }
        };
    }
}

/// Computes the tiles of `F` filters, and returns `F`.
///
/// # Safety
/// As for [`compute`].
#[inline(always)]
unsafe fn tiles_of_filters<T: Elementary, S: Simd<T>, const F: usize>(
    simd: S,
    range: &GradientRange<T>,
    filter: usize,
) -> usize {
    // Terms are divided evenly: five into three and two, not into four and one.
    let cuts = range.terms.div_ceil(const { terms::<T, S>(F) });
    let mut term = 0;
    for cut in 0..cuts {
        let count = (range.terms - term).div_ceil(cuts - cut);
        let origin = [term, filter];
        match count {
            1 => simd.call(Tile::<T, 1, F> { range, origin }),
            2 => simd.call(Tile::<T, 2, F> { range, origin }),
            3 => simd.call(Tile::<T, 3, F> { range, origin }),
            4 => simd.call(Tile::<T, 4, F> { range, origin }),
            _ => unreachable!("terms are cut into tiles"),
        }
        term += count;
    }
    F
}

/// `N` terms by `F` filters of a range. Only [`tiles_of_filters`] makes one, and its caller guarantees that the pointers are valid.
struct Tile<'a, T, const N: usize, const F: usize> {
    range: &'a GradientRange<T>,
    /// The first term, and the first filter.
    origin: [usize; 2],
}

impl<T: Elementary, const N: usize, const F: usize> WithSimd<T> for Tile<'_, T, N, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // The constant condition keeps tiles that are never used from being compiled.
        if const { N > terms::<T, S>(F) } {
            unreachable!("terms are cut into tiles");
        } else {
            // SAFETY: the caller of `compute` guarantees that the memory is valid; the tile is inside the range.
            unsafe { tile::<T, S, N, F>(simd, self.range, self.origin) }
        }
    }
}

/// # Safety
/// As for [`compute`], for `N` terms and `F` filters from `origin` on.
#[expect(clippy::needless_range_loop, reason = "iterators take longer to build, and there are many tiles")]
#[inline(always)]
unsafe fn tile<T: Elementary, S: Simd<T>, const N: usize, const F: usize>(
    simd: S,
    range: &GradientRange<T>,
    [term, filter]: [usize; 2],
) {
    let mut sums = [[simd.splat(T::ZERO); F]; N];
    let GradientRange { filters, pixels: [rows, columns], x_steps: [row_step, step], .. } = *range;
    // SAFETY: the caller guarantees that the memory of the range is valid, and that the tile is inside it.
    unsafe {
        let mut row = range.x.add(term * LANES);
        let mut dy = range.dy.add(filter * LANES);
        for _ in 0..rows {
            let mut x = row;
            for _ in 0..columns {
                let mut inputs = [simd.splat(T::ZERO); N];
                for n in 0..N {
                    inputs[n] = simd.load_at(x.add(n * LANES));
                }
                for f in 0..F {
                    let gradient = simd.load_at(dy.add(f * LANES));
                    for n in 0..N {
                        sums[n][f] = inputs[n].multiply_add(gradient, sums[n][f]);
                    }
                }
                x = x.wrapping_add(step);
                dy = dy.wrapping_add(filters * LANES);
            }
            row = row.wrapping_add(row_step);
        }
        let first = range.sums.add((term * filters + filter) * LANES);
        unrolled!(n < N, {
            for f in 0..F {
                let sum = first.add((n * filters + f) * LANES);
                (simd.load_at(sum) + sums[n][f]).store_at(sum);
            }
        });
    }
}
