//! The cost model of kernels: how long a candidate takes for one image, from what it does and what each part of that took on a measured
//! machine. Only the order of candidates matters, and it changes little between processors with vectors and caches.
//!
//! `cargo bench -p netwright-compute --features std --bench selection` prints the constants of the machine it runs on. Those below were measured
//! in single precision, on one thread of an AMD EPYC 9004 (Zen 4) at 3.7 GHz with AVX-512, in images of 7x7 to 64x64.

/// What a kernel does for one image. Counts are fractions where several images of a batch share something.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiply-adds in register tiles, lanes and rows that stay idle counted.
    pub lanes: f64,
    /// Products of matrices that are called: one for each row of windows, or for each window by itself.
    pub calls: f64,
    /// Register tiles whose sums are stored, six rows by sixteen columns each.
    pub tiles: f64,
    /// Elements of images that are copied, with their padding.
    pub copied: f64,
    /// Elements of tiles that are transformed, with their share of both sides' reading and writing.
    pub transformed: f64,
    /// Elements of weights that are packed in the pass.
    pub packed: f64,
    /// Elements of weights that are packed once for all passes of a step.
    pub prepared: f64,
    /// Elements of weights that are read from beyond the second cache.
    pub read: f64,
    /// Elements of the gradients of weights that are read and written there.
    pub updated: f64,
}

/// Nanoseconds of a multiply-add of one lane.
pub const LANE: f64 = 0.0183;
/// Nanoseconds of the call of a product.
pub const CALL: f64 = 50.0;
/// Nanoseconds of a register tile, besides its multiply-adds.
pub const TILE: f64 = 7.0;
/// Nanoseconds of an element that is copied.
pub const COPIED: f64 = 0.08;
/// Nanoseconds of an element that is transformed.
pub const TRANSFORMED: f64 = 0.2;
/// Nanoseconds of an element that is packed.
pub const PACKED: f64 = 0.8;
/// Nanoseconds of an element of weights that is read from beyond the second cache.
pub const READ: f64 = 0.12;
/// Nanoseconds of an element of a gradient that is read and written there.
pub const UPDATED: f64 = 0.4;

/// Elements in single precision that a second cache holds.
pub const CACHED: usize = 256 * 1024;
/// Elements that the last cache holds.
const LAST_CACHED: usize = 4 * 1024 * 1024;
/// Images of a training batch for which the number of its micro-batches is estimated.
pub const BATCH: usize = 64;
/// Images of a training pass that share what is packed and updated once.
pub const MICRO_BATCH: f64 = 8.0;

impl Work {
    /// The same where the weights, so many, are packed once for so many passes, and not in each. What no cache holds is written to memory then
    /// and read again, which takes up to twice as long.
    #[must_use]
    pub fn prepared_for(self, passes: usize, weights: usize) -> Self {
        let longer = if weights > LAST_CACHED { 2.0 } else { 1.0 };
        Self { packed: 0.0, prepared: longer * self.packed / passes as f64, ..self }
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

/// Whether a layer is so small that its kernel pays for being compiled for its sizes: by its multiply-adds, and by the elements of an image
/// that its kernel reads and writes. Each such kernel costs every build of the network.
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
