//! Convolution in many small groups (Xie et al., 2017: ResNeXt), with groups in the lanes of vectors: `conv_grouped`.
//!
//! A group of four channels fills no vector, but four channels of eight groups fill four. A band of pixels is turned from
//! `[group][channel]` to `[channel][group]`, which costs little beside the arithmetic, and the weights once for each pass; from
//! then on every product of a channel by a weight is one of whole vectors, for any number of channels in a group:
//! y\[outer]\[group] += x\[inner]\[group] · w\[inner]\[outer]\[group].
//!
//! | pass | rows of a register tile | columns | the sum walks over |
//! |---|---|---|---|
//! | forward | positions | filters | taps and channels |
//! | gradient of the input, by phases of the stride | positions | channels | taps and filters |
//! | gradient of the weights | taps and channels | filters | positions |

use super::correlate::{Correlation, band_len, extent};
use super::gemm::{Phase, phase_tap_step, phase_taps, reached};
use super::{Spec, add_bias_gradient};
use crate::gemm::Epilogue;
use crate::gemm::vector::{Body, Level, Vector, run};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;

mod regroup;
#[cfg(test)]
mod tests;
mod tile;
mod weights;
mod windows;

use regroup::{Layout, gather, scatter};
use weights::Gradient;
use windows::{End, Windows};

/// The widest vector: so many groups are side by side, or fewer.
const LANES: usize = 8;

/// Channels that are turned together, and columns of a register tile.
const QUAD: usize = 4;

/// Numbers of x and dy that are turned at once for the gradient of the weights: less than half of a second-level cache.
const CHUNK: usize = 48 * 1024;

/// Positions whose part of the gradient of the weights is summed in registers: their quad of dy stays in the first cache.
const POSITIONS: usize = 128;

/// Images that are taken together at most, where they are small.
const IMAGES: usize = 8;

/// Groups side by side, from `first` on: one in each lane.
#[derive(Clone, Copy)]
struct Block {
    first: usize,
    groups: usize,
}

/// Channels and filters of a group, and the taps of a filter.
#[derive(Clone, Copy)]
struct Sizes {
    inner: usize,
    outer: usize,
    taps: usize,
}

impl Sizes {
    const fn new(spec: &Spec) -> Self {
        Self {
            inner: spec.input[2] / spec.groups,
            outer: spec.output[2] / spec.groups,
            taps: spec.window[0] * spec.window[1],
        }
    }

    /// Numbers of a block's weights, turned, in vectors of `lanes`.
    const fn weights_len(&self, lanes: usize) -> usize {
        self.taps * self.inner * self.outer.next_multiple_of(QUAD) * lanes
    }
}

/// Numbers of scratch memory that `conv_grouped_forward` asks for, whatever the batch.
pub const fn conv_grouped_forward_scratch(spec: &Spec) -> usize {
    let sizes = Sizes::new(spec);
    let positions = [spec.output[0], spec.output[1]];
    sizes.weights_len(LANES)
        + 2 * sizes.outer.next_multiple_of(QUAD) * LANES
        + band_len(positions, spec.stride, spec.window, spec.dilation, sizes.inner * LANES)
}

/// Numbers of scratch memory that `conv_grouped_grad_input` asks for, whatever the batch.
pub const fn conv_grouped_grad_input_scratch(spec: &Spec) -> usize {
    let Sizes { inner, outer, .. } = Sizes::new(spec);
    let taps = [phase_taps(spec, 0), phase_taps(spec, 1)];
    let tap_step = [phase_tap_step(spec, 0), phase_tap_step(spec, 1)];
    let turned = Sizes { inner: outer, outer: inner, taps: taps[0] * taps[1] };
    let positions = [spec.input[0].div_ceil(spec.stride[0]), spec.input[1].div_ceil(spec.stride[1])];
    turned.weights_len(LANES) + band_len(positions, [1, 1], taps, tap_step, outer * LANES)
}

/// Numbers of scratch memory that `conv_grouped_grad_weights` asks for, whatever the batch.
pub const fn conv_grouped_grad_weights_scratch(spec: &Spec) -> usize {
    let sizes = Sizes::new(spec);
    let columns = extent(spec.output[1], spec.stride[1], spec.window[1], spec.dilation[1]);
    let row = columns * sizes.inner * LANES;
    let pixels = spec.output[1] * sizes.outer.next_multiple_of(QUAD) * LANES;
    let whole =
        extent(spec.output[0], spec.stride[0], spec.window[0], spec.dilation[0]) * row + spec.output[0] * pixels;
    let least = extent(1, spec.stride[0], spec.window[0], spec.dilation[0]) * row + pixels;
    let chunk = if whole * IMAGES <= CHUNK {
        whole * IMAGES
    } else if least <= CHUNK {
        CHUNK
    } else {
        least
    };
    sizes.weights_len(LANES) + chunk
}

