//! The Euclidean norm of a vector, √Σx²: the only code that takes the root of a sum of squares.

use crate::scalar::Precision;

/// A norm, as the product of two factors: it may be larger than an `f64` can hold, although no element of the vector is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    scale: f64,
    relative: f64,
}

/// The sums of squares within which no relevant square has overflowed or lost digits.
const SAFE: std::ops::RangeInclusive<f64> = 1e-270..=1e300;

/// Computes the Euclidean norm of a vector. Where squares would overflow or underflow, elements are first divided by a power of two near the
/// largest, as in LAPACK's `dlassq`. A NaN gives NaN, an infinite element infinity. Sums are in `f64` and in a fixed order.
pub fn norm<T: Precision>(elements: &[T]) -> Norm {
    let squares = sum_of_squares(elements, 1.0);
    if SAFE.contains(&squares) || squares.is_nan() {
        return Norm { scale: 1.0, relative: squares.sqrt() };
    }
    let largest = elements.iter().fold(0.0, |largest: f64, element| largest.max(element.to_f64().abs()));
    if largest == 0.0 || largest.is_infinite() {
        return Norm { scale: largest, relative: 1.0 };
    }
    // Only the exponent of the largest element: division by a power of two does not round.
    let scale = f64::from_bits(largest.to_bits() & f64::INFINITY.to_bits()).max(f64::MIN_POSITIVE);
    Norm { scale, relative: sum_of_squares(elements, scale).sqrt() }
}

/// Computes the norm of a vector from the norms of its parts.
pub fn norm_of_parts(parts: impl Iterator<Item = Norm> + Clone) -> Norm {
    let scale = parts.clone().map(|part| part.scale).fold(0.0, f64::max);
    if scale == 0.0 || scale.is_infinite() {
        return Norm { scale, relative: 1.0 };
    }
    let relative: Vec<f64> = parts.map(|part| part.relative * (part.scale / scale)).collect();
    Norm { scale, relative: norm(&relative).length() }
}

impl Norm {
    /// Returns the norm; infinite if it is larger than an `f64` can hold.
    pub fn length(self) -> f64 {
        self.scale * self.relative
    }

    /// Returns the root mean square of `count` elements.
    pub fn root_mean_square(self, count: usize) -> f64 {
        self.scale * (self.relative / (count.max(1) as f64).sqrt())
    }

    /// Returns two factors whose successive application limits the norm of a vector with this norm to `limit`. A NaN is passed on.
    pub fn shorten<T: Precision>(self, limit: f64) -> [T; 2] {
        if self.length() <= limit {
            return [T::ONE; 2];
        }
        let factor = limit / self.scale / self.relative;
        // A very small factor would be subnormal or 0 in `T`, so it is split in two.
        let step = 2.0_f64.powi(if T::EPSILON > f64::EPSILON { 80 } else { 512 });
        if factor > 1.0 / step || factor == 0.0 && self.scale.is_infinite() {
            return [T::from_f64(factor), T::ONE];
        }
        [T::from_f64(limit * step / self.scale / self.relative), T::from_f64(1.0 / step)]
    }
}

#[inline(always)] // Folds the division by 1.
fn sum_of_squares<T: Precision>(elements: &[T], scale: f64) -> f64 {
    // Eight independent sums, which vectorise.
    let mut sums = [0.0_f64; 8];
    let mut add = |elements: &[T]| {
        for (sum, element) in sums.iter_mut().zip(elements) {
            let element = element.to_f64() / scale;
            *sum += element * element;
        }
    };
    let (chunks, rest) = elements.as_chunks::<8>();
    chunks.iter().for_each(|chunk| add(chunk));
    add(rest);
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-15 || found == expected, "{found} {expected}");
    }

    #[test]
    fn a_length_neither_overflows_nor_underflows() {
        for size in [5e-320, 1e-300, 1e-200, 1e-160, 1e-20, 1.0, 1e20, 1e160, 1e200, 1e307] {
            let exact = |factor: f64| factor * size;
            let found = norm(&[exact(3.0), -exact(4.0)]).length();
            assert!((found / exact(5.0) - 1.0).abs() < if size < 1e-307 { 1e-3 } else { 1e-15 }, "{size}: {found}");
            is(norm(&[size; 100]).root_mean_square(100), size);
        }
        is(norm(&[3e38_f32, 0.0, 3e38]).length(), f64::from(3e38_f32) * 2.0_f64.sqrt());
        is(norm(&[3e-45_f32]).length(), f64::from(3e-45_f32));
        is(norm(&[1e-200, 1.0]).length(), 1.0);
        is(norm::<f64>(&[]).length(), 0.0);
        is(norm(&[0.0_f64; 9]).length(), 0.0);
        assert!(norm(&[1e300, f64::NAN]).length().is_nan() && norm(&[f64::INFINITY, f64::NAN]).length().is_nan());
        assert_eq!(norm(&[1.0, f64::NEG_INFINITY]).length(), f64::INFINITY);
        assert_eq!(norm(&[1.7e308; 4]).length(), f64::INFINITY, "more than there are numbers for");
        is(norm(&[1.7e308; 4]).root_mean_square(4), 1.7e308);
    }

    #[test]
    fn the_factors_of_a_limit_keep_their_digits() {
        fn check<T: Precision>(elements: [f64; 2], limit: f64) {
            let [a, b] = elements.map(T::from_f64);
            let [first, second] = norm(&[a, b]).shorten::<T>(limit);
            let shortened = [a * first * second, b * first * second];
            let found = norm(&shortened).length();
            assert!((found / limit - 1.0).abs() < 4.0 * T::EPSILON, "{elements:?} to {limit}: {shortened:?}");
        }
        for limit in [1e-100, 1e-6, 1.0, 100.0] {
            for size in [1e3, 1e100, 1e200, 1e300, 1.7e308] {
                check::<f64>([size, size], limit);
            }
        }
        for limit in [1e-20, 1e-6, 1.0, 100.0] {
            for size in [1e3, 1e20, 1e38, 3.4e38] {
                check::<f32>([size, -size], limit);
            }
        }
        assert_eq!(norm(&[3.0, 4.0]).shorten::<f64>(5.0), [1.0, 1.0]);
        assert_eq!(norm(&[1e-200_f64]).shorten::<f64>(1e-300)[1], 1.0);
        assert!(norm(&[f64::NAN]).shorten::<f64>(1.0)[0].is_nan());
        let [first, second] = norm(&[f64::INFINITY]).shorten::<f64>(1.0);
        assert!((f64::INFINITY * first * second).is_nan(), "an infinite gradient has no direction");
    }
}
