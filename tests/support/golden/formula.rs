//! Weights and images from a formula, which other programs can compute too.

fn splitmix64(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Returns element `index` of tensor `tensor`, from 0 to 1.
fn unit(tensor: u64, index: usize) -> f64 {
    (splitmix64(tensor << 32 | index as u64) >> 40) as f64 / f64::from(1 << 24)
}

/// Returns an element of a tensor of weights or statistics.
pub(super) fn weight(tensor: u64, index: usize, kind: &str, gain: f64, fan_in: f64) -> f32 {
    let u = unit(tensor, index);
    match kind {
        "gamma" | "var" => (0.5 + u) as f32,
        "bias" | "beta" | "mean" => ((2.0 * u - 1.0) * 0.1) as f32,
        _ => ((2.0 * u - 1.0) * (gain * (3.0 / fan_in).sqrt())) as f32,
    }
}

/// Returns an element of the images; the index counts through all of them.
pub(super) fn pixel(index: usize, scale: f64) -> f32 {
    ((2.0 * unit(0xFFFF, index) - 1.0) * scale) as f32
}
