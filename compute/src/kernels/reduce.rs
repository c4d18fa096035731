//! Reductions of a slice in sixteen lanes: a sum from left to right cannot be vectorised, and rounds worse. A slice shorter than the lanes
//! is summed from left to right, and a slice too long for one accumulator per lane in partial sums. One loop serves one or more partial
//! sums: most slices have only one, and adding it to −0 changes nothing.

use super::parts::PART;
use crate::scalar::Scalar;

const LANES: usize = 16;

/// The elements of a partial sum of all lanes.
const WHOLE: usize = PART * LANES;

/// Σ xᵢ
#[inline(always)]
pub(crate) fn sum<T: Scalar>(x: &[T]) -> T {
    let mut sum = -0.0;
    for x in x.chunks(WHOLE) {
        sum += partial_sum(x).to_f64();
    }
    T::from_f64(sum)
}

#[inline(always)]
fn partial_sum<T: Scalar>(x: &[T]) -> T {
    if x.len() < LANES {
        return x.iter().copied().sum();
    }
    let mut lanes = [T::ZERO; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x;
    }
    fold(lanes)
}

/// Σ xᵢ yᵢ
#[inline(always)]
pub(crate) fn dot<T: Scalar>(x: &[T], y: &[T]) -> T {
    dot_centred(x, y, T::ZERO)
}

/// Σ xᵢ (yᵢ − centre)
#[inline(always)]
pub(crate) fn dot_centred<T: Scalar>(x: &[T], y: &[T], centre: T) -> T {
    let mut sum = -0.0;
    for (x, y) in x.chunks(WHOLE).zip(y.chunks(WHOLE)) {
        sum += partial_dot(x, y, centre).to_f64();
    }
    T::from_f64(sum)
}

#[inline(always)]
fn partial_dot<T: Scalar>(x: &[T], y: &[T], centre: T) -> T {
    if x.len() < LANES {
        return x.iter().zip(y).map(|(&x, &y)| x * (y - centre)).sum();
    }
    let mut lanes = [T::ZERO; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let (rest_x, rest_y) = (xs.remainder(), ys.remainder());
    for (x, y) in xs.zip(ys) {
        for (lane, (&x, &y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * (y - centre);
        }
    }
    for (lane, (&x, &y)) in lanes.iter_mut().zip(rest_x.iter().zip(rest_y)) {
        *lane += x * (y - centre);
    }
    fold(lanes)
}

/// Σ (xᵢ − centre)²
#[inline(always)]
pub(crate) fn sum_of_squares<T: Scalar>(x: &[T], centre: T) -> T {
    let mut sum = -0.0;
    for x in x.chunks(WHOLE) {
        sum += partial_sum_of_squares(x, centre).to_f64();
    }
    T::from_f64(sum)
}

#[inline(always)]
fn partial_sum_of_squares<T: Scalar>(x: &[T], centre: T) -> T {
    if x.len() < LANES {
        return x.iter().map(|&x| (x - centre) * (x - centre)).sum();
    }
    let mut lanes = [T::ZERO; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += (x - centre) * (x - centre);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += (x - centre) * (x - centre);
    }
    fold(lanes)
}

/// Returns the largest element; −∞ for an empty slice.
#[inline(always)]
pub(crate) fn maximum<T: Scalar>(x: &[T]) -> T {
    if x.len() < LANES {
        let least = T::from_f64(f64::NEG_INFINITY);
        return x.iter().fold(least, |largest, &x| if x > largest { x } else { largest });
    }
    let mut lanes = [T::from_f64(f64::NEG_INFINITY); LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = if x > *lane { x } else { *lane };
    }
    lanes.into_iter().fold(lanes[0], |a, b| if b > a { b } else { a })
}

#[inline(always)]
fn fold<T: Scalar>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}
