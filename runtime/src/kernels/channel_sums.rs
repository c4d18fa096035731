//! Sums over all positions, one for each channel.

use core::ops::Range;

use crate::scalar::Scalar;

/// Numbers side by side that are worked on together.
pub(crate) const LANES: usize = 64;

/// Positions that are summed in the network's own numbers before the sum goes over to `f64`.
const BLOCK: usize = 128;

/// Channels that are worked on together. Where they are few, several positions fill the lanes: lane i is channel
/// i mod channels.
pub(crate) struct Stretch {
    /// The first channel.
    pub(crate) start: usize,
    /// How many channels.
    pub(crate) width: usize,
    /// How many lanes are in use: a multiple of `width`.
    lanes: usize,
    /// From one set of lanes to the next, in numbers.
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

    /// Where the lanes lie in a chunk of `step` numbers; the last chunk may have fewer positions than fill the lanes.
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

/// Σ x
#[inline(always)]
pub(crate) fn of<T: Scalar>(stretch: &Stretch, x: &[T]) -> [f64; LANES] {
    of_squares_or_numbers::<T, false>(stretch, x, &[T::ZERO; LANES])
}

/// Σ (x − centre)²
#[inline(always)]
pub(crate) fn of_squares<T: Scalar>(stretch: &Stretch, x: &[T], centre: &[T; LANES]) -> [f64; LANES] {
    of_squares_or_numbers::<T, true>(stretch, x, centre)
}

#[inline(always)]
fn of_squares_or_numbers<T: Scalar, const SQUARES: bool>(
    stretch: &Stretch,
    x: &[T],
    centre: &[T; LANES],
) -> [f64; LANES] {
    let mut total = [0.0; LANES];
    for x in x.chunks(stretch.step * BLOCK) {
        let mut partial = [T::ZERO; LANES];
        for x in x.chunks(stretch.step) {
            let x = &x[stretch.range(x.len())];
            for (i, &x) in x.iter().enumerate().take(LANES) {
                let x = x - centre[i];
                partial[i] += if SQUARES { x * x } else { x };
            }
        }
        add(&mut total, &partial);
    }
    total
}

/// Σ dy and Σ dy (x − centre)
#[inline(always)]
pub(crate) fn of_gradient<T: Scalar>(
    stretch: &Stretch,
    x: &[T],
    dy: &[T],
    centre: &[T; LANES],
) -> ([f64; LANES], [f64; LANES]) {
    let (mut total, mut total_product) = ([0.0; LANES], [0.0; LANES]);
    for (x, dy) in x.chunks(stretch.step * BLOCK).zip(dy.chunks(stretch.step * BLOCK)) {
        let (mut partial, mut product) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for (x, dy) in x.chunks(stretch.step).zip(dy.chunks(stretch.step)) {
            let range = stretch.range(x.len());
            for (i, (&x, &dy)) in x[range.clone()].iter().zip(&dy[range]).enumerate().take(LANES) {
                partial[i] += dy;
                product[i] += dy * (x - centre[i]);
            }
        }
        add(&mut total, &partial);
        add(&mut total_product, &product);
    }
    (total, total_product)
}

#[inline(always)]
fn add<T: Scalar>(total: &mut [f64; LANES], partial: &[T; LANES]) {
    for (total, &partial) in total.iter_mut().zip(partial) {
        *total += partial.to_f64();
    }
}