/// `conv_grouped`: y from x, w, scale, shift.
#[allow(clippy::too_many_arguments)]
pub fn conv_grouped_forward<T: Elementary>(
    batch: usize,
    spec: &Spec,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    spec.check(batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    let epilogue = spec.ending.epilogue(scale, shift);
    run(Level::detect(), Job { spec, pass: Pass::Forward { x, w, epilogue, y: &mut *y }, scratch });
    spec.ending.finish(y);
}

/// `conv_grouped`: dx from dy, w.
pub fn conv_grouped_grad_input<T: Scalar>(
    batch: usize,
    spec: &Spec,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    spec.check(batch, dx.len(), w.len(), [0; 2], dy.len());
    run(Level::detect(), Job { spec, pass: Pass::GradInput { dy, w, dx }, scratch });
}

/// `conv_grouped`: dw and db, added to, from x, dy.
pub fn conv_grouped_grad_weights<T: Scalar>(
    batch: usize,
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut [T],
) {
    spec.check(batch, x.len(), dw.len(), [0, db.len()], dy.len());
    add_bias_gradient(dy, db);
    run(Level::detect(), Job { spec, pass: Pass::GradWeights { x, dy, dw }, scratch });
}

/// Which pass, with its operands; lengths are checked.
enum Pass<'a, T> {
    Forward { x: &'a [T], w: &'a [T], epilogue: Epilogue<'a, T>, y: &'a mut [T] },
    GradInput { dy: &'a [T], w: &'a [T], dx: &'a mut [T] },
    GradWeights { x: &'a [T], dy: &'a [T], dw: &'a mut [T] },
}

/// A pass over all images.
struct Job<'a, T> {
    spec: &'a Spec,
    pass: Pass<'a, T>,
    scratch: &'a mut [T],
}

impl<T: Scalar> Body<T> for Job<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<T>>(self) {
        let Self { spec, mut pass, scratch } = self;
        const { assert!(V::LANES <= LANES, "scratch memory is for vectors of at most so many lanes") };
        if let Pass::GradInput { dx, .. } = &mut pass
            && !reached(spec)
        {
            dx.fill(T::ZERO);
        }
        for first in (0..spec.groups).step_by(V::LANES) {
            let block = Block { first, groups: V::LANES.min(spec.groups - first) };
            // SAFETY: the caller of `run` promises the instructions; the functions check their slices.
            unsafe {
                match &mut pass {
                    Pass::Forward { x, w, epilogue, y } => forward::<T, V>(spec, block, x, w, *epilogue, y, scratch),
                    Pass::GradInput { dy, w, dx } => grad_input::<T, V>(spec, block, dy, w, dx, scratch),
                    Pass::GradWeights { x, dy, dw } => grad_weights::<T, V>(spec, block, x, dy, dw, scratch),
                }
            }
        }
    }
}

