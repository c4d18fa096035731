//! A window that slides over an image, as products whose A is the image itself: no matrix of patches is built.
//!
//! The forward pass is one [`Correlation`] for each group; the gradient with respect to the input is one for each phase of
//! the stride. Where the window leaves the image, a band of rows is first copied with its zeros.

use crate::gemm::tile::{self, Product};
use crate::gemm::vector::Level;
use crate::scalar::Scalar;

/// Numbers of a padded copy: about half of a second-level cache, unless one row of windows needs more.
const BAND: usize = 48 * 1024;

/// For each output position (r, c): `target[r, c, ..] = start + Σ source[r·step + i·tap_step − before, …] · B[i, j, channel, ..]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correlation {
    /// Height, width and channels of the image that is read.
    pub(super) source: [usize; 3],
    /// The channels of it that take part: the first, and how many.
    pub(super) channels: [usize; 2],
    /// How far above and left of the image the first window starts; negative where it starts inside.
    pub(super) before: [isize; 2],
    /// Rows and columns of output positions.
    pub(super) positions: [usize; 2],
    /// Rows and columns of the source from one position to the next.
    pub(super) step: [usize; 2],
    /// Rows and columns of taps.
    pub(super) taps: [usize; 2],
    /// Rows and columns of the source from one tap to the next.
    pub(super) tap_step: [usize; 2],
    /// Numbers in an image of the target, and the place in it of the first position.
    pub(super) target: [usize; 2],
    /// Numbers of the target from a row, and from a column, of positions to the next.
    pub(super) target_step: [usize; 2],
}

/// How the columns of B lie; see [`Product`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Filters<'a, T> {
    pub(super) data: &'a [T],
    pub(super) columns: usize,
    pub(super) panel: usize,
    pub(super) width: usize,
    pub(super) last: usize,
}

/// Rows or columns of the source that `positions` windows cover.
pub(super) const fn extent(positions: usize, step: usize, taps: usize, tap_step: usize) -> usize {
    (positions - 1) * step + (taps - 1) * tap_step + 1
}

/// Rows of positions for which a padded copy is made at once.
pub(super) const fn band(positions: usize, step: usize, row_len: usize) -> usize {
    let fit = BAND / (step * row_len);
    if fit == 0 {
        1
    } else if fit < positions {
        fit
    } else {
        positions
    }
}

/// Numbers of scratch memory that a padded copy needs at most.
pub(super) const fn band_len(
    positions: [usize; 2],
    step: [usize; 2],
    taps: [usize; 2],
    tap_step: [usize; 2],
    channels: usize,
) -> usize {
    if positions[0] == 0 || positions[1] == 0 || taps[0] == 0 || taps[1] == 0 || channels == 0 {
        return 0;
    }
    let row = extent(positions[1], step[1], taps[1], tap_step[1]) * channels;
    extent(band(positions[0], step[0], row), step[0], taps[0], tap_step[0]) * row
}

impl Correlation {
    /// Whether some window leaves the image.
    pub(super) fn leaves(&self) -> bool {
        (0..2).any(|axis| {
            let end =
                extent(self.positions[axis], self.step[axis], self.taps[axis], self.tap_step[axis]).cast_signed();
            self.before[axis] > 0 || end - self.before[axis] > self.source[axis].cast_signed()
        })
    }

    /// Copies the rows that `rows` rows of positions from `first` read, with zeros outside the image.
    pub(super) fn copy_band<T: Scalar>(&self, image: &[T], first: usize, rows: usize, band: &mut [T]) {
        let [height, width, all] = self.source;
        let [channel, channels] = self.channels;
        let columns = extent(self.positions[1], self.step[1], self.taps[1], self.tap_step[1]);
        let top = (first * self.step[0]).cast_signed() - self.before[0];
        let left = -self.before[1];
        // The part of a row that lies in the image.
        let from = left.clamp(0, width.cast_signed()).cast_unsigned();
        let to = (left + columns.cast_signed()).clamp(from.cast_signed(), width.cast_signed()).cast_unsigned();
        let zeros = if to > from { (from.cast_signed() - left).cast_unsigned() } else { 0 };
        for (i, row) in band.chunks_exact_mut(columns * channels).enumerate().take(extent(
            rows,
            self.step[0],
            self.taps[0],
            self.tap_step[0],
        )) {
            let y = top + i.cast_signed();
            if y < 0 || y >= height.cast_signed() || from == to {
                row.fill(T::ZERO);
                continue;
            }
            let source = &image[(y.cast_unsigned() * width + from) * all..][..(to - from) * all];
            let (before, rest) = row.split_at_mut(zeros * channels);
            let (inside, after) = rest.split_at_mut((to - from) * channels);
            before.fill(T::ZERO);
            after.fill(T::ZERO);
            if channels == all {
                inside.copy_from_slice(source);
            } else {
                for (to, from) in inside.chunks_exact_mut(channels).zip(source.chunks_exact(all)) {
                    to.copy_from_slice(&from[channel..channel + channels]);
                }
            }
        }
    }

