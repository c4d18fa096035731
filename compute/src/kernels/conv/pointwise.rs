//! Convolutions whose windows are single pixels, predicted: the pixels are the rows of one product. Where they lie badly they are copied
//! first, a few at a time, each once for all filters.

use netwright_abi::spec::conv::LINE;

use super::Spec;
use super::correlate::{Correlation, Filters};
use crate::cache;
use crate::epilogue::Epilogue;
use crate::gemm::pack::GAP;
use crate::gemm::tile::PANEL;
use crate::kernels::elementary::Elementary;
use crate::simd::Isa;

/// Elements that are copied at once, about: with as many of the filters they stay in a second-level cache.
const COPIED: usize = 96 * 1024;

/// Columns of filters that come from memory together, while others are computed with: those of the widest tile.
const COLUMNS: usize = 2 * PANEL;

/// Elements of filters that are met by all pixels before the next, about.
const FEW: usize = 32 * 1024;

/// Channels of which the sums are taken at once, and where there are more of them, of how many: as many of [`COLUMNS`] filters stay in a second
/// cache beside those that are asked for meanwhile.
const LONGEST: usize = 768;
const PART: usize = 512;

/// Pixels that fill a register tile.
const LEAST: usize = 12;

/// Filters from which on copying a pixel takes little beside what is computed of it.
const FILTERS: usize = 128;

/// Whether pixels are copied.
pub(super) const fn copies(spec: &Spec) -> bool {
    let ([height, width, _], [rows, columns, filters]) = (spec.input, spec.output);
    let is_pixel = spec.groups == 1
        && matches!((spec.window, spec.padding), ([1, 1], [0, 0, 0, 0]))
        && (rows - 1) * spec.stride[0] < height
        && (columns - 1) * spec.stride[1] < width;
    let steps = spec.stride[0] > 1 || spec.stride[1] > 1;
    is_pixel && filters >= FILTERS && steps
}

/// Pixels that are copied at once at most.
const fn at_once(spec: &Spec) -> usize {
    let (fit, pixels) = (COPIED / spec.input[2], spec.output[0] * spec.output[1]);
    let fit = if fit < LEAST { LEAST } else { fit };
    if fit < pixels { fit } else { pixels }
}

/// Elements of scratch memory for the copies.
pub(super) const fn scratch(spec: &Spec) -> usize {
    if copies(spec) { at_once(spec) * (spec.input[2] + GAP) } else { 0 }
}

/// One row of `pixels` windows of a pixel each, which lie `apart` and have `channels` channels.
fn row(pixels: usize, [apart, channels]: [usize; 2], filters: usize) -> Correlation {
    Correlation {
        source: [1, pixels, apart],
        channels: [0, channels],
        before: [0; 2],
        positions: [1, pixels],
        step: [1; 2],
        taps: [1; 2],
        tap_step: [1; 2],
        target: [pixels * filters, 0],
        target_step: [pixels * filters, filters],
    }
}

/// Pixels that meet all filters before the next: so many that they fill half of the second cache, beside few filters.
fn block<T>(pixels: usize, channels: usize) -> usize {
    let fit = (cache::second() / 2 / size_of::<T>() / channels).max(LEAST);
    pixels.div_ceil(pixels.div_ceil(fit)).next_multiple_of(LEAST)
}

/// Computes all images, of which pixels are read where they lie; `w` is in whole panels.
pub(super) fn of_pixels<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let ([.., channels], [.., filters]) = (spec.input, spec.output);
    let at_once = block::<T>(y.len() / filters, channels.min(LONGEST));
    for (x, y) in x.chunks(at_once * channels).zip(y.chunks_mut(at_once * filters)) {
        of_block(isa, x, [channels; 2], w, epilogue, y, filters);
    }
}

/// Computes pixels that lie `apart` and stay in the second cache, part after part of their channels. The filters of each part come in groups, of which
/// the next is asked for while one is computed with.
fn of_block<T: Elementary>(
    isa: Isa,
    x: &[T],
    [apart, channels]: [usize; 2],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
    filters: usize,
) {
    let mut row = row(y.len() / filters, [apart, channels], filters);
    let part = if channels > LONGEST { PART } else { channels };
    let whole = filters / PANEL * PANEL;
    for from in (0..channels).step_by(part) {
        let depth = part.min(channels - from);
        let epilogue = epilogue.of_part(from == 0, from + depth == channels);
        row.channels = [from, depth];
        let at_once = (FEW / depth / COLUMNS * COLUMNS).max(COLUMNS);
        let mut first = 0;
        while first < filters {
            // A last panel that is narrower is a group of its own.
            let columns = at_once.min(if first < whole { whole - first } else { filters - first });
            let width = columns.next_multiple_of(LINE).min(PANEL);
            let place = first * channels + from * width;
            let last = first + columns == filters;
            let next = match (last, from + depth < channels) {
                (false, _) => (first + columns) * channels + from * width,
                (true, true) => (from + depth) * PANEL,
                (true, false) => 0,
            };
            let group = Filters {
                data: &w[place..],
                columns,
                panel: channels * PANEL,
                width: PANEL,
                last: width,
                ahead: next.wrapping_sub(place),
            };
            row.target[1] = first;
            row.run(isa, x, group, epilogue.channels(first, columns), y, &mut []);
            first += columns;
        }
    }
}

