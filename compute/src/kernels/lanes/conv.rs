//! Convolution of blocks of images in the lanes: a direct loop over the taps inside the image.

use core::ops::Range;

use super::tile::{PixelRange, compute};
use super::{LANES, blocks};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::conv::Spec;
use crate::kernels::elementary::Elementary;
use crate::simd::{Isa, Simd, WithSimd};

/// y = f(scale · (w ∗ x) + shift + y) for a batch of blocks of images.
pub fn conv_lanes_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    spec.check(context.batch * LANES, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    assert_eq!(spec.groups, 1, "a convolution of images in the lanes has one group");
    context.isa().dispatch(Forward {
        isa: context.isa(),
        spec,
        x,
        w,
        epilogue: Epilogue::new(spec.epilogue, scale, shift),
        y,
    });
}

struct Forward<'a, T> {
    isa: Isa,
    spec: &'a Spec,
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary> WithSimd<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { isa, spec, x, w, epilogue, y } = self;
        let (filters, row_len) = (Filters { w, panel: spec.output[2] }, spec.rows_len()[1] * LANES);
        for (x, y) in blocks(x, spec.input_len()).zip(y.chunks_exact_mut(spec.output_len() * LANES)) {
            for (row, y) in y.chunks_exact_mut(row_len).enumerate() {
                compute_row(simd, spec, filters, epilogue, row, x, y);
                epilogue.finish(isa, y);
            }
        }
    }
}

/// Filters in panels of `panel` filters. In a panel, the weights of all filters are contiguous for each tap and channel.
#[derive(Clone, Copy)]
pub(super) struct Filters<'a, T> {
    pub(super) w: &'a [T],
    pub(super) panel: usize,
}

/// Computes a row of the output of a block, with the epilogue except for the activation beyond its bounds.
#[inline(always)]
pub(super) fn compute_row<T: Elementary, S: Simd<T>>(
    simd: S,
    spec: &Spec,
    Filters { w, panel }: Filters<'_, T>,
    epilogue: Epilogue<'_, T>,
    row: usize,
    x: &[T],
    y: &mut [T],
) {
    let ([_, _, channels], [_, columns, filters]) = (spec.input, spec.output);
    let (x_pixel, y_pixel) = (channels * LANES, filters * LANES);
    let depth = spec.weights_len() / filters;
    assert!(spec.groups == 1 && w.len() == spec.weights_len(), "the filters of a row");
    assert!(x.len() == spec.input_len() * LANES && y.len() == columns * y_pixel, "a row of a block");
    epilogue.check(filters);
    // Adjacent columns whose taps are all inside the image are one range.
    let [first, last] = [0, spec.window[1] - 1].map(|tap| spec.positions_inside(1, tap));
    let inner = first.start.max(last.start)..first.end.min(last.end);
    let inner = if inner.is_empty() { columns..columns } else { inner };
    let mut compute_columns = |columns: Range<usize>| {
        let window = Window::at(spec, row, columns.start);
        for filter in (0..filters).step_by(panel) {
            let count = panel.min(filters - filter);
            for images in (0..LANES).step_by(S::LANES) {
                let range = PixelRange {
                    pixels: columns.len(),
                    filters: count,
                    loops: window.loops,
                    first: window.first,
                    terms: [spec.window[1] * channels, channels],
                    x: x[window.source..].as_ptr().wrapping_add(images),
                    x_step: window.steps,
                    x_pixel: spec.stride[1] * x_pixel,
                    w: w[filter * depth..].as_ptr(),
                    w_term: count,
                    y: y[columns.start * y_pixel + filter * LANES..].as_mut_ptr().wrapping_add(images),
                    y_pixel,
                    epilogue: epilogue.channels(filter, count),
                };
                // SAFETY: the assertions above compare the lengths with the sizes. All taps of `window` are inside the image for each of
                // these columns, so that inputs are those of one block, weights those of a panel, and outputs those of one row; `S::LANES`
                // divides a block. y is borrowed mutably.
                unsafe { compute(simd, &range) };
            }
        }
    };
    (0..inner.start).for_each(|column| compute_columns(column..column + 1));
    if !inner.is_empty() {
        compute_columns(inner.clone());
    }
    (inner.end..columns).for_each(|column| compute_columns(column..column + 1));
}

/// The taps of a window that are inside the image.
struct Window {
    /// Rows, columns and channels: columns and channels are one loop where they are contiguous.
    loops: [usize; 3],
    /// The index of its first term in the whole window.
    first: usize,
    /// The offset of its first input in a block.
    source: usize,
    /// The distances between rows, and between columns.
    steps: [usize; 2],
}

impl Window {
    fn at(spec: &Spec, row: usize, column: usize) -> Self {
        let [_, width, channels] = spec.input;
        let [down, across] = [(0, row), (1, column)].map(|(axis, position)| spec.taps_inside(axis, position));
        let source = |axis: usize, position: usize, taps: &Range<usize>| {
            if taps.is_empty() { 0 } else { spec.source(axis, position, taps.start).unwrap_or(0) }
        };
        let pixel = source(0, row, &down) * width + source(1, column, &across);
        let loops = match spec.dilation[1] {
            1 => [down.len(), 1, across.len() * channels],
            _ => [down.len(), across.len(), channels],
        };
        let [dilated_rows, dilated_columns] = spec.dilation;
        Self {
            loops,
            first: (down.start * spec.window[1] + across.start) * channels,
            source: pixel * channels * LANES,
            steps: [dilated_rows * width * channels * LANES, dilated_columns * channels * LANES],
        }
    }
}
