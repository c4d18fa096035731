//! Convolutions whose windows are single pixels, predicted: the pixels are the rows of one product. Where they lie badly they are copied
//! first, a few at a time, each once for all filters.

use super::Spec;
use super::correlate::Correlation;
use super::gemm::of_panels;
use crate::epilogue::Epilogue;
use crate::gemm::pack::GAP;
use crate::gemm::tile::PANEL;
use crate::kernels::elementary::Elementary;
use crate::simd::Isa;

/// Elements that are copied at once, about: with as many of the filters they stay in a second-level cache.
const COPIED: usize = 96 * 1024;

/// Elements of pixels that stay in a second-level cache, beside few filters.
pub(super) const CACHED: usize = 128 * 1024;

/// Elements of filters that are met by all pixels before the next, which come from memory meanwhile.
const FEW: usize = 32 * 1024;

/// As many whole panels of filters as that.
pub(super) fn group(depth: usize, filters: usize) -> usize {
    (FEW / depth / PANEL * PANEL).clamp(PANEL, filters.next_multiple_of(PANEL)).min(filters)
}

/// Pixels that fill a register tile.
const LEAST: usize = 12;

/// Filters from which on copying a pixel takes little beside what is computed of it.
const FILTERS: usize = 128;

/// Channels of pixels that lie 4096 bytes apart in single precision, or a multiple: those share a few places of a first-level cache, which
/// has not as many as a register tile has rows.
const ALIASED: usize = 1024;

/// Whether pixels are copied.
pub(super) const fn copies(spec: &Spec) -> bool {
    let ([height, width, channels], [rows, columns, filters]) = (spec.input, spec.output);
    let is_pixel = spec.groups == 1
        && matches!((spec.window, spec.padding), ([1, 1], [0, 0, 0, 0]))
        && (rows - 1) * spec.stride[0] < height
        && (columns - 1) * spec.stride[1] < width;
    let steps = spec.stride[0] > 1 || spec.stride[1] > 1;
    is_pixel && filters >= FILTERS && (steps || channels.is_multiple_of(ALIASED))
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
pub(super) fn row(pixels: usize, [apart, channels]: [usize; 2], filters: usize) -> Correlation {
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
            of_panels(
                isa,
                self::row(count, [apart, channels], filters),
                channels,
                true,
                copies,
                w,
                epilogue,
                y,
                &mut [],
            );
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

    /// More pixels than are copied at once, of as many channels as lie badly; and so many threads that parts are copied otherwise.
    #[test]
    fn many_channels_have_the_same_bits_on_any_number_of_threads() {
        for (input, stride) in [([11, 9, ALIASED], [1; 2]), ([9, 7, 3 * ALIASED], [2, 1])] {
            let spec = spec(input, stride, FILTERS, netwright_abi::Epilogue::NONE);
            assert!(copies(&spec) && at_once(&spec) < spec.output[0] * spec.output[1]);
            forward_agrees::<f32>(1, &spec, [false; 2], &packed());
            let alone = on(1, 2, &spec);
            assert!([2, 3, 7].into_iter().all(|threads| on(threads, 2, &spec) == alone));
        }
    }
}