/// The windows of the forward pass, whose first channel and first filter are the block's.
fn windows(spec: &Spec, block: Block, lanes: usize) -> Correlation {
    let Sizes { inner, outer, .. } = Sizes::new(spec);
    let all = spec.output[2];
    Correlation {
        source: spec.input,
        channels: [block.first * inner, inner * lanes],
        before: [spec.padding[0].cast_signed(), spec.padding[2].cast_signed()],
        positions: [spec.output[0], spec.output[1]],
        step: spec.stride,
        taps: spec.window,
        tap_step: spec.dilation,
        target: [spec.output_len(), block.first * outer],
        target_step: [spec.output[1] * all, all],
    }
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn forward<T: Scalar, V: Vector<T>>(
    spec: &Spec,
    block: Block,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
    scratch: &mut [T],
) {
    let sizes @ Sizes { inner, outer, .. } = Sizes::new(spec);
    let (weights, memory) = scratch.split_at_mut(sizes.weights_len(V::LANES));
    let each_filter = outer.next_multiple_of(QUAD) * V::LANES;
    let (scale, memory) = memory.split_at_mut(each_filter);
    let (shift, memory) = memory.split_at_mut(each_filter);
    let layout = Layout { quad: QUAD * V::LANES, channel: V::LANES, whole: true };
    // SAFETY: the caller's promise; a block's filters lie in each row of the weights, and in a scale and a shift.
    unsafe {
        turn_weights::<T, V>(spec, block, w, weights);
        for (from, to) in [(epilogue.scale, &mut *scale), (epilogue.shift, &mut *shift)] {
            if !from.is_empty() {
                let from = from[block.first * outer..][..block.groups * outer].as_ptr();
                gather::<T, V>(from, [block.groups, outer], to.as_mut_ptr(), layout);
            }
        }
        let end = End {
            scale: if epilogue.scale.is_empty() { &[] } else { scale },
            shift: if epilogue.shift.is_empty() { &[] } else { shift },
            floor: epilogue.floor,
            accumulate: spec.ending.accumulate,
        };
        Windows { walk: windows(spec, block, V::LANES), block, inner, outer, weights, end }.run::<V>(x, y, memory);
    }
}

/// Writes a block's weights as `[quad of filters][tap][channel][QUAD]` vectors.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn turn_weights<T: Scalar, V: Vector<T>>(spec: &Spec, block: Block, w: &[T], turned: &mut [T]) {
    let sizes @ Sizes { inner, outer, taps } = Sizes::new(spec);
    assert!(w.len() == spec.weights_len() && turned.len() == sizes.weights_len(V::LANES), "lengths of the weights");
    let layout = Layout { quad: taps * inner * QUAD * V::LANES, channel: V::LANES, whole: true };
    for row in 0..taps * inner {
        // SAFETY: every row of the weights has the filters of all groups.
        unsafe {
            let from = w.as_ptr().add(row * spec.output[2] + block.first * outer);
            gather::<T, V>(from, [block.groups, outer], turned.as_mut_ptr().add(row * QUAD * V::LANES), layout);
        }
    }
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn grad_input<T: Scalar, V: Vector<T>>(
    spec: &Spec,
    block: Block,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    let Sizes { inner, outer, .. } = Sizes::new(spec);
    let [_, width, all] = spec.input;
    assert_eq!(w.len(), spec.weights_len(), "length of the weights");
    for (top, left) in (0..spec.stride[0]).flat_map(|top| (0..spec.stride[1]).map(move |left| (top, left))) {
        let (down, across) = (Phase::new(spec, 0, top), Phase::new(spec, 1, left));
        let turned = Sizes { inner: outer, outer: inner, taps: down.taps * across.taps };
        if turned.taps == 0 || down.positions == 0 || across.positions == 0 {
            continue;
        }
        let walk = Correlation {
            source: spec.output,
            channels: [block.first * outer, outer * V::LANES],
            before: [down.before, across.before],
            positions: [down.positions, across.positions],
            step: [1, 1],
            taps: [down.taps, across.taps],
            tap_step: [down.tap_step, across.tap_step],
            target: [spec.input_len(), (top * width + left) * all + block.first * inner],
            target_step: [spec.stride[0] * width * all, spec.stride[1] * all],
        };
        let (weights, memory) = scratch.split_at_mut(turned.weights_len(V::LANES));
        if !inner.is_multiple_of(QUAD) {
            weights.fill(T::ZERO);
        }
        // For each channel a vector for each filter: they are the rows of this product, and the last tap comes first.
        let layout = Layout { quad: QUAD * QUAD * V::LANES, channel: QUAD * V::LANES, whole: false };
        for (n, channel) in (0..turned.taps).flat_map(|n| (0..inner).map(move |channel| (n, channel))) {
            let i = down.first + (down.taps - 1 - n / across.taps) * down.every;
            let j = across.first + (across.taps - 1 - n % across.taps) * across.every;
            let row = (channel / QUAD * turned.taps + n) * outer * QUAD + channel % QUAD;
            // SAFETY: the caller's promise; every row of the weights has the filters of all groups, and the turned ones have
            // `outer` rows for each quad of channels and each tap.
            unsafe {
                let from = ((i * spec.window[1] + j) * inner + channel) * spec.output[2] + block.first * outer;
                let to = weights.as_mut_ptr().add(row * V::LANES);
                gather::<T, V>(w.as_ptr().add(from), [block.groups, outer], to, layout);
            }
        }
        let windows = Windows { walk, block, inner: outer, outer: inner, weights, end: End::none() };
        // SAFETY: the caller's promise.
        unsafe { windows.run::<V>(dy, dx, memory) };
    }
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn grad_weights<T: Scalar, V: Vector<T>>(
    spec: &Spec,
    block: Block,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut [T],
) {
    let sizes @ Sizes { inner, outer, taps } = Sizes::new(spec);
    let (sums, memory) = scratch.split_at_mut(sizes.weights_len(V::LANES));
    let pixels = Correlation {
        source: spec.output,
        channels: [block.first * outer, outer * V::LANES],
        before: [0; 2],
        positions: [spec.output[0], spec.output[1]],
        step: [1; 2],
        taps: [1; 2],
        tap_step: [1; 2],
        target: [0; 2],
        target_step: [0; 2],
    };
    // SAFETY: the caller's promise; a block's filters lie in each row of the weights.
    unsafe {
        turn_weights::<T, V>(spec, block, dw, sums);
        Gradient { spec, windows: windows(spec, block, V::LANES), pixels, block }.run::<T, V>(x, dy, sums, memory);
        for row in 0..taps * inner {
            for quad in 0..outer.div_ceil(QUAD) {
                let from = sums.as_ptr().add((quad * taps * inner + row) * QUAD * V::LANES);
                let (next, to) = (V::LANES, dw.as_mut_ptr().add(row * spec.output[2] + block.first * outer));
                let columns =
                    [V::load(from), V::load(from.add(next)), V::load(from.add(2 * next)), V::load(from.add(3 * next))];
                scatter::<T, V>(columns, [block.groups, outer], quad, to);
            }
        }
    }
}
