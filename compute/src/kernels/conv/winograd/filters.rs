//! The transforms of filters.

use super::super::{LINE, PANEL, Spec};
use super::points::filter_factor;
use super::{FilterBlock, Shared, Winograd};
use crate::context::{Context, ELEMENTS_WORTH_A_THREAD};
use crate::scalar::Scalar;
use crate::simd::vectorised;

/// The channels, and the filters, of a block that is read at once.
const BLOCK_SIDE: usize = 16;
const _: () = assert!(LINE.is_multiple_of(BLOCK_SIDE) && PANEL.is_multiple_of(BLOCK_SIDE));

/// The convolution whose filters the weights are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum FiltersOf {
    /// The convolution itself.
    Itself,
    /// The convolution whose [`Spec::rotated`] it is.
    Rotated,
}

/// Computes G g Gᵀ of every filter: for each filter block and each point, panels with a row for each channel.
pub(in super::super) fn pack<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    form: Winograd,
    of: FiltersOf,
    w: &[T],
    prepared: &mut [T],
) {
    let ([channels, filters], taps) = (spec.group(), spec.window[0]);
    let mut g = [[0.0; 5]; 8];
    for (point, row) in g.iter_mut().enumerate().take(form.patch) {
        row.iter_mut().enumerate().take(taps).for_each(|(tap, g)| *g = filter_factor(form.patch, taps, point, tap));
    }
    let prepared = Shared::of(prepared);
    let least = ELEMENTS_WORTH_A_THREAD.div_ceil(form.points() * channels * PANEL);
    context.split_count(FilterBlock::count(spec), least, &mut [], &|filter_blocks, _: &mut [T]| {
        for filter_block in filter_blocks.map(|filter_block| FilterBlock::of(spec, form.points(), filter_block)) {
            let matrix = channels * filter_block.width;
            // SAFETY: filter blocks are disjoint, and each is given to one thread.
            let prepared = unsafe { prepared.slice(filter_block.offset, form.points() * matrix) };
            for first in (0..filter_block.width).step_by(PANEL) {
                let source = match of {
                    FiltersOf::Itself => {
                        let all = spec.output[2];
                        Source { first: filter_block.first + first, tap: channels * all, channel: all, filter: 1 }
                    }
                    FiltersOf::Rotated => {
                        let (all, within) = (spec.input[2], filter_block.first - filter_block.group * filters + first);
                        let first = within * all + filter_block.group * channels;
                        Source { first, tap: filters * all, channel: 1, filter: all }
                    }
                };
                let panel = [channels, PANEL.min(filter_block.width - first)];
                let prepared = &mut prepared[first * channels..];
                transform(context.isa(), &g, [taps, form.patch], w, &source, panel, matrix, prepared);
            }
        }
    });
}

/// The location of the filters of a panel in the weights: the offset of the first tap, channel and filter, and the distances between taps,
/// channels and filters. Where channels are contiguous instead of filters, the taps are rotated.
struct Source {
    first: usize,
    tap: usize,
    channel: usize,
    filter: usize,
}

/// Computes G d along one axis and calls `put` with each point and its sums over the taps d. All points but the first and the last are
/// pairs ±p: even taps contribute the same to both, odd taps the opposite.
#[inline(always)]
fn along(
    g: &[[f64; 5]; 8],
    [taps, patch]: [usize; 2],
    d: &[[f64; BLOCK_SIDE]; 5],
    mut put: impl FnMut(usize, [f64; BLOCK_SIDE]),
) {
    put(0, d[0].map(|d| g[0][0] * d));
    for pair in 0..patch / 2 - 1 {
        let row = &g[2 * pair + 1];
        let [mut even, mut odd] = [[0.0; BLOCK_SIDE]; 2];
        for tap in (0..taps).step_by(2) {
            even.iter_mut().zip(&d[tap]).for_each(|(sum, d)| *sum += row[tap] * d);
        }
        for tap in (1..taps).step_by(2) {
            odd.iter_mut().zip(&d[tap]).for_each(|(sum, d)| *sum += row[tap] * d);
        }
        let [mut sum, mut difference] = [even; 2];
        for ((sum, difference), odd) in sum.iter_mut().zip(&mut difference).zip(odd) {
            *sum += odd;
            *difference -= odd;
        }
        put(2 * pair + 1, sum);
        put(2 * pair + 2, difference);
    }
    put(patch - 1, d[taps - 1]);
}

vectorised! {
    /// Computes the transforms of a panel of some channels and filters; `matrix` is the distance from one point to the next.
    fn transform<T: Scalar>(
        g: &[[f64; 5]; 8],
        sizes: [usize; 2],
        w: &[T],
        source: &Source,
        panel: [usize; 2],
        matrix: usize,
        prepared: &mut [T],
    ) {
        let ([taps, patch], [channels, width]) = (sizes, panel);
        let mut read = [[[T::ZERO; BLOCK_SIDE]; BLOCK_SIDE]; 25];
        for channel in (0..channels).step_by(BLOCK_SIDE) {
            for filter in (0..width).step_by(BLOCK_SIDE) {
                let first = source.first + channel * source.channel + filter * source.filter;
                for (tap, read) in read.iter_mut().enumerate().take(taps * taps) {
                    let (tap, line) = if source.filter == 1 {
                        (tap, source.channel)
                    } else {
                        (taps * taps - 1 - tap, source.filter)
                    };
                    for (n, read) in read.iter_mut().enumerate() {
                        let from = first + tap * source.tap + n * line;
                        read.copy_from_slice(&w[from..from + BLOCK_SIDE]);
                    }
                    // Transposed after all reads of a tap, so that their cache misses overlap.
                    if source.filter != 1 {
                        let lines = *read;
                        for (c, read) in read.iter_mut().enumerate() {
                            read.iter_mut().zip(&lines).for_each(|(read, line)| *read = line[c]);
                        }
                    }
                }
                for c in 0..BLOCK_SIDE {
                    // Along the columns of the window, then along its rows.
                    let mut half = [[[0.0; BLOCK_SIDE]; 5]; 8];
                    for i in 0..taps {
                        let mut row = [[0.0; BLOCK_SIDE]; 5];
                        for (row, read) in row.iter_mut().zip(&read[i * taps..(i + 1) * taps]) {
                            row.iter_mut().zip(&read[c]).for_each(|(row, read)| *row = read.to_f64());
                        }
                        along(g, sizes, &row, |column, sums| half[column][i] = sums);
                    }
                    let to = &mut prepared[(channel + c) * width + filter..];
                    for (column, half) in half.iter().enumerate().take(patch) {
                        along(g, sizes, half, |row, sums| {
                            let to = &mut to[(row * patch + column) * matrix..][..BLOCK_SIDE];
                            to.iter_mut().zip(sums).for_each(|(to, sum)| *to = T::from_f64(sum));
                        });
                    }
                }
            }
        }
    }
}
