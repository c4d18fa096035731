//! From groups one behind the other to groups side by side, and back.
//!
//! A pixel holds its channels as `[group][channel]`; the kernels want `[channel][group]`, so that each lane of a vector is a
//! group. Four channels of a vector's groups are turned at once.

use super::super::correlate::{Correlation, extent};
use super::arrangement::Arrangement;
use super::{Block, LANES, QUAD};
use crate::gemm::vector::Vector;
use crate::scalar::Scalar;

/// Reads quad `quad` of `channels` channels of each of `groups` groups, which are `apart`; zeros where there is none.
///
/// # Safety
/// The processor has the instructions of `V`; `from` is good for all channels of the groups.
#[inline(always)]
pub(super) unsafe fn read_quad<T: Scalar, V: Vector<T>>(
    from: *const T,
    apart: usize,
    [groups, channels]: [usize; 2],
    quad: usize,
) -> [V; QUAD] {
    let width = QUAD.min(channels - quad * QUAD);
    // SAFETY: the caller's promise.
    unsafe {
        let from = from.add(quad * QUAD);
        if groups == V::LANES && width == QUAD {
            return V::load_columns(from, apart);
        }
        let mut rows = [T::ZERO; QUAD * LANES];
        for group in 0..groups {
            for channel in 0..width {
                rows[group * QUAD + channel] = *from.add(group * apart + channel);
            }
        }
        V::load_columns(rows.as_ptr(), QUAD)
    }
}

/// Writes the vectors of quad `quad` of `count` numbers, `step` apart from one to the next.
///
/// # Safety
/// The processor has the instructions of `V`; `to` is good for `count` vectors.
#[inline(always)]
pub(super) unsafe fn store_quad<T: Scalar, V: Vector<T>>(
    vectors: [V; QUAD],
    quad: usize,
    count: usize,
    to: *mut T,
    step: usize,
) {
    for (left, vector) in vectors.into_iter().enumerate() {
        if quad * QUAD + left < count {
            // SAFETY: the caller's promise.
            unsafe { vector.store(to.add((quad * QUAD + left) * step)) };
        }
    }
}

/// Writes quad `quad` of `channels` channels of each of `groups` groups back among the others.
///
/// # Safety
/// The processor has the instructions of `V`; `to` is good for the first channel of all the groups.
#[inline(always)]
pub(super) unsafe fn scatter_quad<T: Scalar, V: Vector<T>>(
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

/// Reads the channels of a block of groups, and writes them in tiles of `C` vectors, which are `apart`.
///
/// # Safety
/// The processor has the instructions of `V`; `from` is good for all channels of the groups, and `to` for the tiles.
#[inline(always)]
pub(super) unsafe fn gather_tiles<T: Scalar, V: Vector<T>, A: Arrangement<T, V>, const C: usize>(
    from: *const T,
    group: [usize; 2],
    to: *mut T,
    apart: usize,
) {
    for tile in 0..group[1].div_ceil(A::columns(C)) {
        // SAFETY: the caller's promise.
        unsafe { store_tile::<T, V, C>(A::read::<C>(from, group, tile), to.add(tile * apart)) };
    }
}

/// # Safety
/// The processor has the instructions of `V`; `to` is good for the vectors.
#[inline(always)]
pub(super) unsafe fn store_tile<T: Scalar, V: Vector<T>, const C: usize>(vectors: [V; C], to: *mut T) {
    for (n, vector) in vectors.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { vector.store(to.add(n * V::LANES)) };
    }
}

/// # Safety
/// The processor has the instructions of `V`; `from` is good for the vectors.
#[inline(always)]
pub(super) unsafe fn load_tile<T: Scalar, V: Vector<T>, const C: usize>(from: *const T) -> [V; C] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut vectors = [V::splat(T::ZERO); C];
        for (n, vector) in vectors.iter_mut().enumerate() {
            *vector = V::load(from.add(n * V::LANES));
        }
        vectors
    }
}

/// A part of an image as a left factor: the numbers from a row, from a pixel and from a channel to the next.
#[derive(Clone, Copy)]
pub(super) struct Band {
    pub(super) row: usize,
    pub(super) pixel: usize,
    pub(super) channel: usize,
    /// From a part of the block to the next.
    pub(super) part: usize,
}

/// Pixels that are asked for before they are read: they are far apart, in pages of their own.
const AHEAD: usize = 8;

/// Writes what `rows` rows of positions from `first` read, with zeros outside the image, for a block of groups. Of `walk.channels`, the
/// first counts.
///
/// # Safety
/// The processor has the instructions of `V`; `to` is good for the rows that the windows cover.
#[inline(always)]
pub(super) unsafe fn gather_band<T: Scalar, V: Vector<T>, A: Arrangement<T, V>>(
    walk: &Correlation,
    block: Block,
    channels: usize,
    image: &[T],
    [first, rows]: [usize; 2],
    to: *mut T,
    band: Band,
) {
    let [height, width, all] = walk.source;
    let [parts, together] = block.parts::<T, V, A>();
    let columns = extent(walk.positions[1], walk.step[1], walk.taps[1], walk.tap_step[1]);
    let top = (first * walk.step[0]).cast_signed() - walk.before[0];
    let (zeros, inside) = walk.columns_inside();
    assert!(
        image.len() >= height * width * all && walk.channels[0] + block.groups * channels <= all,
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
                    for number in 0..A::NUMBERS {
                        *to.add(number) = T::ZERO;
                    }
                }
            }
            for column in inside.clone() {
                let from = image.as_ptr().add((y.cast_unsigned() * width + column) * all + walk.channels[0]);
                let to = to.add((zeros + column - inside.start) * band.pixel);
                for part in 0..parts {
                    let from = from.add(part * A::TOGETHER * channels);
                    V::prefetch(from.wrapping_add(AHEAD * all));
                    A::write_left(from, [together, channels], to.add(part * band.part), band.channel);
                }
            }
        }
    }
}
