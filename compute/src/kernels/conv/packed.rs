//! Convolution with packed filters, for predictions. A block of windows is multiplied with one block of filters after the other: windows
//! and filters of a block stay in the L2 cache, and the next filters are prefetched. Contiguous pixels are read in place. Other windows are
//! first copied, each once for all filters, where there are enough filters; otherwise they are read from the image, or from a band with its
//! padding.

use netwright_abi::spec::conv::{LINE, WIDEST_TILE};

use super::correlate::{Correlation, Filters, band_len};
use super::gemm::{packed_filters, windows};
use super::{Spec, gemm};
use crate::cache;
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::gemm::pack::{self, GAP};
use crate::gemm::tile::{PANEL, TILE_ROWS};
use crate::kernels::elementary::Elementary;
use crate::kernels::images::images;
use crate::scalar::Scalar;
use crate::simd::Isa;

/// Packs the filters into panels of [`PANEL`](super::PANEL), in which those of one tap and channel are contiguous; the last panel is padded
/// with zeros.
pub fn conv_pack<T: Scalar>(_context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(spec.groups == 1 && w.len() == spec.weights_len(), "length of the weights");
    assert_eq!(prepared.len(), spec.packed_len(), "length of the packed filters");
    let filters = spec.output[2];
    let panels = prepared.chunks_mut(w.len() / filters * PANEL);
    for (first, panel) in (0..filters).step_by(PANEL).zip(panels) {
        let columns = PANEL.min(filters - first);
        for (row, w) in panel.chunks_exact_mut(PANEL).zip(w.chunks_exact(filters)) {
            row[..columns].copy_from_slice(&w[first..first + columns]);
            row[columns..].fill(T::ZERO);
        }
    }
}

/// Returns the elements of scratch memory that `conv_packed_forward` needs per thread, whatever the batch.
pub const fn conv_packed_forward_scratch(spec: &Spec) -> usize {
    if spec.is_pointwise() {
        0
    } else if copies(spec) {
        at_once(spec) * (slice_len(spec) + GAP)
    } else {
        band_len([spec.output[0], spec.output[1]], spec.stride, spec.window, spec.dilation, spec.input[2])
    }
}

/// y = f(scale · (w ∗ x) + shift + y) as matrix products; `w` holds the filters of [`conv_pack`].
#[allow(clippy::too_many_arguments)]
pub fn conv_packed_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    assert!(spec.groups == 1 && w.len() == spec.packed_len(), "length of the packed filters");
    spec.check(context.batch, x.len(), spec.weights_len(), [scale.len(), shift.len()], y.len());
    context.split_windows(&gemm::in_one_column(spec), x, y, scratch, &|spec, x, y, scratch| {
        forward(context.isa(), spec, x, w, scale, shift, y, scratch);
    });
}

/// Columns of filters that are prefetched together while others are used: those of the widest tile.
const COLUMNS: usize = WIDEST_TILE;

/// The approximate elements of filters that are used for all windows before the next.
const FEW: usize = 32 * 1024;

/// The maximum elements of a window that are summed at once: as many elements of [`COLUMNS`] filters stay in an L2 cache beside those that
/// are prefetched.
const LONGEST: usize = 768;

/// The approximate elements that are copied at once: with as many elements of filters they stay in an L2 cache.
const COPIED: usize = 96 * 1024;

/// Filters from which on copying a window takes little time compared with its products.
const FILTERS: usize = 128;

/// Returns the elements of a window.
const fn depth(spec: &Spec) -> usize {
    spec.window[0] * spec.window[1] * spec.input[2]
}

/// Returns the elements of a window that are summed at once: slices of equal length.
const fn slice_len(spec: &Spec) -> usize {
    let depth = depth(spec);
    let slices = depth.div_ceil(LONGEST);
    if slices < 2 { depth } else { depth.div_ceil(slices).next_multiple_of(LINE) }
}

/// Whether windows are copied.
const fn copies(spec: &Spec) -> bool {
    !spec.is_pointwise() && spec.output[2] >= FILTERS
}

/// Returns the maximum windows that are copied at once.
const fn at_once(spec: &Spec) -> usize {
    let (fit, all) = (COPIED / slice_len(spec), spec.output[0] * spec.output[1]);
    let fit = if fit < TILE_ROWS { TILE_ROWS } else { fit };
    if fit < all { fit } else { all }
}

/// y\[i′,j′,f′] = f(scale\[f′] · Σ a·w + shift\[f′])   (slide 37), with filters in panels, the last padded.
#[allow(clippy::too_many_arguments)]
pub(super) fn forward<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    let layer = Layer { isa, spec, w, epilogue: Epilogue::new(spec.epilogue, scale, shift) };
    if spec.is_pointwise() {
        layer.of_pixels(x, y);
    } else if copies(spec) {
        layer.of_copies(x, y, scratch);
    } else {
        layer.of_bands(x, y, scratch);
    }
}

