//! Reads of images and weights in a lane layout, one range of groups at a time.

use super::super::correlate::{Correlation, extent};
use super::GroupRange;
use super::lane_layout::LaneLayout;
use super::regroup::store_tile;
use crate::kernels::elementary::Elementary;
use crate::simd::Simd;

/// Reads the channels of some groups, and stores them as tiles of `C` vectors, `apart` elements apart.
///
/// # Safety
/// `from` is valid for reads of all channels of the groups, and `to` for writes of the tiles.
#[inline(always)]
pub(super) unsafe fn gather_tiles<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const C: usize>(
    simd: S,
    from: *const T,
    group: [usize; 2],
    to: *mut T,
    apart: usize,
) {
    for tile in 0..group[1].div_ceil(A::columns(C)) {
        // SAFETY: the caller guarantees the channels of the groups at `from`, and the tiles at `to`.
        unsafe { store_tile(A::read::<C>(simd, from, group, tile), to.add(tile * apart)) };
    }
}

/// The layout of a band of an image as the left operand: the distances between rows, pixels and channels, in elements.
#[derive(Clone, Copy)]
pub(super) struct Band {
    pub(super) row: usize,
    pub(super) pixel: usize,
    pub(super) channel: usize,
    /// The distance between lane blocks.
    pub(super) lane_block: usize,
}

/// The distance of prefetches in pixels: pixels are far apart, in pages of their own.
const AHEAD: usize = 8;

/// Copies the inputs of `rows` rows of positions from `first` on, with zeros outside the image, for a range of groups. Only the first of
/// `correlation.channels` is used.
///
/// # Safety
/// `to` is valid for writes of the rows that the windows cover.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub(super) unsafe fn gather_band<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>>(
    simd: S,
    correlation: &Correlation,
    range: GroupRange,
    channels: usize,
    image: &[T],
    [first, rows]: [usize; 2],
    to: *mut T,
    band: Band,
) {
    let [height, width, all] = correlation.source;
    let [lane_blocks, together] = range.lane_blocks::<T, S, A>();
    let columns = extent(correlation.positions[1], correlation.step[1], correlation.taps[1], correlation.tap_step[1]);
    let top = (first * correlation.step[0]).cast_signed() - correlation.before[0];
    let (zeros, inside) = correlation.columns_inside();
    assert!(
        image.len() >= height * width * all && correlation.channels[0] + range.groups * channels <= all,
        "groups of the image"
    );
    for i in 0..extent(rows, correlation.step[0], correlation.taps[0], correlation.tap_step[0]) {
        let y = top + i.cast_signed();
        let inside = if y < 0 || y >= height.cast_signed() { 0..0 } else { inside.clone() };
        let zeros = if inside.is_empty() { columns } else { zeros };
        // SAFETY: `inside` is within the image's width, y within its height, and the assertion above covers the channels; the caller
        // guarantees that `to` has the rows.
        unsafe {
            let to = to.add(i * band.row);
            for column in (0..zeros).chain(zeros + inside.len()..columns) {
                for (lane_block, channel) in
                    (0..lane_blocks).flat_map(|lane_block| (0..channels).map(move |channel| (lane_block, channel)))
                {
                    let to = to.add(lane_block * band.lane_block + column * band.pixel + channel * band.channel);
                    for element in 0..A::ELEMENTS {
                        *to.add(element) = T::ZERO;
                    }
                }
            }
            for column in inside.clone() {
                let from = image.as_ptr().add((y.cast_unsigned() * width + column) * all + correlation.channels[0]);
                let to = to.add((zeros + column - inside.start) * band.pixel);
                for lane_block in 0..lane_blocks {
                    let from = from.add(lane_block * A::GROUPS * channels);
                    simd.prefetch(from.wrapping_add(AHEAD * all));
                    A::write_left(simd, from, [together, channels], to.add(lane_block * band.lane_block), band.channel);
                }
            }
        }
    }
}
