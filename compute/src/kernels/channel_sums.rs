//! Sums over all positions, one for each channel.

use core::ops::Range;

use crate::context::{Context, ELEMENTS_WORTH_A_THREAD};
use crate::scalar::Scalar;
use crate::simd::vectorised;

/// Elements side by side that are worked on together: a kilobyte in single precision, since shorter pieces of rows are not fetched ahead.
pub(crate) const LANES: usize = 256;

/// Positions that are summed in the network's own precision before the sum goes over to `f64`.
const PART: usize = 128;

/// Channels that are worked on together. Where they are few, several positions fill the lanes: lane i is channel
/// i mod channels.
pub(crate) struct Stretch {
    /// The first channel.
    pub(crate) start: usize,
    /// How many channels.
    pub(crate) width: usize,
    /// How many lanes are in use: a multiple of `width`.
    lanes: usize,
    /// From one set of lanes to the next, in elements.
    pub(crate) step: usize,
}

impl Stretch {
    /// The stretches that cover all channels, about equally wide.
    #[inline(always)]
    pub(crate) fn all(channels: usize) -> impl Iterator<Item = Self> {
        let count = channels.div_ceil(LANES).max(1);
        let width = channels.div_ceil(count).next_multiple_of(16).clamp(1, LANES);
        (0..channels).step_by(width).map(move |start| {
            let width = (channels - start).min(width);
            if channels <= LANES / 2 {
                let lanes = LANES / channels * channels;
                Self { start, width, lanes, step: lanes }
            } else {
                Self { start, width, lanes: width, step: channels }
            }
        })
    }

    /// Where the lanes lie in a chunk of `step` elements; the last chunk may have fewer positions than fill the lanes.
    #[inline(always)]
    pub(crate) fn range(&self, chunk: usize) -> Range<usize> {
        self.start..(self.start + self.lanes).min(chunk)
    }

    /// A number for each channel, in the lanes of that channel.
    #[inline(always)]
    pub(crate) fn spread<T: Scalar>(&self, number: impl Fn(usize) -> T) -> [T; LANES] {
        let mut spread = [T::ZERO; LANES];
        for (lane, spread) in spread[..self.lanes].iter_mut().enumerate() {
            *spread = number(self.start + lane % self.width);
        }
        spread
    }

    /// Each channel with the sum of its lanes.
    #[inline(always)]
    pub(crate) fn fold(&self, lanes: [f64; LANES]) -> impl Iterator<Item = (usize, f64)> {
        let (start, width, used) = (self.start, self.width, self.lanes);
        (0..width).map(move |channel| (start + channel, (channel..used).step_by(width).map(|lane| lanes[lane]).sum()))
    }
}

/// `K` sums for each channel of a stretch, over `len` elements: `add` adds the terms of a range of them to the part of each sum.
#[inline(always)]
pub(crate) fn in_parts<T: Scalar, const K: usize>(
    stretch: &Stretch,
    len: usize,
    mut add: impl FnMut(Range<usize>, &mut [[T; LANES]; K]),
) -> [[f64; LANES]; K] {
    let mut total = [[0.0; LANES]; K];
    let step = stretch.step;
    for block in (0..len).step_by(step * PART) {
        let mut part = [[T::ZERO; LANES]; K];
        for first in (block..len.min(block + step * PART)).step_by(step) {
            let range = stretch.range(len.min(first + step) - first);
            add(first + range.start..first + range.end, &mut part);
        }
        for (total, part) in total.iter_mut().zip(&part) {
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part.to_f64());
        }
    }
    total
}

/// Blocks of positions whose sums threads share: their number does not depend on threads, and they are added up in order.
const BLOCKS: usize = 8;

/// `K` sums for each channel of a stretch over `len` elements, those of one block each given by `of`. A block is made of whole parts, so that
/// parts are the same however many blocks there are.
pub(crate) fn in_blocks<const K: usize>(
    context: &Context<'_>,
    stretch: &Stretch,
    len: usize,
    of: impl Fn(Range<usize>) -> [[f64; LANES]; K] + Sync,
) -> [[f64; LANES]; K] {
    let block = len.div_ceil(BLOCKS).next_multiple_of(stretch.step * PART);
    if block >= len {
        return of(0..len);
    }
    let mut sums = [[[0.0; LANES]; K]; BLOCKS];
    let least = ELEMENTS_WORTH_A_THREAD / (block / stretch.step * stretch.lanes).max(1);
    context.split_rows(&mut sums, 1, least.clamp(1, BLOCKS), &mut [], &|first, sums, _| {
        for (n, sums) in sums.iter_mut().enumerate() {
            let start = ((first + n) * block).min(len);
            *sums = of(start..(start + block).min(len));
        }
    });
    let [mut total, rest @ ..] = sums;
    for sums in rest {
        for (total, sum) in total.iter_mut().flatten().zip(sums.iter().flatten()) {
            *total += sum;
        }
    }
    total
}

/// Adds Σ x over all positions to each channel of `sums`.
pub(crate) fn add_all<T: Scalar>(context: &Context<'_>, x: &[T], sums: &mut [T]) {
    for stretch in Stretch::all(sums.len()) {
        let [sum] = in_blocks(context, &stretch, x.len(), |block| [plain(context.isa(), &stretch, &x[block])]);
        for (channel, sum) in stretch.fold(sum) {
            sums[channel] += T::from_f64(sum);
        }
    }
}

