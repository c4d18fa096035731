//! Convolution without scratch memory: `conv_direct`.
//!
//! Windows are read from the image and filters from the weights, without copies. Windows that extend into the padding are clipped to the
//! image and computed one position at a time; all other positions of a row are one matrix product.

use core::ops::Range;

use super::{Spec, add_bias_gradient, split_weights, strips};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::gemm::tile::{self, PANEL, Product};
use crate::kernels::elementary::Elementary;
use crate::kernels::images::images;
use crate::scalar::Scalar;
use crate::simd::Isa;

/// y = f(scale · (w ∗ x) + shift + y), without scratch memory.
pub fn conv_direct_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    context.split_windows(spec, x, y, &mut [], &|spec, x, y, _| forward(context.isa(), spec, x, w, scale, shift, y));
}

/// dx = ∂ℓ/∂x from dy and w; `packed` holds the filters of [`conv_direct_pack_rotated`], or is empty.
pub fn conv_direct_grad_input<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    packed: &[T],
    dx: &mut [T],
) {
    assert!(packed.is_empty() || packed.len() == w.len(), "length of the packed filters");
    spec.check(context.batch, dx.len(), w.len(), [0; 2], dy.len());
    grad_input(context.isa(), spec, dy, [w, packed], dx);
}

/// Packs the filters as `conv_direct_grad_input` would otherwise transpose them in every pass.
pub fn conv_direct_pack_rotated<T: Scalar>(_context: &Context<'_>, spec: &Spec, w: &[T], prepared: &mut [T]) {
    assert!(w.len() == spec.weights_len() && prepared.len() == w.len(), "length of the filters");
    pack_rotated(spec, w, prepared);
}

/// Returns the elements of scratch memory that `conv_direct_grad_weights` needs per thread, whatever the batch: none for small images.
pub const fn conv_direct_grad_weights_scratch(spec: &Spec) -> usize {
    strips::scratch(spec)
}

/// dw += ∂ℓ/∂w and db += ∂ℓ/∂b from x and dy.
#[allow(clippy::too_many_arguments)]
pub fn conv_direct_grad_weights<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    spec.check(context.batch, x.len(), dw.len(), [0, db.len()], dy.len());
    add_bias_gradient(context, dy, db);
    strips::in_strips(spec, x, dy, dw, scratch, &mut |spec, x, dy, dw, _| {
        split_weights(context, spec, dy, dw, &mut [], &|rows, dw, _| {
            grad_weights(context.isa(), spec, x, dy, rows, dw);
        });
    });
}

/// Returns the offset in an image of the first channel that a tap reads; the tap is inside the image.
fn offset(spec: &Spec, position: [usize; 2], tap: [usize; 2]) -> usize {
    let at =
        |axis: usize| position[axis] * spec.stride[axis] + tap[axis] * spec.dilation[axis] - spec.padding[2 * axis];
    (at(0) * spec.input[1] + at(1)) * spec.input[2]
}

/// Computes the forward pass. Lengths are checked.
#[allow(clippy::too_many_arguments)]
pub(super) fn forward<T: Elementary>(isa: Isa, spec: &Spec, x: &[T], w: &[T], scale: &[T], shift: &[T], y: &mut [T]) {
    let epilogue = Epilogue::new(spec.epilogue, scale, shift);
    let [_, columns, all] = spec.output;
    // The positions of a row whose windows are entirely inside the image.
    let inside = {
        let (first, last) = (spec.positions_inside(1, 0), spec.positions_inside(1, spec.window[1] - 1));
        let start = first.start.max(last.start);
        start..first.end.min(last.end).max(start)
    };
    for (x, y) in images(x, spec.input_len(), y, spec.output_len()) {
        for (row, y) in y.chunks_exact_mut(spec.rows_len()[1]).enumerate() {
            for column in (0..inside.start.min(columns)).chain(inside.end..columns) {
                windows(isa, spec, [row, column], 1, x, w, epilogue, &mut y[column * all..]);
            }
            if !inside.is_empty() {
                windows(isa, spec, [row, inside.start], inside.len(), x, w, epilogue, &mut y[inside.start * all..]);
            }
        }
    }
}

