//! Sums of each channel over all positions.

use core::ops::Range;

use crate::context::{Context, ELEMENTS_WORTH_A_THREAD};
use crate::scalar::Scalar;
use crate::simd::vectorised;

/// Contiguous elements that are processed together: a kilobyte in single precision, because the hardware does not prefetch shorter pieces
/// of rows.
pub(crate) const LANES: usize = 256;

/// Positions of a partial sum in the network's own precision, which is then added to a sum in `f64`.
const PART: usize = 128;

/// Channels whose sums are in the lanes together. Where the channels are few, several positions fill the lanes: lane i is channel i mod
/// channels.
pub(crate) struct ChannelBlock {
    /// The first channel.
    pub(crate) start: usize,
    /// The number of channels.
    pub(crate) width: usize,
    /// The number of lanes in use: a multiple of `width`.
    lanes: usize,
    /// The distance from one set of lanes to the next, in elements.
    pub(crate) step: usize,
}

impl ChannelBlock {
    /// Returns blocks of about equal width that cover all channels.
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

    /// Returns the range of the lanes in a chunk of `step` elements; the last chunk may have fewer positions than fill the lanes.
    #[inline(always)]
    pub(crate) fn range(&self, chunk: usize) -> Range<usize> {
        self.start..(self.start + self.lanes).min(chunk)
    }

    /// Broadcasts a value of each channel to the lanes of that channel.
    #[inline(always)]
    pub(crate) fn broadcast<T: Scalar>(&self, of_channel: impl Fn(usize) -> T) -> [T; LANES] {
        let mut broadcast = [T::ZERO; LANES];
        for (lane, value) in broadcast[..self.lanes].iter_mut().enumerate() {
            *value = of_channel(self.start + lane % self.width);
        }
        broadcast
    }

    /// Returns each channel with the sum of its lanes.
    #[inline(always)]
    pub(crate) fn fold(&self, lanes: [f64; LANES]) -> impl Iterator<Item = (usize, f64)> {
        let (start, width, used) = (self.start, self.width, self.lanes);
        (0..width).map(move |channel| (start + channel, (channel..used).step_by(width).map(|lane| lanes[lane]).sum()))
    }
}

/// Computes `K` sums for each channel of a channel block over `len` elements: `add` adds the terms of a range to the partial sums.
#[inline(always)]
pub(crate) fn in_parts<T: Scalar, const K: usize>(
    channel_block: &ChannelBlock,
    len: usize,
    mut add: impl FnMut(Range<usize>, &mut [[T; LANES]; K]),
) -> [[f64; LANES]; K] {
    let mut total = [[0.0; LANES]; K];
    let step = channel_block.step;
    for block in (0..len).step_by(step * PART) {
        let mut part = [[T::ZERO; LANES]; K];
        for first in (block..len.min(block + step * PART)).step_by(step) {
            let range = channel_block.range(len.min(first + step) - first);
            add(first + range.start..first + range.end, &mut part);
        }
        for (total, part) in total.iter_mut().zip(&part) {
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part.to_f64());
        }
    }
    total
}

/// The number of blocks of positions that threads share. It does not depend on the threads, and the sums of the blocks are added in order.
const BLOCKS: usize = 8;

/// Computes `K` sums for each channel of a channel block over `len` elements, on several threads: `of` returns the sums of one block of
/// positions. Blocks of positions consist of whole partial sums, so that the partial sums do not depend on the number of blocks.
pub(crate) fn in_blocks<const K: usize>(
    context: &Context<'_>,
    channel_block: &ChannelBlock,
    len: usize,
    of: impl Fn(Range<usize>) -> [[f64; LANES]; K] + Sync,
) -> [[f64; LANES]; K] {
    let block = len.div_ceil(BLOCKS).next_multiple_of(channel_block.step * PART);
    if block >= len {
        return of(0..len);
    }
    let mut sums = [[[0.0; LANES]; K]; BLOCKS];
    let least = ELEMENTS_WORTH_A_THREAD / (block / channel_block.step * channel_block.lanes).max(1);
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
    for channel_block in ChannelBlock::all(sums.len()) {
        let [sum] =
            in_blocks(context, &channel_block, x.len(), |block| [plain(context.isa(), &channel_block, &x[block])]);
        for (channel, sum) in channel_block.fold(sum) {
            sums[channel] += T::from_f64(sum);
        }
    }
}