    /// Computes all images. `bias` has a number for each column of B, or none; `memory` is [`band_len`] long.
    pub(super) fn run<T: Scalar>(
        &self,
        level: Level,
        source: &[T],
        filters: Filters<'_, T>,
        bias: &[T],
        target: &mut [T],
        memory: &mut [T],
    ) {
        let [rows, columns] = self.positions;
        if rows == 0 || columns == 0 || self.taps[0] == 0 || self.taps[1] == 0 {
            return;
        }
        let leaves = self.leaves();
        let row = extent(columns, self.step[1], self.taps[1], self.tap_step[1]) * self.channels[1];
        let at_once = if leaves { band(rows, self.step[0], row) } else { rows };
        let image_len = self.source.iter().product();
        for (image, target) in source.chunks_exact(image_len).zip(target.chunks_exact_mut(self.target[0])) {
            let mut first = 0;
            while first < rows {
                let rows = at_once.min(rows - first);
                if leaves {
                    self.copy_band(image, first, rows, memory);
                    let plane = Plane { data: memory, row, pixel: self.channels[1], origin: 0 };
                    self.run_rows(level, plane, first, rows, filters, bias, target);
                } else {
                    let [_, width, all] = self.source;
                    let [top, left] = self.before.map(|before| (-before).cast_unsigned());
                    let origin = ((top + first * self.step[0]) * width + left) * all + self.channels[0];
                    let plane = Plane { data: image, row: width * all, pixel: all, origin };
                    self.run_rows(level, plane, first, rows, filters, bias, target);
                }
                first += rows;
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn run_rows<T: Scalar>(
        &self,
        level: Level,
        plane: Plane<'_, T>,
        first: usize,
        rows: usize,
        filters: Filters<'_, T>,
        bias: &[T],
        target: &mut [T],
    ) {
        let channels = self.channels[1];
        // Where the taps of a row lie together they are one loop.
        let together = self.tap_step[1] == 1 && plane.pixel == channels;
        let [taps_down, taps_across] = self.taps;
        let (loops, middle) = if together {
            ([1, taps_down, taps_across * channels], [0, plane.row * self.tap_step[0], 1])
        } else {
            ([taps_down, taps_across, channels], [plane.row * self.tap_step[0], plane.pixel * self.tap_step[1], 1])
        };
        let b_rows = if together { [0, taps_across * channels, 1] } else { [taps_across * channels, channels, 1] };
        let columns = self.positions[1];
        let end = plane.origin
            + (extent(rows, self.step[0], taps_down, self.tap_step[0]) - 1) * plane.row
            + (extent(columns, self.step[1], taps_across, self.tap_step[1]) - 1) * plane.pixel
            + channels;
        assert!(end <= plane.data.len(), "windows inside the image");
        let last = self.target[1]
            + (first + rows - 1) * self.target_step[0]
            + (columns - 1) * self.target_step[1]
            + filters.columns;
        assert!(last <= target.len(), "positions inside the target");
        filters.check(taps_down * taps_across * channels);
        assert!(bias.is_empty() || bias.len() >= filters.columns, "a bias for each column");
        for r in 0..rows {
            // SAFETY: the ends of A, B and C were just compared with their slices; C is borrowed mutably.
            unsafe {
                tile::run(
                    level,
                    &Product {
                        rows: columns,
                        columns: filters.columns,
                        loops,
                        a: plane.data.as_ptr().add(plane.origin + r * self.step[0] * plane.row),
                        a_row: self.step[1] * plane.pixel,
                        a_step: middle,
                        b: filters.data.as_ptr(),
                        b_rows,
                        b_panel: filters.panel,
                        b_width: filters.width,
                        b_last: filters.last,
                        c: target.as_mut_ptr().add(self.target[1] + (first + r) * self.target_step[0]),
                        c_row: self.target_step[1],
                        start: if bias.is_empty() { None } else { Some((bias.as_ptr(), 0)) },
                    },
                );
            }
        }
    }
}

/// An image as the products read it: a slice, the numbers from a row and from a pixel to the next, and the first window.
#[derive(Clone, Copy)]
struct Plane<'a, T> {
    data: &'a [T],
    row: usize,
    pixel: usize,
    origin: usize,
}

impl<T> Filters<'_, T> {
    /// Panics where B ends outside its slice.
    fn check(&self, depth: usize) {
        if self.columns == 0 || depth == 0 {
            return;
        }
        let panels = (self.columns - 1) / tile::PANEL;
        let last = self.columns - panels * tile::PANEL;
        let end_of_last = panels * self.panel + (depth - 1) * self.last + last;
        let end_of_full = if panels == 0 {
            0
        } else {
            (panels - 1) * self.panel + (depth - 1) * self.width + tile::PANEL
        };
        assert!(end_of_last.max(end_of_full) <= self.data.len(), "filters inside their slice");
    }
}
