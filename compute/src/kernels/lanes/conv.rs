//! Convolution of blocks of images in the lanes: straight over the taps that lie inside the image.

use core::ops::Range;

use super::tile::{Stretch, compute};
use super::{LANES, blocks};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::conv::Spec;
use crate::kernels::elementary::Elementary;
use crate::simd::{Isa, Simd, WithSimd};

/// y from x, w, scale, shift: `y = f(scale · Σ a·w + shift)`, for a batch of blocks of images.
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

/// Filters in panels of so many, each of which has the weights of its filters side by side for every tap and channel.
#[derive(Clone, Copy)]
pub(super) struct Filters<'a, T> {
    pub(super) w: &'a [T],
    pub(super) panel: usize,
}

/// A row of the output of a block, but for what the epilogue's floor leaves of its activation.
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
    // Columns with all their taps inside the image are computed several at once.
    let [first, last] = [0, spec.window[1] - 1].map(|tap| spec.positions_inside(1, tap));
    let inner = first.start.max(last.start)..first.end.min(last.end);
    let inner = if inner.is_empty() { columns..columns } else { inner };
    let mut stretch = |columns: Range<usize>| {
        let window = Window::at(spec, row, columns.start);
        for filter in (0..filters).step_by(panel) {
            let count = panel.min(filters - filter);
            for images in (0..LANES).step_by(S::LANES) {
                let stretch = Stretch {
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
                // SAFETY: the lengths were just compared with the sizes. All taps of the window that is walked over lie inside the
                // image, for each of these columns, so that inputs are those of one block, weights those of a panel, and
                // outputs those of one row; `S::LANES` divides a block. y is borrowed mutably.
                unsafe { compute(simd, &stretch) };
            }
        }
    };
    (0..inner.start).for_each(|column| stretch(column..column + 1));
    if !inner.is_empty() {
        stretch(inner.clone());
    }
    (inner.end..columns).for_each(|column| stretch(column..column + 1));
}

/// The part of a window that lies inside the image.
struct Window {
    /// Its rows, then its columns and channels: together where they lie side by side.
    loops: [usize; 3],
    /// The place of its first term among those of the whole window.
    first: usize,
    /// The place of its first input in a block.
    source: usize,
    /// From a row, and from a column, to the next.
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
