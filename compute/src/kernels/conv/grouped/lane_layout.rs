//! What stands side by side in the lanes of vectors.

use super::QUAD;
use super::regroup::{load_tile, read_quad, scatter_quad, store_quad, store_tile};
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector};

/// How the channels of a block of groups lie in memory, and in registers: of those that a product is summed over the left factor has
/// `ELEMENTS` elements each; those that come out stand in tiles of C vectors.
///
/// # Safety of all methods
/// pointers are good for the channels of the groups, or of the tile.
#[allow(clippy::missing_safety_doc)]
pub(super) trait LaneLayout<T: Elementary, S: Simd<T>> {
    /// Groups whose channels stand in the lanes together. A block has several such parts where what a pixel has of one would be too
    /// little to read at once: pixels lie far apart.
    const TOGETHER: usize;
    /// Elements that a channel of a block has in the left factor.
    const ELEMENTS: usize;

    /// Channels that come out in a tile of so many vectors.
    fn columns(vectors: usize) -> usize;
    /// The left factor in all lanes: its channel at `from`.
    unsafe fn left(simd: S, from: *const T) -> S::Vector;
    /// Reads `channels` channels of each of `groups` groups, which are contiguous, and writes the left factor: channel c
    /// at `c · step`.
    unsafe fn write_left(simd: S, from: *const T, group: [usize; 2], to: *mut T, step: usize);
    /// Reads a tile of the `channels` channels of each of `groups` groups; zeros where there is none.
    unsafe fn read<const C: usize>(simd: S, from: *const T, group: [usize; 2], tile: usize) -> [S::Vector; C];
    /// Writes a tile back among the other channels.
    unsafe fn write<const C: usize>(simd: S, columns: [S::Vector; C], to: *mut T, group: [usize; 2], tile: usize);
    /// Transposes a tile of the weights for the gradient of the input. Each of the `channels` channels has a row of weights, `row`
    /// elements apart, with the `count` filters of each group; each filter gets the tile's vectors of channels, filter f at
    /// `f · step`.
    #[allow(clippy::too_many_arguments)]
    unsafe fn transpose<const C: usize>(
        simd: S,
        from: *const T,
        row: usize,
        group: [usize; 2],
        tile: usize,
        count: usize,
        to: *mut T,
        step: usize,
    );
}

/// A group in each lane: its channels are apart, any number of them. What comes in and goes out is transposed from `[group][channel]` to
/// `[channel][group]`.
pub(super) struct GroupsInLanes;

/// Channels of one group in the lanes, as they lie in memory.
pub(super) struct ChannelsInLanes;

impl<T: Elementary, S: Simd<T>> LaneLayout<T, S> for GroupsInLanes {
    const TOGETHER: usize = S::LANES;
    const ELEMENTS: usize = S::LANES;

    #[inline(always)]
    fn columns(vectors: usize) -> usize {
        vectors
    }
    #[inline(always)]
    unsafe fn left(simd: S, from: *const T) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe { simd.load_at(from) }
    }
    #[inline(always)]
    unsafe fn write_left(simd: S, from: *const T, group: [usize; 2], to: *mut T, step: usize) {
        let channels = group[1];
        for quad in 0..channels.div_ceil(QUAD) {
            // SAFETY: the caller's promise.
            unsafe { store_quad(read_quad::<T, S>(simd, from, channels, group, quad), quad, channels, to, step) };
        }
    }
    #[inline(always)]
    unsafe fn read<const C: usize>(simd: S, from: *const T, group: [usize; 2], tile: usize) -> [S::Vector; C] {
        const { assert!(C == QUAD, "four columns are transposed together") };
        // SAFETY: the caller's promise.
        let columns = unsafe { read_quad::<T, S>(simd, from, group[1], group, tile) };
        let mut all = [columns[0]; C];
        all.copy_from_slice(&columns);
        all
    }
    #[inline(always)]
    unsafe fn write<const C: usize>(_simd: S, columns: [S::Vector; C], to: *mut T, group: [usize; 2], tile: usize) {
        const { assert!(C == QUAD, "four columns are transposed together") };
        // SAFETY: the caller's promise.
        unsafe { scatter_quad([columns[0], columns[1], columns[2], columns[3]], group, tile, to) };
    }
    #[inline(always)]
    unsafe fn transpose<const C: usize>(
        simd: S,
        from: *const T,
        row: usize,
        group: [usize; 2],
        tile: usize,
        count: usize,
        to: *mut T,
        step: usize,
    ) {
        for column in 0..C {
            let channel = tile * C + column;
            for quad in 0..count.div_ceil(QUAD) {
                // SAFETY: the caller's promise.
                unsafe {
                    let vectors = if channel < group[1] {
                        read_quad::<T, S>(simd, from.add(channel * row), count, [group[0], count], quad)
                    } else {
                        [simd.splat(T::ZERO); QUAD]
                    };
                    store_quad(vectors, quad, count, to.add(column * S::LANES), step);
                }
            }
        }
    }
}