/// Computes `count` adjacent positions from `position` on, all of which have the same taps inside the image.
#[allow(clippy::too_many_arguments)]
fn windows<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    position: [usize; 2],
    count: usize,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let ([channels, filters], all) = (spec.group(), spec.output[2]);
    let (down, across) = (spec.taps_inside(0, position[0]), spec.taps_inside(1, position[1]));
    if down.is_empty() || across.is_empty() {
        return epilogue.of_zero(isa, all, &mut y[..count * all]);
    }
    let first = offset(spec, position, [down.start, across.start]);
    let end = offset(spec, [position[0], position[1] + count - 1], [down.end - 1, across.end - 1]);
    assert!(end + spec.input[2] <= x.len() && count * all <= y.len(), "windows inside the image");
    assert_eq!(w.len(), spec.weights_len());
    let step = [spec.dilation[0] * spec.rows_len()[0], spec.dilation[1] * spec.input[2], 1];
    let rows = [spec.window[1] * channels, channels, 1];
    let (loops, a_step, b_rows) = if spec.groups == 1 && spec.dilation[1] == 1 {
        ([1, down.len(), across.len() * channels], [0, step[0], 1], [0, rows[0], 1])
    } else {
        ([down.len(), across.len(), channels], step, rows)
    };
    for group in 0..spec.groups {
        // SAFETY: the assertions above check that the windows are inside `x`, the positions inside `y`, and that `w` has all taps; `y` is
        // borrowed mutably, so that nothing overlaps it; an epilogue has an element for each filter.
        unsafe {
            tile::run(
                isa,
                &Product {
                    rows: count,
                    columns: filters,
                    loops,
                    a: x.as_ptr().add(first + group * channels),
                    a_row: spec.stride[1] * spec.input[2],
                    a_step,
                    b: w.as_ptr().add((down.start * spec.window[1] + across.start) * channels * all + group * filters),
                    b_rows,
                    b_panel: PANEL,
                    b_width: all,
                    b_last: all,
                    c: y.as_mut_ptr().add(group * filters),
                    c_row: all,
                    epilogue: epilogue.channels(group * filters, filters),
                },
            );
        }
    }
}

/// Calls `visit` with every tap and the rows and columns of positions at which it is inside the image.
fn for_taps(spec: &Spec, mut visit: impl FnMut([usize; 2], Range<usize>, Range<usize>)) {
    for i in 0..spec.window[0] {
        for j in 0..spec.window[1] {
            let (rows, columns) = (spec.positions_inside(0, i), spec.positions_inside(1, j));
            if !rows.is_empty() && !columns.is_empty() {
                visit([i, j], rows, columns);
            }
        }
    }
}

/// Filters and channels of a block of weights that is transposed on the stack.
const BLOCK: usize = 16;

/// A block of the weights of a tap in a group: `width` channels from `channel` on, `depth` filters from `filter` on.
#[derive(Clone, Copy)]
struct WeightBlock {
    tap: usize,
    group: usize,
    channel: usize,
    filter: usize,
    width: usize,
    depth: usize,
}

impl WeightBlock {
    /// Returns the blocks of a tap, in order.
    fn of_tap(spec: &Spec, tap: usize) -> impl Iterator<Item = Self> + use<> {
        let ([channels, filters], groups) = (spec.group(), spec.groups);
        (0..groups).flat_map(move |group| {
            (0..channels).step_by(BLOCK).flat_map(move |channel| {
                (0..filters).step_by(BLOCK).map(move |filter| {
                    let (width, depth) = (BLOCK.min(channels - channel), BLOCK.min(filters - filter));
                    Self { tap, group, channel, filter, width, depth }
                })
            })
        })
    }

    /// Writes the block transposed: its rows are filters.
    fn transpose<T: Copy>(&self, spec: &Spec, w: &[T], to: &mut [T]) {
        let ([channels, filters], all) = (spec.group(), spec.output[2]);
        for c in 0..self.width {
            let row = (self.tap * channels + self.channel + c) * all + self.group * filters + self.filter;
            for (f, &weight) in w[row..row + self.depth].iter().enumerate() {
                to[f * self.width + c] = weight;
            }
        }
    }
}

/// Packs the weights tap by tap in the order of [`grad_input`]. Lengths are checked.
pub(super) fn pack_rotated<T: Copy>(spec: &Spec, w: &[T], mut packed: &mut [T]) {
    for block in (0..spec.window[0] * spec.window[1]).flat_map(|tap| WeightBlock::of_tap(spec, tap)) {
        let (to, rest) = core::mem::take(&mut packed).split_at_mut(block.width * block.depth);
        block.transpose(spec, w, to);
        packed = rest;
    }
}