/// Returns filters in panels, the last of which is padded.
fn padded_filters<T>(data: &[T], depth: usize, columns: usize) -> Filters<'_, T> {
    Filters { last: PANEL, ..packed_filters(data, depth, columns) }
}

/// The operands that all windows share.
struct Layer<'a, T> {
    isa: Isa,
    spec: &'a Spec,
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
}

impl<T: Elementary> Layer<'_, T> {
    /// Computes pixels in place, in blocks that fill half of the L2 cache.
    fn of_pixels(&self, x: &[T], y: &mut [T]) {
        let ([.., channels], [.., filters]) = (self.spec.input, self.spec.output);
        let (all, slice) = (y.len() / filters, slice_len(self.spec));
        let fit = (cache::l2_bytes() / 2 / size_of::<T>() / slice).max(TILE_ROWS);
        let at_once = all.div_ceil(all.div_ceil(fit)).next_multiple_of(TILE_ROWS);
        for (x, y) in x.chunks(at_once * channels).zip(y.chunks_mut(at_once * filters)) {
            for from in (0..channels).step_by(slice) {
                self.multiply(x, channels, [from, from], slice.min(channels - from), y);
            }
        }
    }

    /// Computes copies of windows in equal blocks, one slice of the windows after the other.
    fn of_copies(&self, x: &[T], y: &mut [T], scratch: &mut [T]) {
        let ([rows, columns, filters], depth, slice) = (self.spec.output, depth(self.spec), slice_len(self.spec));
        let (all, apart) = (rows * columns, slice + GAP);
        let at_once = all.div_ceil(all.div_ceil(at_once(self.spec)));
        for (x, y) in images(x, self.spec.input_len(), y, self.spec.output_len()) {
            for (block, y) in y.chunks_mut(at_once * filters).enumerate() {
                for from in (0..depth).step_by(slice) {
                    let (slice, windows) = (slice.min(depth - from), y.len() / filters);
                    for (window, copy) in scratch.chunks_exact_mut(apart).take(windows).enumerate() {
                        let window = block * at_once + window;
                        copy_window(self.spec, x, [window / columns, window % columns], from, &mut copy[..slice]);
                    }
                    self.multiply(scratch, apart, [0, from], slice, y);
                }
            }
        }
    }

    /// Adds the partial sums of some windows over a slice of `depth` elements. The windows are `apart` elements apart; `from` is the offset
    /// of the slice in each window, and `offset` its offset in each filter. The filters are processed in groups of columns, the next of
    /// which is prefetched while one is used.
    fn multiply(&self, x: &[T], apart: usize, [from, offset]: [usize; 2], depth: usize, y: &mut [T]) {
        let (all, filters) = (self::depth(self.spec), self.spec.output[2]);
        let windows = y.len() / filters;
        let mut row = Correlation {
            source: [1, windows, apart],
            channels: [from, depth],
            before: [0; 2],
            positions: [1, windows],
            step: [1; 2],
            taps: [1; 2],
            tap_step: [1; 2],
            target: [windows * filters, 0],
            target_step: [windows * filters, filters],
        };
        let epilogue = self.epilogue.of_part(offset == 0, offset + depth == all);
        let at_once = (FEW / depth / COLUMNS * COLUMNS).max(COLUMNS);
        for first in (0..filters).step_by(at_once) {
            let columns = at_once.min(filters - first);
            let start = first * all + offset * PANEL;
            let next = match (first + columns < filters, offset + depth < all) {
                (true, _) => (first + columns) * all + offset * PANEL,
                (false, true) => (offset + depth) * PANEL,
                (false, false) => 0,
            };
            let (data, ahead) = (&self.w[start..], next.wrapping_sub(start));
            let group = Filters { ahead, ..padded_filters(data, all, columns) };
            row.target[1] = first;
            row.run(self.isa, x, group, epilogue.channels(first, columns), y, &mut []);
        }
    }

    /// Computes windows of the image, or of a band.
    fn of_bands(&self, x: &[T], y: &mut [T], scratch: &mut [T]) {
        let (mut windows, depth, filters) = (windows(self.spec), depth(self.spec), self.spec.output[2]);
        let at_once = pack::group::<T>(depth, filters);
        for first in (0..filters).step_by(at_once) {
            let columns = at_once.min(filters - first);
            let data = &self.w[first * depth..][..columns.next_multiple_of(PANEL) * depth];
            windows.target[1] = first;
            let epilogue = self.epilogue.channels(first, columns);
            windows.run(self.isa, x, padded_filters(data, depth, columns), epilogue, y, scratch);
        }
    }
}

