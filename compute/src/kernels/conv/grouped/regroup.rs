//! Transposition between contiguous groups and groups in the lanes.
//!
//! The channels of a pixel are stored as `[group][channel]`; the kernels need `[channel][group]`, so that each lane of a vector is a group.
//! Four channels of a vector's groups, a quad, are transposed at once.

use super::{LANES, QUAD};
use crate::kernels::elementary::Elementary;
use crate::simd::{Simd, Vector};

/// Reads quad `quad` of `channels` channels of each of `groups` groups, whose starts are `apart` elements apart; missing lanes are zero.
///
/// # Safety
/// `from` is valid for reads of all channels of the groups.
#[inline(always)]
pub(super) unsafe fn read_quad<T: Elementary, S: Simd<T>>(
    simd: S,
    from: *const T,
    apart: usize,
    [groups, channels]: [usize; 2],
    quad: usize,
) -> [S::Vector; QUAD] {
    let width = QUAD.min(channels - quad * QUAD);
    // SAFETY: the caller guarantees the channels of the groups at `from`; `rows` has a quad for each lane.
    unsafe {
        let from = from.add(quad * QUAD);
        if groups == S::LANES && width == QUAD {
            return simd.load_columns(from, apart);
        }
        let mut rows = [T::ZERO; QUAD * LANES];
        for group in 0..groups {
            for channel in 0..width {
                rows[group * QUAD + channel] = *from.add(group * apart + channel);
            }
        }
        simd.load_columns(rows.as_ptr(), QUAD)
    }
}

/// Stores the vectors of quad `quad` of `count` channels, `step` elements apart.
///
/// # Safety
/// `to` is valid for writes of `count` vectors.
#[inline(always)]
pub(super) unsafe fn store_quad<T: Elementary, V: Vector<T>>(
    vectors: [V; QUAD],
    quad: usize,
    count: usize,
    to: *mut T,
    step: usize,
) {
    for (left, vector) in vectors.into_iter().enumerate() {
        if quad * QUAD + left < count {
            // SAFETY: the caller guarantees `count` vectors at `to`.
            unsafe { vector.store_at(to.add((quad * QUAD + left) * step)) };
        }
    }
}

/// Writes quad `quad` of `channels` channels of each of `groups` groups, and leaves the other channels unchanged.
///
/// # Safety
/// `to` is valid for writes of all channels of the groups.
#[inline(always)]
pub(super) unsafe fn scatter_quad<T: Elementary, V: Vector<T>>(
    columns: [V; QUAD],
    [groups, channels]: [usize; 2],
    quad: usize,
    to: *mut T,
) {
    let width = QUAD.min(channels - quad * QUAD);
    // SAFETY: the caller guarantees the channels of the groups at `to`; `rows` has a quad for each lane.
    unsafe {
        let to = to.add(quad * QUAD);
        if groups == V::LANES && width == QUAD {
            return Vector::store_columns(columns, to, channels);
        }
        let mut rows = [T::ZERO; QUAD * LANES];
        Vector::store_columns(columns, rows.as_mut_ptr(), QUAD);
        for group in 0..groups {
            for channel in 0..width {
                *to.add(group * channels + channel) = rows[group * QUAD + channel];
            }
        }
    }
}

/// # Safety
/// `to` is valid for writes of the vectors.
#[inline(always)]
pub(super) unsafe fn store_tile<T: Elementary, V: Vector<T>, const C: usize>(vectors: [V; C], to: *mut T) {
    for (n, vector) in vectors.into_iter().enumerate() {
        // SAFETY: the caller guarantees the vectors at `to`.
        unsafe { vector.store_at(to.add(n * V::LANES)) };
    }
}

/// # Safety
/// `from` is valid for reads of the vectors.
#[inline(always)]
pub(super) unsafe fn load_tile<T: Elementary, S: Simd<T>, const C: usize>(simd: S, from: *const T) -> [S::Vector; C] {
    // SAFETY: the caller guarantees the vectors at `from`.
    unsafe {
        let mut vectors = [simd.splat(T::ZERO); C];
        for (n, vector) in vectors.iter_mut().enumerate() {
            *vector = simd.load_at(from.add(n * S::LANES));
        }
        vectors
    }
}
