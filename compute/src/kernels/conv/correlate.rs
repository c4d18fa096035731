//! Sliding windows as matrix products whose A is the image itself: no im2col matrix is built.
//!
//! The forward pass is one [`Correlation`] for each group; the gradient of the input is one for each phase of the stride. Where windows
//! extend into the padding, a band of rows is first copied with its zeros.

use core::ops::Range;

use crate::epilogue::{Epilogue, HOT};
use crate::gemm::DEPTH;
use crate::gemm::tile::{self, Product};
use crate::kernels::elementary::Elementary;
use crate::kernels::images::images;
use crate::scalar::Scalar;
use crate::simd::Isa;

/// Elements of a padded copy: about half of an L2 cache, unless one row of windows needs more.
const BAND: usize = 48 * 1024;

/// For each output position (r, c), with an epilogue: `target[r, c, ..] = Σ source[r·step + i·tap_step − before, …] · B[i, j, channel,
/// ..]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correlation {
    /// Height, width and channels of the image that is read.
    pub(super) source: [usize; 3],
    /// The first of its channels that is used, and the number of channels.
    pub(super) channels: [usize; 2],
    /// The distance of the first window above and left of the image; negative where it starts inside.
    pub(super) before: [isize; 2],
    /// Rows and columns of output positions.
    pub(super) positions: [usize; 2],
    /// Rows and columns of the source between adjacent positions.
    pub(super) step: [usize; 2],
    /// Rows and columns of taps.
    pub(super) taps: [usize; 2],
    /// Rows and columns of the source between adjacent taps.
    pub(super) tap_step: [usize; 2],
    /// Elements of an image of the target, and the offset of the first position in it.
    pub(super) target: [usize; 2],
    /// The distances between rows, and between columns, of positions in the target, in elements.
    pub(super) target_step: [usize; 2],
}

/// The layout of the columns of B: see [`Product`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Filters<'a, T> {
    pub(super) data: &'a [T],
    pub(super) columns: usize,
    pub(super) panel: usize,
    pub(super) width: usize,
    pub(super) last: usize,
    /// The distance of the elements that are prefetched for the next product; 0 for none.
    pub(super) ahead: usize,
}

/// Rows or columns of the source that `positions` windows cover.
pub(super) const fn extent(positions: usize, step: usize, taps: usize, tap_step: usize) -> usize {
    (positions - 1) * step + (taps - 1) * tap_step + 1
}

/// Returns the elements of scratch memory for padded copies: a whole image if it is small, and at least one row of windows.
pub(super) const fn band_len(
    positions: [usize; 2],
    step: [usize; 2],
    taps: [usize; 2],
    tap_step: [usize; 2],
    channels: usize,
) -> usize {
    if positions[0] == 0 || positions[1] == 0 || taps[0] == 0 || taps[1] == 0 {
        return 0;
    }
    let row = extent(positions[1], step[1], taps[1], tap_step[1]) * channels;
    let whole = extent(positions[0], step[0], taps[0], tap_step[0]) * row;
    let least = extent(1, step[0], taps[0], tap_step[0]) * row;
    if whole <= BAND {
        whole
    } else if least <= BAND {
        BAND
    } else {
        least
    }
}

impl Correlation {
    /// Whether some window extends beyond the image.
    pub(super) const fn leaves(&self) -> bool {
        self.leaves_along(0) || self.leaves_along(1)
    }

    const fn leaves_along(&self, axis: usize) -> bool {
        let end = extent(self.positions[axis], self.step[axis], self.taps[axis], self.tap_step[axis]).cast_signed();
        self.before[axis] > 0 || end - self.before[axis] > self.source[axis].cast_signed()
    }

    /// Returns the elements of the padded copy for one row of positions.
    pub(super) fn least_len(&self) -> usize {
        extent(1, self.step[0], self.taps[0], self.tap_step[0]) * self.row_len()
    }