impl<T: Elementary, S: Simd<T>> LaneLayout<T, S> for ChannelsInLanes {
    const TOGETHER: usize = 1;
    const ELEMENTS: usize = 1;

    #[inline(always)]
    fn columns(vectors: usize) -> usize {
        vectors * S::LANES
    }
    #[inline(always)]
    unsafe fn left(simd: S, from: *const T) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe { simd.splat(*from) }
    }
    #[inline(always)]
    unsafe fn write_left(simd: S, from: *const T, group: [usize; 2], to: *mut T, step: usize) {
        debug_assert_eq!(step, 1, "channels lie together");
        // SAFETY: the caller's promise; masks keep the last vector inside.
        unsafe {
            for channel in (0..group[1]).step_by(S::LANES) {
                if channel + S::LANES <= group[1] {
                    simd.load_at(from.add(channel)).store_at(to.add(channel));
                } else {
                    let mask = simd.mask(group[1] - channel);
                    simd.load_masked(from.add(channel), mask).store_masked(to.add(channel), mask);
                }
            }
        }
    }
    #[inline(always)]
    unsafe fn read<const C: usize>(simd: S, from: *const T, group: [usize; 2], tile: usize) -> [S::Vector; C] {
        // SAFETY: the caller's promise; masks keep the last vector inside.
        unsafe {
            if (tile + 1) * C * S::LANES <= group[1] {
                return load_tile(simd, from.add(tile * C * S::LANES));
            }
            let mut vectors = [simd.splat(T::ZERO); C];
            for (n, vector) in vectors.iter_mut().enumerate() {
                let channel = (tile * C + n) * S::LANES;
                if channel + S::LANES <= group[1] {
                    *vector = simd.load_at(from.add(channel));
                } else if channel < group[1] {
                    *vector = simd.load_masked(from.add(channel), simd.mask(group[1] - channel));
                }
            }
            vectors
        }
    }
    #[inline(always)]
    unsafe fn write<const C: usize>(simd: S, columns: [S::Vector; C], to: *mut T, group: [usize; 2], tile: usize) {
        // SAFETY: the caller's promise; masks keep the last vector inside.
        unsafe {
            if (tile + 1) * C * S::LANES <= group[1] {
                return store_tile(columns, to.add(tile * C * S::LANES));
            }
            for (n, vector) in columns.into_iter().enumerate() {
                let channel = (tile * C + n) * S::LANES;
                if channel + S::LANES <= group[1] {
                    vector.store_at(to.add(channel));
                } else if channel < group[1] {
                    vector.store_masked(to.add(channel), simd.mask(group[1] - channel));
                }
            }
        }
    }
    #[inline(always)]
    unsafe fn transpose<const C: usize>(
        simd: S,
        from: *const T,
        row: usize,
        group: [usize; 2],
        tile: usize,
        count: usize,
        to: *mut T,
        step: usize,
    ) {
        for vector in 0..C {
            let channel = (tile * C + vector) * S::LANES;
            let rows = S::LANES.min(group[1].saturating_sub(channel));
            for quad in 0..count.div_ceil(QUAD) {
                // SAFETY: the caller's promise; there are `rows` channels, or none is read.
                unsafe {
                    let vectors = if rows > 0 {
                        read_quad::<T, S>(simd, from.add(channel * row), row, [rows, count], quad)
                    } else {
                        [simd.splat(T::ZERO); QUAD]
                    };
                    store_quad(vectors, quad, count, to.add(vector * S::LANES), step);
                }
            }
        }
    }
}
