//! The transforms of filters.

use super::super::{LINE, PANEL, Spec};
use super::points::filter_factor;
use super::{FilterBlock, Shared, Winograd};
use crate::context::{Context, ELEMENTS_WORTH_A_THREAD};
use crate::scalar::Scalar;
use crate::simd::vectorised;

/// Channels, and filters, of a block that is read at once.
const TOGETHER: usize = 16;
const _: () = assert!(LINE.is_multiple_of(TOGETHER) && PANEL.is_multiple_of(TOGETHER));

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

vectorised! {
    /// Computes the transforms of a panel of some channels and filters; `matrix` is the distance from one point to the next.
    #[allow(clippy::needless_range_loop)]
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
        let mut read = [[[T::ZERO; TOGETHER]; TOGETHER]; 25];
        for channel in (0..channels).step_by(TOGETHER) {
            for filter in (0..width).step_by(TOGETHER) {
                let first = source.first + channel * source.channel + filter * source.filter;
                for (tap, read) in read.iter_mut().enumerate().take(taps * taps) {
                    if source.filter == 1 {
                        for (channel, read) in read.iter_mut().enumerate() {
                            let from = first + tap * source.tap + channel * source.channel;
                            read.copy_from_slice(&w[from..from + TOGETHER]);
                        }
                    } else {
                        for filter in 0..TOGETHER {
                            let from = first + (taps * taps - 1 - tap) * source.tap + filter * source.filter;
                            for (read, &w) in read.iter_mut().zip(&w[from..from + TOGETHER]) {
                                read[filter] = w;
                            }
                        }
                    }
                }
                for c in 0..TOGETHER {
                    // Gᵀ along the columns of the window, then G along its rows.
                    let mut half = [[[0.0; TOGETHER]; 8]; 5];
                    for i in 0..taps {
                        for j in 0..taps {
                            let mut w = [0.0; TOGETHER];
                            for n in 0..TOGETHER {
                                w[n] = read[i * taps + j][c][n].to_f64();
                            }
                            for point in 0..patch {
                                for n in 0..TOGETHER {
                                    half[i][point][n] += g[point][j] * w[n];
                                }
                            }
                        }
                    }
                    let row = (channel + c) * width + filter;
                    for point in 0..patch * patch {
                        let mut sums = [0.0; TOGETHER];
                        for i in 0..taps {
                            for n in 0..TOGETHER {
                                sums[n] += g[point / patch][i] * half[i][point % patch][n];
                            }
                        }
                        let to = &mut prepared[point * matrix + row..][..TOGETHER];
                        for n in 0..TOGETHER {
                            to[n] = T::from_f64(sums[n]);
                        }
                    }
                }
            }
        }
    }
}
