//! The transforms of filters.

use super::super::{LINE, PANEL, Spec};
use super::points::filter_factor;
use super::{Run, Shared, Winograd};
use crate::context::{Context, ELEMENTS_WORTH_A_THREAD};
use crate::scalar::Scalar;
use crate::simd::vectorised;

/// Channels, and filters, that are read together.
const TOGETHER: usize = 16;
const _: () = assert!(LINE.is_multiple_of(TOGETHER) && PANEL.is_multiple_of(TOGETHER));

/// Whose filters lie in the weights.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum FiltersOf {
    /// Those of the convolution itself.
    Itself,
    /// Those of the convolution whose [`Spec::rotated`] it is.
    Rotated,
}

/// G g Gᵀ of every filter: for each run of filters, and in it for each place, panels with a row for each channel.
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
    context.split_count(Run::count(spec), least, &mut [], &|runs, _: &mut [T]| {
        for run in runs.map(|run| Run::of(spec, form.points(), run)) {
            let matrix = channels * run.width;
            // SAFETY: runs follow one another, and each is given to one thread.
            let prepared = unsafe { prepared.part(run.place, form.points() * matrix) };
            for first in (0..run.width).step_by(PANEL) {
                let source = match of {
                    FiltersOf::Itself => {
                        let all = spec.output[2];
                        Source { first: run.first + first, tap: channels * all, channel: all, filter: 1 }
                    }
                    FiltersOf::Rotated => {
                        let (all, within) = (spec.input[2], run.first - run.group * filters + first);
                        let first = within * all + run.group * channels;
                        Source { first, tap: filters * all, channel: 1, filter: all }
                    }
                };
                let panel = [channels, PANEL.min(run.width - first)];
                let prepared = &mut prepared[first * channels..];
                transform(context.isa(), &g, [taps, form.patch], w, &source, panel, matrix, prepared);
            }
        }
    });
}

/// Where the filters of a panel lie in the weights: the element of the first tap, channel and filter, and how far it is to the next of each.
/// Where channels lie together and not filters, the taps are rotated.
struct Source {
    first: usize,
    tap: usize,
    channel: usize,
    filter: usize,
}

vectorised! {
    /// The transforms of a panel, of so many channels and filters; from a place to the next are so many elements.
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