/// Computes dx: each tap adds its products with dy to the positions that it read. Lengths are checked.
pub(super) fn grad_input<T: Elementary>(isa: Isa, spec: &Spec, dy: &[T], [w, packed]: [&[T]; 2], dx: &mut [T]) {
    let ([channels, filters], all) = (spec.group(), spec.output[2]);
    let [x_row, y_row] = spec.rows_len();
    assert_eq!(w.len(), spec.weights_len());
    dx.fill(T::ZERO);
    let mut own = [T::ZERO; BLOCK * BLOCK];
    for_taps(spec, |[i, j], rows, columns| {
        let tap = i * spec.window[1] + j;
        let mut packed = packed.get(tap * channels * all..).unwrap_or_default();
        for part in WeightBlock::of_tap(spec, tap) {
            let WeightBlock { group, channel, filter, width, depth, .. } = part;
            let block = if packed.is_empty() {
                part.transpose(spec, w, &mut own);
                &own[..width * depth]
            } else {
                let (block, rest) = packed.split_at(width * depth);
                packed = rest;
                block
            };
            for (dy, dx) in dy.chunks_exact(spec.output_len()).zip(dx.chunks_exact_mut(spec.input_len())) {
                for row in rows.clone() {
                    let from = row * y_row + columns.start * all + group * filters + filter;
                    let to = offset(spec, [row, columns.start], [i, j]) + group * channels + channel;
                    let last = offset(spec, [row, columns.end - 1], [i, j]) + group * channels + channel + width;
                    assert!(last <= dx.len() && last <= spec.input[0] * x_row, "positions inside the image");
                    assert!(from + (columns.len() - 1) * all + depth <= dy.len());
                    // SAFETY: the assertions above check that the first and the last position are inside `dy` and `dx`; the block has
                    // `depth` rows of `width` elements.
                    unsafe {
                        let c = dx.as_mut_ptr().add(to);
                        tile::run(
                            isa,
                            &Product {
                                rows: columns.len(),
                                columns: width,
                                loops: [1, 1, depth],
                                a: dy.as_ptr().add(from),
                                a_row: all,
                                a_step: [0, 0, 1],
                                b: block.as_ptr(),
                                b_rows: [0, 0, 1],
                                b_panel: PANEL,
                                b_width: width,
                                b_last: width,
                                c,
                                c_row: spec.stride[1] * spec.input[2],
                                epilogue: Epilogue::ACCUMULATE,
                            },
                        );
                    }
                }
            }
        }
    });
}

/// Adds to `dw`, which is some rows of the gradient of the weights, one for each tap and channel of a group. The sum of each tap is over
/// the positions at which it is inside the image. Lengths are checked.
pub(super) fn grad_weights<T: Elementary>(
    isa: Isa,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    rows_of_weights: Range<usize>,
    dw: &mut [T],
) {
    let ([channels, filters], all) = (spec.group(), spec.output[2]);
    let [x_row, y_row] = spec.rows_len();
    assert_eq!(dw.len(), rows_of_weights.len() * all);
    for (x, dy) in x.chunks_exact(spec.input_len()).zip(dy.chunks_exact(spec.output_len())) {
        for_taps(spec, |[i, j], rows, columns| {
            let tap = (i * spec.window[1] + j) * channels;
            // The channels of this tap among the rows.
            let channel = rows_of_weights.start.clamp(tap, tap + channels);
            let count = rows_of_weights.end.clamp(channel, tap + channels) - channel;
            if count == 0 {
                return;
            }
            let first = offset(spec, [rows.start, columns.start], [i, j]);
            let last = offset(spec, [rows.end - 1, columns.end - 1], [i, j]);
            assert!(last + spec.input[2] <= x.len() && rows.end * y_row <= dy.len(), "positions inside the image");
            for group in 0..spec.groups {
                // SAFETY: the assertions above check that the first and the last position are inside `x` and `dy`; dw is borrowed mutably
                // and has `count` rows from `channel` on.
                unsafe {
                    let c = dw.as_mut_ptr().add((channel - rows_of_weights.start) * all + group * filters);
                    tile::run(
                        isa,
                        &Product {
                            rows: count,
                            columns: filters,
                            loops: [1, rows.len(), columns.len()],
                            a: x.as_ptr().add(first + group * channels + channel - tap),
                            a_row: 1,
                            a_step: [0, spec.stride[0] * x_row, spec.stride[1] * spec.input[2]],
                            b: dy.as_ptr().add(rows.start * y_row + columns.start * all + group * filters),
                            b_rows: [0, spec.output[1], 1],
                            b_panel: PANEL,
                            b_width: all,
                            b_last: all,
                            c,
                            c_row: all,
                            epilogue: Epilogue::ACCUMULATE,
                        },
                    );
                }
            }
        });
    }
}