    /// Returns the image itself, from row `first` of the positions on, where no window extends beyond it.
    pub(super) fn plane<'a, T>(&self, images: &'a [T], first: usize) -> Plane<'a, T> {
        let [height, width, all] = self.source;
        let [top, left] = self.before.map(|before| (-before).cast_unsigned());
        let origin = ((top + first * self.step[0]) * width + left) * all + self.channels[0];
        Plane { data: images, image: height * width * all, row: width * all, pixel: all, origin }
    }

    /// Returns the elements of a row of a padded copy.
    pub(super) fn row_len(&self) -> usize {
        extent(self.positions[1], self.step[1], self.taps[1], self.tap_step[1]) * self.channels[1]
    }

    /// Returns the rows of positions whose padded copy fits into `memory` elements.
    pub(super) fn rows_that_fit(&self, memory: usize) -> usize {
        let rows = (memory / self.row_len()).checked_sub(extent(1, self.step[0], self.taps[0], self.tap_step[0]));
        rows.map(|rows| (rows / self.step[0] + 1).min(self.positions[0])).expect("scratch for one row of windows")
    }

    /// Returns the number of zeros at the start of a row of a padded copy, and the columns of the image that follow.
    pub(super) fn columns_inside(&self) -> (usize, Range<usize>) {
        let columns = extent(self.positions[1], self.step[1], self.taps[1], self.tap_step[1]);
        let (left, width) = (-self.before[1], self.source[1].cast_signed());
        let from = left.clamp(0, width);
        let to = (left + columns.cast_signed()).clamp(from, width);
        let zeros = if to > from { from - left } else { 0 };
        (zeros.cast_unsigned(), from.cast_unsigned()..to.cast_unsigned())
    }

    /// Copies the rows of the image that `rows` rows of positions from `first` on read, with zeros outside the image.
    pub(super) fn copy_band<T: Scalar>(&self, image: &[T], first: usize, rows: usize, band: &mut [T]) {
        let [height, width, all] = self.source;
        let [channel, channels] = self.channels;
        let columns = extent(self.positions[1], self.step[1], self.taps[1], self.tap_step[1]);
        let top = (first * self.step[0]).cast_signed() - self.before[0];
        let (zeros, Range { start: from, end: to }) = self.columns_inside();
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

    /// Calls `visit` for each position of all images with the target from that position on.
    pub(super) fn for_each_position<T>(&self, target: &mut [T], mut visit: impl FnMut(&mut [T])) {
        let [rows, columns] = self.positions;
        for target in target.chunks_exact_mut(self.target[0]) {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                visit(&mut target[self.target[1] + row * self.target_step[0] + column * self.target_step[1]..]);
            }
        }
    }

    /// Computes all images; `memory` is [`band_len`] long.
    pub(super) fn run<T: Elementary>(
        &self,
        isa: Isa,
        source: &[T],
        filters: Filters<'_, T>,
        epilogue: Epilogue<'_, T>,
        target: &mut [T],
        memory: &mut [T],
    ) {
        let [rows, columns] = self.positions;
        if rows == 0 || columns == 0 || self.taps[0] == 0 || self.taps[1] == 0 {
            return;
        }
        let leaves = self.leaves();
        let row = self.row_len();
        let at_once = if leaves { self.rows_that_fit(memory.len()) } else { rows };
        let image_len = self.source.iter().product();
        for (image, target) in images(source, image_len, target, self.target[0]) {
            let mut first = 0;
            while first < rows {
                let rows = at_once.min(rows - first);
                if leaves {
                    self.copy_band(image, first, rows, memory);
                    let plane = Plane { data: memory, image: 0, row, pixel: self.channels[1], origin: 0 };
                    self.run_rows(isa, plane, first, rows, filters, epilogue, target);
                } else {
                    let plane = self.plane(image, first);
                    self.run_rows(isa, plane, first, rows, filters, epilogue, target);
                }
                first += rows;
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn run_rows<T: Elementary>(
        &self,
        isa: Isa,
        plane: Plane<'_, T>,
        first: usize,
        rows: usize,
        filters: Filters<'_, T>,
        epilogue: Epilogue<'_, T>,
        target: &mut [T],
    ) {
        let channels = self.channels[1];
        // Contiguous taps of a row are one loop.
        let together = self.tap_step[1] == 1 && plane.pixel == channels;
        let [taps_down, taps_across] = self.taps;
        let (loops, middle) = if together {
            ([1, taps_down, taps_across * channels], [0, plane.row * self.tap_step[0], 1])
        } else {
            ([taps_down, taps_across, channels], [plane.row * self.tap_step[0], plane.pixel * self.tap_step[1], 1])
        };
        let b_rows = if together { [0, taps_across * channels, 1] } else { [taps_across * channels, channels, 1] };
        let columns = self.positions[1];
        let last_read = plane.origin
            + (extent(rows, self.step[0], taps_down, self.tap_step[0]) - 1) * plane.row
            + (extent(columns, self.step[1], taps_across, self.tap_step[1]) - 1) * plane.pixel
            + channels;
        assert!(last_read <= plane.data.len(), "windows inside the image");
        let last = self.target[1]
            + (first + rows - 1) * self.target_step[0]
            + (columns - 1) * self.target_step[1]
            + filters.columns;
        assert!(last <= target.len(), "positions inside the target");
        filters.check(taps_down * taps_across * channels);
        epilogue.check(filters.columns);
        // Contiguous rows of positions go through the activation several at a time.
        let row = columns * filters.columns;
        let (together, at_once) = (self.target_step == [row, filters.columns], HOT.div_ceil(row));
        let in_tile = if together { epilogue.in_registers() } else { epilogue };
        for r in 0..rows {
            // SAFETY: the ends of A, B and C are compared with their slices above; C is borrowed mutably.
            unsafe {
                tile::run_ahead(
                    isa,
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
                        epilogue: in_tile,
                    },
                    DEPTH,
                    filters.ahead,
                );
            }
            if together && ((r + 1) % at_once == 0 || r + 1 == rows) {
                let stored = r / at_once * at_once..r + 1;
                let offset = |r: usize| self.target[1] + (first + r) * row;
                epilogue.finish(isa, &mut target[offset(stored.start)..offset(stored.end)]);
            }
        }
    }

    /// Adds to `dw`, which is some rows of the gradient of the weights, one for each tap and channel, the products of the windows of some
    /// images, `rows` rows of positions of each, with the gradient `dy` of their positions; `dy` starts at the first of them.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn grad_filters<T: Elementary>(
        &self,
        isa: Isa,
        [images, rows]: [usize; 2],
        plane: Plane<'_, T>,
        groups: usize,
        dy: &[T],
        rows_of_weights: Range<usize>,
        dw: &mut [T],
    ) {
        let ([_, columns], [down, across]) = (self.positions, self.taps);
        let (channels, all) = (self.channels[1] / groups, self.target_step[1]);
        let filters = all / groups;
        let end = plane.origin
            + (images - 1) * plane.image
            + (extent(rows, self.step[0], down, self.tap_step[0]) - 1) * plane.row
            + extent(columns, self.step[1], across, self.tap_step[1]) * plane.pixel;
        assert!(end <= plane.data.len(), "windows inside the images");
        assert!((images - 1) * self.target[0] + rows * columns * all <= dy.len(), "positions inside the gradient");
        assert!(rows_of_weights.end <= down * across * channels, "rows of the weights");
        assert_eq!(dw.len(), rows_of_weights.len() * all, "length of the gradient of the weights");
        // Contiguous taps of a row are rows of one product.
        let together = groups == 1 && self.tap_step[1] == 1;
        let (across, taps) = if together { (1, across * channels) } else { (across, channels) };
        for i in 0..down {
            for j in 0..across {
                // The rows of these taps among `rows_of_weights`.
                let offset = (i * across + j) * taps;
                let first = rows_of_weights.start.clamp(offset, offset + taps);
                let taps = rows_of_weights.end.clamp(first, offset + taps) - first;
                if taps == 0 {
                    continue;
                }
                for group in 0..groups {
                    let tap = i * self.tap_step[0] * plane.row + j * self.tap_step[1] * plane.pixel + (first - offset);
                    // SAFETY: the ends of A, B and C are compared with their slices above; C is borrowed mutably.
                    unsafe {
                        let c = dw.as_mut_ptr().add((first - rows_of_weights.start) * all + group * filters);
                        tile::run(
                            isa,
                            &Product {
                                rows: taps,
                                columns: filters,
                                loops: [images, rows, columns],
                                a: plane.data.as_ptr().add(plane.origin + tap + group * channels),
                                a_row: 1,
                                a_step: [plane.image, self.step[0] * plane.row, self.step[1] * plane.pixel],
                                b: dy.as_ptr().add(group * filters),
                                b_rows: [self.target[0] / all, columns, 1],
                                b_panel: tile::PANEL,
                                b_width: all,
                                b_last: all,
                                c,
                                c_row: all,
                                epilogue: Epilogue::ACCUMULATE,
                            },
                        );
                    }
                }
            }
        }
    }
}

/// The images as the products read them: a slice, the distances between images, rows and pixels in elements, and the offset of the first
/// window.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a, T> {
    pub(super) data: &'a [T],
    pub(super) image: usize,
    pub(super) row: usize,
    pub(super) pixel: usize,
    pub(super) origin: usize,
}

impl<T> Filters<'_, T> {
    /// Panics unless B is inside its slice.
    fn check(&self, depth: usize) {
        if self.columns == 0 || depth == 0 {
            return;
        }
        let panels = (self.columns - 1) / tile::PANEL;
        let last = self.columns - panels * tile::PANEL;
        let end_of_last = panels * self.panel + (depth - 1) * self.last + last;
        let end_of_full =
            if panels == 0 { 0 } else { (panels - 1) * self.panel + (depth - 1) * self.width + tile::PANEL };
        assert!(end_of_last.max(end_of_full) <= self.data.len(), "filters inside their slice");
    }
}