/// Computes all images, of which pixels are copied; `w` is in whole panels.
pub(super) fn of_copies<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
    scratch: &mut [T],
) {
    let ([_, width, channels], [rows, columns, filters]) = (spec.input, spec.output);
    let (apart, pixels) = (channels + GAP, rows * columns);
    // As many each time.
    let at_once = pixels.div_ceil(pixels.div_ceil(at_once(spec)));
    for (x, y) in x.chunks_exact(spec.input_len()).zip(y.chunks_exact_mut(spec.output_len())) {
        let mut pixels = (0..rows).flat_map(|row| (0..columns).map(move |column| [row, column]));
        for y in y.chunks_mut(at_once * filters) {
            let count = y.len() / filters;
            let copies = &mut scratch[..count * apart];
            for (copy, [row, column]) in copies.chunks_exact_mut(apart).zip(&mut pixels) {
                let from = (row * spec.stride[0] * width + column * spec.stride[1]) * channels;
                copy[..channels].copy_from_slice(&x[from..][..channels]);
            }
            of_block(isa, copies, [apart, channels], w, epilogue, y, filters);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::gemm::packed_forward_scratch;
    use super::super::tests::{forward_agrees, memory, numbers, packed};
    use super::*;
    use crate::context::{Context, tests::Turns};
    use crate::epilogue::tests::epilogues;
    use crate::kernels::check::shapes;

    /// Windows of a pixel in every `stride`-th row and column of an image.
    fn spec(input: [usize; 3], stride: [usize; 2], filters: usize, epilogue: netwright_abi::Epilogue) -> Spec {
        Spec {
            input,
            output: [input[0].div_ceil(stride[0]), input[1].div_ceil(stride[1]), filters],
            window: [1; 2],
            stride,
            padding: [0; 4],
            dilation: [1; 2],
            groups: 1,
            epilogue,
        }
    }

    /// Some images on so many threads.
    fn on(threads: usize, batch: usize, spec: &Spec) -> std::vec::Vec<f32> {
        let (mut filters, mut scratch) = (memory(spec.packed_len()), memory(threads * packed_forward_scratch(spec)));
        let (turns, mut y) = (Turns(threads), numbers(batch * spec.output_len(), 4));
        super::super::conv_pack(&Context::of(1), spec, &numbers(spec.weights_len(), 2), &mut filters);
        let (x, context) = (numbers(batch * spec.input_len(), 1), Context::on(batch, &turns));
        super::super::conv_packed_forward(&context, spec, &x, &filters, &[], &[], &mut y, &mut scratch);
        y
    }

    proptest! {
        #![proptest_config(shapes(40))]

        #[test]
        fn pixels_that_are_copied_agree_with_the_reference(
            size in [1usize..9, 1usize..9, 1usize..30], stride in [1usize..4, 1usize..4], filters in FILTERS..200,
            batch in 1usize..3, epilogue in epilogues(), each_filter in any::<[bool; 2]>(),
        ) {
            let spec = spec(size, stride, filters, epilogue);
            prop_assert_eq!(copies(&spec), stride != [1; 2]);
            forward_agrees::<f32>(batch, &spec, each_filter, &packed());
            forward_agrees::<f64>(batch, &spec, each_filter, &packed());
        }
    }

    /// Sums that are taken in parts, of pixels where they lie and of more than are copied at once; and so many threads that parts are cut otherwise.
    #[test]
    fn many_channels_have_the_same_bits_on_any_number_of_threads() {
        for (input, stride) in [([11, 9, LONGEST + PART / 2 + 5], [1; 2]), ([9, 7, 6 * PART], [2, 1])] {
            let spec = spec(input, stride, FILTERS + 3, netwright_abi::Epilogue::NONE);
            assert_eq!(copies(&spec), stride != [1; 2]);
            assert!(!copies(&spec) || at_once(&spec) < spec.output[0] * spec.output[1]);
            forward_agrees::<f32>(1, &spec, [false; 2], &packed());
            let alone = on(1, 2, &spec);
            assert!([2, 3, 7].into_iter().all(|threads| on(threads, 2, &spec) == alone));
        }
    }
}
