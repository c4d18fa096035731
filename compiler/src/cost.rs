//! The cost model of kernels: estimates the time of a candidate for one image from its work and from measured times per unit of work.
//! Only the order of candidates matters, and it differs little between processors with SIMD vectors and caches.
//!
//! `cargo bench -p netwright-compute --features std --bench selection` prints the constants of the machine it runs on. The constants below
//! were measured in single precision on one thread of an AMD EPYC 9004 (Zen 4) at 3.7 GHz with AVX-512, for images of 7x7 to 64x64.

/// The work of a kernel for one image. A count is a fraction where several images of a batch share the work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiply-adds in register tiles, including idle lanes and rows.
    pub lanes: f64,
    /// Calls of matrix products: one for each row of windows, or for each single window.
    pub calls: f64,
    /// Stored register tiles of six rows by sixteen columns.
    pub tiles: f64,
    /// Copied elements of images, including padding.
    pub copied: f64,
    /// Transformed elements of tiles, including the reads and writes before and after the transform.
    pub transformed: f64,
    /// Weights that are packed in the pass.
    pub packed: f64,
    /// Weights that are packed once for all passes of a step.
    pub prepared: f64,
    /// Weights that are read from beyond the L2 cache.
    pub read: f64,
    /// Elements of gradients of weights that are read and written beyond the L2 cache.
    pub updated: f64,
}

/// Nanoseconds per multiply-add of one lane.
pub const LANE: f64 = 0.0183;
/// Nanoseconds per call of a matrix product.
pub const CALL: f64 = 50.0;
/// Nanoseconds per register tile, without its multiply-adds.
pub const TILE: f64 = 7.0;
/// Nanoseconds per copied element.
pub const COPIED: f64 = 0.08;
/// Nanoseconds per transformed element.
pub const TRANSFORMED: f64 = 0.2;
/// Nanoseconds per packed element.
pub const PACKED: f64 = 0.8;
/// Nanoseconds per weight that is read from beyond the L2 cache.
pub const READ: f64 = 0.12;
/// Nanoseconds per element of a gradient that is read and written beyond the L2 cache.
pub const UPDATED: f64 = 0.4;

/// The capacity of an L2 cache, in single-precision elements.
pub const CACHED: usize = 256 * 1024;
/// The capacity of the last-level cache, in single-precision elements.
const LAST_LEVEL_CACHED: usize = 4 * 1024 * 1024;
/// The size of a training batch for which the number of micro-batches is estimated.
pub const BATCH: usize = 64;
/// The images of a training pass, which share one packing and one update.
pub const MICRO_BATCH: f64 = 8.0;

impl Work {
    /// The work if the weights are packed once for `passes` passes instead of in each pass. Packed weights that exceed the last-level cache
    /// are written to memory and read again, which takes up to twice as long.
    #[must_use]
    pub fn prepared_for(self, passes: usize, weights: usize) -> Self {
        let slowdown = if weights > LAST_LEVEL_CACHED { 2.0 } else { 1.0 };
        Self { packed: 0.0, prepared: slowdown * self.packed / passes as f64, ..self }
    }
}

/// The estimated time for one image.
pub fn nanoseconds(work: &Work) -> f64 {
    let Work { lanes, calls, tiles, copied, transformed, packed, prepared, read, updated } = *work;
    lanes * LANE
        + calls * CALL
        + tiles * TILE
        + copied * COPIED
        + transformed * TRANSFORMED
        + (packed + prepared) * PACKED
        + read * READ
        + updated * UPDATED
}

/// Whether a layer is small enough for a kernel with compile-time sizes to pay off, given its multiply-adds and the elements of an image that
/// its kernel reads and writes. Each such kernel adds to the compile time of the network.
pub fn is_small(macs: u64, elements: usize) -> bool {
    macs <= 1 << 20 && elements <= 1 << 15
}

/// `12.3 µs`
pub fn text_of_time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ..1e3 => (nanoseconds, "ns"),
        ..1e6 => (nanoseconds / 1e3, "µs"),
        ..1e9 => (nanoseconds / 1e6, "ms"),
        _ => (nanoseconds / 1e9, "s"),
    };
    let decimals = if value < 9.95 { 2 } else { usize::from(value < 99.5) };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_figures_and_a_unit() {
        let texts = [0.0, 12.34, 999.0, 1234.0, 56_789.0, 1.5e6, 2.25e9].map(text_of_time);
        assert_eq!(texts, ["0.00 ns", "12.3 ns", "999 ns", "1.23 µs", "56.8 µs", "1.50 ms", "2.25 s"]);
    }
}
