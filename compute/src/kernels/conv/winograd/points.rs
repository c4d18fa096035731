//! The points at which polynomials are multiplied, and what follows from them.
//!
//! They are 0, some with both signs, and ∞. All of them and their squares are exact in single precision. Of those that are, these round the
//! least: their powers stay near 1.

/// The most points with both signs.
pub(super) const PAIRS: usize = 3;

/// Those of a patch of so many inputs that have both signs.
pub(super) const fn points(patch: usize) -> &'static [f64] {
    match patch {
        4 => &[1.0],
        6 => &[0.75, 1.5],
        _ => &[0.5, 1.0, 2.0],
    }
}

/// The coefficients of Π (x² - p²) in powers of x²: for each point, the product over the others; last, that over all.
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

/// The powers of each point, from the 0th on.
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

/// Row `place` of G for a filter of so many taps: what tap `tap` along an axis of a patch adds.
pub(super) fn filter_factor(patch: usize, taps: usize, place: usize, tap: usize) -> f64 {
    if place + 1 == patch {
        return if tap + 1 == taps { 1.0 } else { 0.0 };
    }
    let at = |place: usize| match place {
        0 => 0.0,
        _ => points(patch)[(place - 1) / 2] * if place % 2 == 1 { 1.0 } else { -1.0 },
    };
    let others = (0..patch - 1).filter(|&other| other != place).map(|other| at(place) - at(other));
    (0..tap).fold(1.0, |power, _| power * at(place)) / others.product::<f64>()
}