/// Computes the mean and the (biased) variance of each channel of a channel block over all positions, of which there is at least one. `visit`
/// receives a channel and both.
pub(crate) fn moments<T: Scalar>(
    context: &Context<'_>,
    channel_block: &ChannelBlock,
    channels: usize,
    x: &[T],
    mut visit: impl FnMut(usize, f64, f64),
) {
    // The first position is an estimate of the mean: sums about it lose little to cancellation in double precision.
    let lanes = channel_block.broadcast(|channel| x[channel].to_f64());
    let [sums, squares] =
        in_blocks(context, channel_block, x.len(), |block| about(context.isa(), channel_block, &x[block], &lanes));
    let count = (x.len() / channels) as f64;
    for ((channel, sum), (_, square)) in channel_block.fold(sums).zip(channel_block.fold(squares)) {
        let distance = sum / count;
        let variance = square / count - distance * distance;
        visit(channel, x[channel].to_f64() + distance, if variance < 0.0 { 0.0 } else { variance });
    }
}

vectorised! {
    fn plain<T: Scalar>(channel_block: &ChannelBlock, x: &[T]) -> [f64; LANES] {
        let [sum] = in_parts(channel_block, x.len(), |range, [part]: &mut [[T; LANES]; 1]| {
            part.iter_mut().zip(&x[range]).for_each(|(part, &x)| *part += x);
        });
        sum
    }
}

vectorised! {
    /// Σ (x − c) and Σ (x − c)². The squares of each partial sum are taken about its own mean m, while its elements are in the cache, and
    /// converted to c by Σ (x − c)² = Σ (x − m)² + (m − c) (2 Σ (x − m) + n (m − c)).
    fn about<T: Scalar>(channel_block: &ChannelBlock, x: &[T], c: &[f64; LANES]) -> [[f64; LANES]; 2] {
        let mut total = [[0.0; LANES]; 2];
        for part in x.chunks(channel_block.step * PART) {
            let (mut sums, mut squares, mut means) = ([T::ZERO; LANES], [T::ZERO; LANES], [T::ZERO; LANES]);
            for x in part.chunks(channel_block.step) {
                sums.iter_mut().zip(&x[channel_block.range(x.len())]).for_each(|(sum, &x)| *sum += x);
            }
            // The last lanes of the last partial sum may have one position less.
            let (positions, more) = (part.len() / channel_block.step, part.len() % channel_block.step);
            let count = |lane: usize| (positions + usize::from(lane < more)) as f64;
            for (lane, (mean, sum)) in means.iter_mut().zip(&sums).enumerate() {
                *mean = T::from_f64(sum.to_f64() / count(lane).max(1.0));
            }
            for x in part.chunks(channel_block.step) {
                for ((square, &mean), &x) in squares.iter_mut().zip(&means).zip(&x[channel_block.range(x.len())]) {
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
pub(crate) fn of_products<T: Scalar>(channel_block: &ChannelBlock, x: &[T], y: &[T]) -> [f64; LANES] {
    let [sum] = in_parts(channel_block, x.len(), |range, [part]: &mut [[T; LANES]; 1]| {
        for ((part, &x), &y) in part.iter_mut().zip(&x[range.clone()]).zip(&y[range]) {
            *part += x * y;
        }
    });
    sum
}

/// Σ dy and Σ dy (x − centre)
#[inline(always)]
pub(crate) fn of_gradient<T: Scalar>(
    channel_block: &ChannelBlock,
    x: &[T],
    dy: &[T],
    centre: &[T; LANES],
) -> ([f64; LANES], [f64; LANES]) {
    of_gradient_through(channel_block, x, dy, centre, |_, _, dy| dy)
}

/// [`of_gradient`] of `through(lane, x − centre, dy)` in place of dy.
#[inline(always)]
pub(crate) fn of_gradient_through<T: Scalar>(
    channel_block: &ChannelBlock,
    x: &[T],
    dy: &[T],
    centre: &[T; LANES],
    through: impl Fn(usize, T, T) -> T,
) -> ([f64; LANES], [f64; LANES]) {
    let [sum, product] = in_parts(channel_block, x.len(), |range, [sum, product]: &mut [[T; LANES]; 2]| {
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
