//! The interpolation points of Winograd's algorithm, and the constants that follow from them.
//!
//! They are 0, some pairs ±p, and ∞. All points and their squares are exact in single precision. Among the exact ones these round the
//! least: their powers stay near 1.

/// The maximum number of pairs ±p.
pub(super) const PAIRS: usize = 3;

/// Returns the positive points p of the pairs ±p for a patch of `patch` inputs.
pub(super) const fn points(patch: usize) -> &'static [f64] {
    match patch {
        4 => &[1.0],
        6 => &[0.75, 1.5],
        _ => &[0.5, 1.0, 2.0],
    }
}

/// Returns the coefficients of Π (x² - p²) in powers of x²: for each point, the product over the other points; last, the product over all.
pub(super) const fn polynomials(patch: usize) -> [[f64; PAIRS + 1]; PAIRS + 1] {
    let (points, mut all) = (points(patch), [[0.0; PAIRS + 1]; PAIRS + 1]);
    let mut left_out = 0;
    while left_out <= PAIRS {
        let product = &mut all[left_out];
        product[0] = 1.0;
        let mut point = 0;
        while point < points.len() {
            let mut power = if point == left_out { 0 } else { PAIRS + 1 };
            while power > 0 {
                power -= 1;
                let lower = if power > 0 { product[power - 1] } else { 0.0 };
                product[power] = lower - points[point] * points[point] * product[power];
            }
            point += 1;
        }
        left_out += 1;
    }
    all
}

/// Returns the powers of each point, from the 0th.
pub(super) const fn powers<const COUNT: usize>(patch: usize) -> [[f64; COUNT]; PAIRS] {
    let (points, mut all) = (points(patch), [[1.0; COUNT]; PAIRS]);
    let mut point = 0;
    while point < points.len() {
        let mut power = 1;
        while power < COUNT {
            all[point][power] = points[point] * all[point][power - 1];
            power += 1;
        }
        point += 1;
    }
    all
}

/// Returns element (`point`, `tap`) of G for a filter of `taps` taps along an axis.
pub(super) fn filter_factor(patch: usize, taps: usize, point: usize, tap: usize) -> f64 {
    if point + 1 == patch {
        return if tap + 1 == taps { 1.0 } else { 0.0 };
    }
    let at = |point: usize| match point {
        0 => 0.0,
        _ => points(patch)[(point - 1) / 2] * if point % 2 == 1 { 1.0 } else { -1.0 },
    };
    let others = (0..patch - 1).filter(|&other| other != point).map(|other| at(point) - at(other));
    (0..tap).fold(1.0, |power, _| power * at(point)) / others.product::<f64>()
}
