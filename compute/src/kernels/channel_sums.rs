//! Sums over all positions, one for each channel.

use core::ops::Range;

use crate::context::{Context, WORTH_A_THREAD};
use crate::scalar::Scalar;

/// Elements side by side that are worked on together.
pub(crate) const LANES: usize = 64;

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
    /// The stretches that cover all channels.
    #[inline(always)]
    pub(crate) fn all(channels: usize) -> impl Iterator<Item = Self> {
        (0..channels).step_by(LANES).map(move |start| {
            let width = (channels - start).min(LANES);
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
const BLOCKS: usize = 16;

/// `K` sums for each channel of a stretch over `len` elements, those of one block each given by `of`. A block is made of whole parts, so that
/// parts are the same however many blocks there are.
pub(crate) fn in_blocks<const K: usize>(
    context: &Context<'_>,
    stretch: &Stretch,
    len: usize,
    of: impl Fn(Range<usize>) -> [[f64; LANES]; K] + Sync,
) -> [[f64; LANES]; K] {
    let block = len.div_ceil(BLOCKS).next_multiple_of(stretch.step * PART);
    let mut sums = [[[0.0; LANES]; K]; BLOCKS];
    let least = if len < WORTH_A_THREAD { BLOCKS } else { 1 };
    context.split_rows(&mut sums, 1, least, &mut [], &|first, sums, _| {
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

/// Σ x
#[inline(always)]
pub(crate) fn of<T: Scalar>(stretch: &Stretch, x: &[T]) -> [f64; LANES] {
    let [sum] = in_parts(stretch, x.len(), |range, [part]: &mut [[T; LANES]; 1]| {
        part.iter_mut().zip(&x[range]).for_each(|(part, &x)| *part += x);
    });
    sum
}

/// Σ (x − centre)²
#[inline(always)]
pub(crate) fn of_squares<T: Scalar>(stretch: &Stretch, x: &[T], centre: &[T; LANES]) -> [f64; LANES] {
    let [sum] = in_parts(stretch, x.len(), |range, [part]: &mut [[T; LANES]; 1]| {
        for ((part, &x), &centre) in part.iter_mut().zip(&x[range]).zip(centre) {
            *part += (x - centre) * (x - centre);
        }
    });
    sum
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
    let [sum, product] = in_parts(stretch, x.len(), |range, [sum, product]: &mut [[T; LANES]; 2]| {
        let parts = sum.iter_mut().zip(product).zip(centre);
        for ((&x, &dy), ((sum, product), &centre)) in x[range.clone()].iter().zip(&dy[range]).zip(parts) {
            *sum += dy;
            *product += dy * (x - centre);
        }
    });
    (sum, product)
}
