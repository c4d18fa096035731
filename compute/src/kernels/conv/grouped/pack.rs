//! Packing of filters into the tiles of the kernel, in advance for all passes. Without packed filters, a kernel packs a range of groups
//! itself.

use netwright_abi::spec::conv::{GROUP_LANES as LANES, GroupTiles as Tiles, QUAD};

use super::lane_layout::LaneLayout;
use super::{GroupRange, Sizes, Spec, lines};
use crate::context::Context;
use crate::kernels::conv::gemm::{StridePhase, meets_nothing, phases};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::Simd;

/// Returns the packed filters of a range, whose lane blocks have `lane_block_len` elements. With vectors narrower than those that they were
/// packed for, lane blocks differ, and the kernel packs its own.
pub(super) fn of_range<T: Elementary, S: Simd<T>, A: LaneLayout<T, S>>(
    packed: &[T],
    range: GroupRange,
    lane_block_len: usize,
) -> Option<&[T]> {
    let [lane_blocks, _] = range.lane_blocks::<T, S, A>();
    let is_packed = S::LANES == LANES && !packed.is_empty();
    is_packed.then(|| &packed[range.first / A::GROUPS * lane_block_len..][..lane_blocks * lane_block_len])
}

/// The taps that contribute to the positions of a phase of the stride, the last first.
pub(super) struct Taps {
    phase: [StridePhase; 2],
    columns: usize,
    row: usize,
}

impl Taps {
    pub(super) fn new(spec: &Spec, phase: [StridePhase; 2]) -> Self {
        Self { phase, columns: spec.window[1], row: Sizes::new(spec).inner * spec.output[2] }
    }

    /// Returns the number of taps.
    pub(super) fn count(&self) -> usize {
        self.phase[0].taps * self.phase[1].taps
    }

    /// Returns the offset of the weights of tap `n`.
    pub(super) fn row(&self, n: usize) -> usize {
        let [down, across] = self.phase;
        let i = down.first + (down.taps - 1 - n / across.taps) * down.every;
        let j = across.first + (across.taps - 1 - n % across.taps) * across.every;
        (i * self.columns + j) * self.row
    }
}

/// Packs the filters as `conv_grouped_forward` does: as `[lane block][tile of filters][tap][channel]` vectors of a tile, or line by line.
pub fn conv_grouped_pack<T: Scalar>(_context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(w.len() == spec.weights_len() && prepared.len() == spec.grouped_len(false), "length of the filters");
    if spec.groups_in_lines() {
        return lines::pack(spec, w, prepared);
    }
    let sizes @ Sizes { outer, .. } = Sizes::new(spec);
    pack(spec.groups, outer, sizes.rows(), prepared, |row, group, filter| {
        w[row * spec.output[2] + group * outer + filter]
    });
}

/// Packs the filters as `conv_grouped_grad_input` does: for each phase of the stride, `[lane block][tile of channels][tap][filter]` vectors
/// of a tile.
pub fn conv_grouped_pack_rotated<T: Scalar>(_context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(w.len() == spec.weights_len() && prepared.len() == spec.grouped_len(true), "length of the filters");
    let Sizes { inner, outer, .. } = Sizes::new(spec);
    let tiles = Tiles::choose(spec.groups, inner);
    let mut rest = prepared;
    for [(_, down), (_, across)] in phases(spec).filter(|[down, across]| !meets_nothing([down.1, across.1])) {
        let taps = Taps::new(spec, [down, across]);
        let rows = taps.count() * outer;
        let (prepared, others) = rest.split_at_mut(spec.groups.div_ceil(tiles.together()) * rows * tiles.len(inner));
        pack(spec.groups, inner, rows, prepared, |row, group, channel| {
            w[taps.row(row / outer) + channel * spec.output[2] + group * outer + row % outer]
        });
        rest = others;
    }
}

/// Writes `element(row, group, channel)` of each row, group and output channel to the tiles, and zeros to missing lanes.
fn pack<T: Scalar>(
    groups: usize,
    channels: usize,
    rows: usize,
    packed: &mut [T],
    element: impl Fn(usize, usize, usize) -> T,
) {
    let tiles = Tiles::choose(groups, channels);
    let row_len = tiles.vectors() * LANES;
    for (lane_block, packed) in packed.chunks_exact_mut(rows * tiles.len(channels)).enumerate() {
        for (tile, packed) in packed.chunks_exact_mut(rows * row_len).enumerate() {
            for (row, packed) in packed.chunks_exact_mut(row_len).enumerate() {
                for (index, to) in packed.iter_mut().enumerate() {
                    let (group, channel) = match tiles {
                        Tiles::Groups => (lane_block * LANES + index % LANES, tile * QUAD + index / LANES),
                        Tiles::Channels => (lane_block, tile * row_len + index),
                    };
                    let is_there = group < groups && channel < channels;
                    *to = if is_there { element(row, group, channel) } else { T::ZERO };
                }
            }
        }
    }
}