/// Copies elements of the window at a position, from index `from` on, with zeros outside the image.
fn copy_window<T: Scalar>(spec: &Spec, x: &[T], position: [usize; 2], mut from: usize, mut to: &mut [T]) {
    let ([height, width, channels], [_, across]) = (spec.input, spec.window);
    let [top, left] =
        [0, 1].map(|axis| (position[axis] * spec.stride[axis]).cast_signed() - spec.padding[2 * axis].cast_signed());
    // Contiguous pixels of a row of taps are copied together.
    let contiguous = spec.dilation[1] == 1 && left >= 0 && left.cast_unsigned() + across <= width;
    while !to.is_empty() {
        let (tap, channel) = (from / channels, from % channels);
        let row = top + (tap / across * spec.dilation[0]).cast_signed();
        let column = left + (tap % across * spec.dilation[1]).cast_signed();
        let taps = if contiguous { across - tap % across } else { 1 };
        let (copy, rest) = to.split_at_mut(to.len().min(taps * channels - channel));
        let inside = |at: isize, size: usize| at >= 0 && at.cast_unsigned() < size;
        if inside(row, height) && inside(column, width) {
            let offset = (row.cast_unsigned() * width + column.cast_unsigned()) * channels + channel;
            copy.copy_from_slice(&x[offset..][..copy.len()]);
        } else {
            copy.fill(T::ZERO);
        }
        (from, to) = (from + copy.len(), rest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{elements, forward_agrees, memory, packed};
    use super::*;
    use crate::context::{Context, tests::SerialFork};
    use crate::epilogue::tests::epilogues;
    use crate::kernels::check::shapes;

    /// Returns windows in every `stride`-th row and column of an image with `before` rows and columns of padding.
    fn spec(input: [usize; 3], window: [usize; 2], stride: usize, before: usize, filters: usize) -> Spec {
        let output = [0, 1].map(|axis| (input[axis] + 2 * before - window[axis]) / stride + 1);
        Spec {
            input,
            output: [output[0], output[1], filters],
            window,
            stride: [stride; 2],
            padding: [before; 4],
            dilation: [1; 2],
            groups: 1,
            epilogue: netwright_abi::Epilogue::NONE,
        }
    }

    /// Computes some images on `threads` threads.
    fn on(threads: usize, batch: usize, spec: &Spec) -> std::vec::Vec<f32> {
        let (mut filters, mut scratch) =
            (memory(spec.packed_len()), memory(threads * conv_packed_forward_scratch(spec)));
        let (fork, mut y) = (SerialFork(threads), elements(batch * spec.output_len(), 4));
        super::super::conv_pack(&Context::of(1), spec, &elements(spec.weights_len(), 2), &mut filters);
        let (x, context) = (elements(batch * spec.input_len(), 1), Context::on(batch, &fork));
        super::super::conv_packed_forward(&context, spec, &x, &filters, &[], &[], &mut y, &mut scratch);
        y
    }

    proptest! {
        #![proptest_config(shapes(40))]

        #[test]
        fn windows_that_are_copied_agree_with_the_reference(
            size in [3usize..9, 3usize..9, 1usize..30], window in [1usize..4, 1usize..4], stride in 1usize..4, before in 0usize..3,
            dilation in 1usize..3, filters in FILTERS..200, batch in 1usize..3, epilogue in epilogues(), each_filter in any::<[bool; 2]>(),
        ) {
            let dilation = if window[0].max(window[1]) * dilation > 3 { 1 } else { dilation };
            let covered = window.map(|taps| (taps - 1) * dilation + 1);
            let spec = Spec { window, dilation: [dilation; 2], epilogue, ..spec(size, covered, stride, before, filters) };
            forward_agrees::<f32>(batch, &spec, each_filter, &packed());
            forward_agrees::<f64>(batch, &spec, each_filter, &packed());
        }
    }

    /// Sums over several slices, of pixels in place and of more windows than are copied at once; and numbers of threads that split the
    /// windows differently.
    #[test]
    fn many_channels_have_the_same_bits_on_any_number_of_threads() {
        for (input, window, stride) in
            [([11, 9, LONGEST + 333], [1; 2], 1), ([23, 21, 2 * LONGEST], [1; 2], 2), ([16, 13, 170], [3; 2], 1)]
        {
            let spec = spec(input, window, stride, 0, FILTERS + 3);
            assert_eq!(copies(&spec), input[0] > 11);
            assert!(slice_len(&spec) < depth(&spec));
            assert!(!copies(&spec) || at_once(&spec) < spec.output[0] * spec.output[1]);
            forward_agrees::<f32>(1, &spec, [false; 2], &packed());
            let alone = on(1, 2, &spec);
            assert!([2, 3, 7].into_iter().all(|threads| on(threads, 2, &spec) == alone));
        }
    }
}
