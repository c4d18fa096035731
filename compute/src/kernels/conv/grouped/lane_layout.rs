//! The layouts of channels in the lanes of vectors.

use super::QUAD;
use super::regroup::{load_tile, read_quad, scatter_quad, store_quad, store_tile};
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector};

/// The layout of the channels of some groups in memory, and in registers. A channel of the left operand, over which a product is summed,
/// has `ELEMENTS` elements; the output channels are in tiles of C vectors.
///
/// # Safety of all methods
/// Pointers are valid for the channels of the groups, or of the tile.
#[allow(clippy::missing_safety_doc)]
pub(super) trait LaneLayout<T: Elementary, S: Simd<T>> {
    /// The groups of a lane block, whose channels share the lanes. A range of groups has several lane blocks where one has too few channels
    /// of a pixel to read at once, because pixels are far apart.
    const GROUPS: usize;
    /// Elements of a channel of a lane block in the left operand.
    const ELEMENTS: usize;

    /// Returns the output channels in a tile of `vectors` vectors.
    fn columns(vectors: usize) -> usize;
    /// Loads a channel of the left operand at `from` for all lanes.
    unsafe fn left(simd: S, from: *const T) -> S::Vector;
    /// Reads `channels` channels of each of `groups` contiguous groups and writes the left operand: channel c at `c · step`.
    unsafe fn write_left(simd: S, from: *const T, group: [usize; 2], to: *mut T, step: usize);
    /// Reads a tile of the `channels` channels of each of `groups` groups; missing lanes are zero.
    unsafe fn read<const C: usize>(simd: S, from: *const T, group: [usize; 2], tile: usize) -> [S::Vector; C];
    /// Writes a tile to its channels, and leaves the other channels unchanged.
    unsafe fn write<const C: usize>(simd: S, columns: [S::Vector; C], to: *mut T, group: [usize; 2], tile: usize);
    /// Transposes a tile of the weights for the gradient of the input. Each of the `channels` channels has a row of weights, `row` elements
    /// apart, with the `count` filters of each group; filter f becomes the tile's vectors of channels at `f · step`.
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

/// A group in each lane, with any number of channels, each in its own vector. Inputs and outputs are transposed between `[group][channel]`
/// and `[channel][group]`.
pub(super) struct GroupsInLanes;

/// Channels of one group in the lanes, in their order in memory.
pub(super) struct ChannelsInLanes;

impl<T: Elementary, S: Simd<T>> LaneLayout<T, S> for GroupsInLanes {
    const GROUPS: usize = S::LANES;
    const ELEMENTS: usize = S::LANES;

    #[inline(always)]
    fn columns(vectors: usize) -> usize {
        vectors
    }
    #[inline(always)]
    unsafe fn left(simd: S, from: *const T) -> S::Vector {
        // SAFETY: the caller guarantees a vector at `from`.
        unsafe { simd.load_at(from) }
    }
    #[inline(always)]
    unsafe fn write_left(simd: S, from: *const T, group: [usize; 2], to: *mut T, step: usize) {
        let channels = group[1];
        for quad in 0..channels.div_ceil(QUAD) {
            // SAFETY: the caller guarantees the channels of the groups at `from`, and as many vectors at `to`.
            unsafe { store_quad(read_quad::<T, S>(simd, from, channels, group, quad), quad, channels, to, step) };
        }
    }
    #[inline(always)]
    unsafe fn read<const C: usize>(simd: S, from: *const T, group: [usize; 2], tile: usize) -> [S::Vector; C] {
        const { assert!(C == QUAD, "four columns are transposed together") };
        // SAFETY: the caller guarantees the channels of the groups at `from`.
        let columns = unsafe { read_quad::<T, S>(simd, from, group[1], group, tile) };
        let mut all = [columns[0]; C];
        all.copy_from_slice(&columns);
        all
    }
    #[inline(always)]
    unsafe fn write<const C: usize>(_simd: S, columns: [S::Vector; C], to: *mut T, group: [usize; 2], tile: usize) {
        const { assert!(C == QUAD, "four columns are transposed together") };
        // SAFETY: the caller guarantees the channels of the groups at `to`.
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
                // SAFETY: the caller guarantees `channels` rows of weights at `from`, and a tile for each filter at `to`.
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
    const GROUPS: usize = 1;
    const ELEMENTS: usize = 1;

    #[inline(always)]
    fn columns(vectors: usize) -> usize {
        vectors * S::LANES
    }
    #[inline(always)]
    unsafe fn left(simd: S, from: *const T) -> S::Vector {
        // SAFETY: the caller guarantees an element at `from`.
        unsafe { simd.splat(*from) }
    }
    #[inline(always)]
    unsafe fn write_left(simd: S, from: *const T, group: [usize; 2], to: *mut T, step: usize) {
        debug_assert_eq!(step, 1, "channels lie together");
        // SAFETY: the caller guarantees the channels at `from` and `to`; masks keep the last vector inside.
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
        // SAFETY: the caller guarantees the channels at `from`; masks keep the last vector inside.
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
        // SAFETY: the caller guarantees the channels at `to`; masks keep the last vector inside.
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
                // SAFETY: the caller guarantees the weights at `from`, and a tile for each filter at `to`; of the channels only `rows` are read.
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
