//! An image or weights read for the kernels, a range of groups at a time, in the layout that it has.

use super::super::correlate::{Correlation, extent};
use super::GroupRange;
use super::lane_layout::LaneLayout;
use super::regroup::store_tile;
use crate::kernels::elementary::Elementary;
use crate::simd::Simd;

/// Reads the channels of a range of groups, and writes them in tiles of `C` vectors, which are `apart`.
///
/// # Safety
/// `from` is good for all channels of the groups, and `to` for the tiles.
#[inline(always)]
pub(super) unsafe fn gather_tiles<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>, const C: usize>(
    simd: S,
    from: *const T,
    group: [usize; 2],
    to: *mut T,
    apart: usize,
) {
    for tile in 0..group[1].div_ceil(A::columns(C)) {
        // SAFETY: the caller's promise.
        unsafe { store_tile(A::read::<C>(simd, from, group, tile), to.add(tile * apart)) };
    }
}

/// A part of an image as a left factor: the elements from a row, from a pixel and from a channel to the next.
#[derive(Clone, Copy)]
pub(super) struct Band {
    pub(super) row: usize,
    pub(super) pixel: usize,
    pub(super) channel: usize,
    /// From a part of the range to the next.
    pub(super) part: usize,
}

/// Pixels that are asked for before they are read: they are far apart, in pages of their own.
const AHEAD: usize = 8;

/// Writes what `rows` rows of positions from `first` read, with zeros outside the image, for a range of groups. Of `walk.channels`, the
/// first counts.
///
/// # Safety
/// `to` is good for the rows that the windows cover.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub(super) unsafe fn gather_band<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>>(
    simd: S,
    walk: &Correlation,
    range: GroupRange,
    channels: usize,
    image: &[T],
    [first, rows]: [usize; 2],
    to: *mut T,
    band: Band,
) {
    let [height, width, all] = walk.source;
    let [parts, together] = range.parts::<T, S, A>();
    let columns = extent(walk.positions[1], walk.step[1], walk.taps[1], walk.tap_step[1]);
    let top = (first * walk.step[0]).cast_signed() - walk.before[0];
    let (zeros, inside) = walk.columns_inside();
    assert!(
        image.len() >= height * width * all && walk.channels[0] + range.groups * channels <= all,
        "groups of the image"
    );
    for i in 0..extent(rows, walk.step[0], walk.taps[0], walk.tap_step[0]) {
        let y = top + i.cast_signed();
        let inside = if y < 0 || y >= height.cast_signed() { 0..0 } else { inside.clone() };
        let zeros = if inside.is_empty() { columns } else { zeros };
        // SAFETY: `inside` lies in the image's width, y in its height; the rest is the caller's promise.
        unsafe {
            let to = to.add(i * band.row);
            for column in (0..zeros).chain(zeros + inside.len()..columns) {
                for (part, channel) in (0..parts).flat_map(|part| (0..channels).map(move |channel| (part, channel))) {
                    let to = to.add(part * band.part + column * band.pixel + channel * band.channel);
                    for number in 0..A::ELEMENTS {
                        *to.add(number) = T::ZERO;
                    }
                }
            }
            for column in inside.clone() {
                let from = image.as_ptr().add((y.cast_unsigned() * width + column) * all + walk.channels[0]);
                let to = to.add((zeros + column - inside.start) * band.pixel);
                for part in 0..parts {
                    let from = from.add(part * A::TOGETHER * channels);
                    simd.prefetch(from.wrapping_add(AHEAD * all));
                    A::write_left(simd, from, [together, channels], to.add(part * band.part), band.channel);
                }
            }
        }
    }
}