/// Mean and (biased) variance of each channel of a stretch over all positions, of which there is one at least: `visit` is given a channel
/// and both.
pub(crate) fn moments<T: Scalar>(
    context: &Context<'_>,
    stretch: &Stretch,
    channels: usize,
    x: &[T],
    mut visit: impl FnMut(usize, f64, f64),
) {
    // Near enough to the mean that what is summed about it does not cancel in double precision.
    let first = &x[..x.len().min(stretch.step * PART)];
    let mut centre = [0.0; LANES];
    for (channel, sum) in stretch.fold(plain(context.isa(), stretch, first)) {
        centre[channel - stretch.start] = sum / (first.len() / channels) as f64;
    }
    let lanes = stretch.spread(|channel| centre[channel - stretch.start]);
    let [sums, squares] =
        in_blocks(context, stretch, x.len(), |block| about(context.isa(), stretch, &x[block], &lanes));
    let count = (x.len() / channels) as f64;
    for ((channel, sum), (_, square)) in stretch.fold(sums).zip(stretch.fold(squares)) {
        let distance = sum / count;
        let variance = square / count - distance * distance;
        visit(channel, centre[channel - stretch.start] + distance, if variance < 0.0 { 0.0 } else { variance });
    }
}

vectorised! {
    fn plain<T: Scalar>(stretch: &Stretch, x: &[T]) -> [f64; LANES] {
        let [sum] = in_parts(stretch, x.len(), |range, [part]: &mut [[T; LANES]; 1]| {
            part.iter_mut().zip(&x[range]).for_each(|(part, &x)| *part += x);
        });
        sum
    }
}

vectorised! {
    /// Σ (x − c) and Σ (x − c)²: the squares of a part are summed about its own mean m, while it is in the cache, and moved to c by
    /// Σ (x − c)² = Σ (x − m)² + (m − c) (2 Σ (x − m) + n (m − c)).
    fn about<T: Scalar>(stretch: &Stretch, x: &[T], c: &[f64; LANES]) -> [[f64; LANES]; 2] {
        let mut total = [[0.0; LANES]; 2];
        for part in x.chunks(stretch.step * PART) {
            let (mut sums, mut squares, mut means) = ([T::ZERO; LANES], [T::ZERO; LANES], [T::ZERO; LANES]);
            for x in part.chunks(stretch.step) {
                sums.iter_mut().zip(&x[stretch.range(x.len())]).for_each(|(sum, &x)| *sum += x);
            }
            // The last lanes of the last part may have a position less.
            let (positions, more) = (part.len() / stretch.step, part.len() % stretch.step);
            let count = |lane: usize| (positions + usize::from(lane < more)) as f64;
            for (lane, (mean, sum)) in means.iter_mut().zip(&sums).enumerate() {
                *mean = T::from_f64(sum.to_f64() / count(lane).max(1.0));
            }
            for x in part.chunks(stretch.step) {
                for ((square, &mean), &x) in squares.iter_mut().zip(&means).zip(&x[stretch.range(x.len())]) {
                    *square += (x - mean) * (x - mean);
                }
            }
            let [of_terms, of_squares] = &mut total;
            for lane in 0..LANES {
                let (sum, mean, n) = (sums[lane].to_f64(), means[lane].to_f64(), count(lane));
                let distance = mean - c[lane];
                of_terms[lane] += sum - n * c[lane];
                of_squares[lane] += squares[lane].to_f64() + distance * (2.0 * (sum - n * mean) + n * distance);
            }
        }
        total
    }
}

/// Σ x y
#[inline(always)]
pub(crate) fn of_products<T: Scalar>(stretch: &Stretch, x: &[T], y: &[T]) -> [f64; LANES] {
    let [sum] = in_parts(stretch, x.len(), |range, [part]: &mut [[T; LANES]; 1]| {
        for ((part, &x), &y) in part.iter_mut().zip(&x[range.clone()]).zip(&y[range]) {
            *part += x * y;
        }
    });
    sum
}

/// Σ dy and Σ dy (x − centre)
#[inline(always)]
pub(crate) fn of_gradient<T: Scalar>(
    stretch: &Stretch,
    x: &[T],
    dy: &[T],
    centre: &[T; LANES],
) -> ([f64; LANES], [f64; LANES]) {
    of_gradient_through(stretch, x, dy, centre, |_, _, dy| dy)
}

/// The same of what `through` makes of dy, given a lane and x − centre.
#[inline(always)]
pub(crate) fn of_gradient_through<T: Scalar>(
    stretch: &Stretch,
    x: &[T],
    dy: &[T],
    centre: &[T; LANES],
    through: impl Fn(usize, T, T) -> T,
) -> ([f64; LANES], [f64; LANES]) {
    let [sum, product] = in_parts(stretch, x.len(), |range, [sum, product]: &mut [[T; LANES]; 2]| {
        let parts = sum.iter_mut().zip(product).zip(centre);
        for (lane, ((&x, &dy), ((sum, product), &centre))) in
            x[range.clone()].iter().zip(&dy[range]).zip(parts).enumerate()
        {
            let centred = x - centre;
            let dy = through(lane, centred, dy);
            *sum += dy;
            *product += dy * centred;
        }
    });
    (sum, product)
}
