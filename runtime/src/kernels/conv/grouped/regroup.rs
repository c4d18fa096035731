//! From groups one behind the other to groups side by side, and back.
//!
//! A pixel holds its channels as `[group][channel]`; the kernels want `[channel][group]`, so that each lane of a vector is a
//! group. Four channels of a vector's groups are turned at once.

use super::super::correlate::{Correlation, extent};
use super::{LANES, QUAD};
use crate::gemm::vector::Vector;
use crate::scalar::Scalar;

/// Where the vectors of turned numbers lie: channel c at `c / QUAD · quad + c % QUAD · channel`.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) quad: usize,
    pub(super) channel: usize,
    /// Whether the last quad is filled up with zeros.
    pub(super) whole: bool,
}

/// Reads `channels` numbers of each of `groups` groups, which lie one behind the other, and writes a vector for each channel.
///
/// # Safety
/// The processor has the instructions of `V`; `from` is good for the numbers and `to` for the vectors that `layout` places.
#[inline(always)]
pub(super) unsafe fn gather<T: Scalar, V: Vector<T>>(
    from: *const T,
    [groups, channels]: [usize; 2],
    to: *mut T,
    layout: Layout,
) {
    for quad in 0..channels.div_ceil(QUAD) {
        let width = QUAD.min(channels - quad * QUAD);
        // SAFETY: the caller's promise.
        unsafe {
            let columns = read::<T, V>([groups, channels], quad, from);
            let to = to.add(quad * layout.quad);
            for (channel, column) in columns.into_iter().enumerate() {
                if layout.whole || channel < width {
                    column.store(to.add(channel * layout.channel));
                }
            }
        }
    }
}

/// Reads quad `quad` of `channels` channels of each of `groups` groups, zeros where there is none.
///
/// # Safety
/// The processor has the instructions of `V`; `from` is good for all channels of the groups.
#[inline(always)]
pub(super) unsafe fn read<T: Scalar, V: Vector<T>>(
    [groups, channels]: [usize; 2],
    quad: usize,
    from: *const T,
) -> [V; QUAD] {
    let width = QUAD.min(channels - quad * QUAD);
    // SAFETY: the caller's promise.
    unsafe {
        let from = from.add(quad * QUAD);
        if groups == V::LANES && width == QUAD {
            return V::load_columns(from, channels);
        }
        let mut rows = [T::ZERO; QUAD * LANES];
        for group in 0..groups {
            for channel in 0..width {
                rows[group * QUAD + channel] = *from.add(group * channels + channel);
            }
        }
        V::load_columns(rows.as_ptr(), QUAD)
    }
}

/// Writes quad `quad` of `channels` channels of each of `groups` groups back among the others.
///
/// # Safety
/// The processor has the instructions of `V`; `to` is good for the first channel of all the groups.
#[inline(always)]
pub(super) unsafe fn scatter<T: Scalar, V: Vector<T>>(
    columns: [V; QUAD],
    [groups, channels]: [usize; 2],
    quad: usize,
    to: *mut T,
) {
    let width = QUAD.min(channels - quad * QUAD);
    // SAFETY: the caller's promise.
    unsafe {
        let to = to.add(quad * QUAD);
        if groups == V::LANES && width == QUAD {
            return V::store_columns(columns, to, channels);
        }
        let mut rows = [T::ZERO; QUAD * LANES];
        V::store_columns(columns, rows.as_mut_ptr(), QUAD);
        for group in 0..groups {
            for channel in 0..width {
                *to.add(group * channels + channel) = rows[group * QUAD + channel];
            }
        }
    }
}

/// A part of an image, turned: where its rows and pixels lie, and the numbers of each pixel.
#[derive(Clone, Copy)]
pub(super) struct Band {
    pub(super) row: usize,
    pub(super) pixel: usize,
    pub(super) layout: Layout,
}

/// Turns what `rows` rows of positions from `first` read, with zeros outside the image. Of `walk.channels`, the first counts.
///
/// # Safety
/// The processor has the instructions of `V`; `to` is good for the rows that the windows cover.
#[inline(always)]
pub(super) unsafe fn gather_band<T: Scalar, V: Vector<T>>(
    walk: &Correlation,
    group: [usize; 2],
    image: &[T],
    [first, rows]: [usize; 2],
    to: *mut T,
    band: Band,
) {
    let [height, width, all] = walk.source;
    let columns = extent(walk.positions[1], walk.step[1], walk.taps[1], walk.tap_step[1]);
    let top = (first * walk.step[0]).cast_signed() - walk.before[0];
    let (zeros, inside) = walk.columns_inside();
    assert!(
        image.len() >= height * width * all && walk.channels[0] + group[0] * group[1] <= all,
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
                clear::<T, V>(group[1], to.add(column * band.pixel), band.layout);
            }
            for column in inside.clone() {
                let from = image.as_ptr().add((y.cast_unsigned() * width + column) * all + walk.channels[0]);
                let to = to.add((zeros + column - inside.start) * band.pixel);
                gather::<T, V>(from, group, to, band.layout);
            }
        }
    }
}

/// # Safety
/// As [`gather`].
#[inline(always)]
unsafe fn clear<T: Scalar, V: Vector<T>>(channels: usize, to: *mut T, layout: Layout) {
    let channels = if layout.whole { channels.next_multiple_of(QUAD) } else { channels };
    for channel in 0..channels {
        // SAFETY: the caller's promise.
        unsafe { V::splat(T::ZERO).store(to.add(channel / QUAD * layout.quad + channel % QUAD * layout.channel)) };
    }
}
