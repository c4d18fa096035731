//! Depthwise convolution with channels in the lanes of vectors.

use crate::gemm::Epilogue;
use crate::gemm::vector::{Body, Vector};
use crate::kernels::conv::Spec;
use crate::scalar::Scalar;

/// Which pass, with its operands; lengths are checked, and there is one filter for each channel.
pub(super) enum Pass<'a, T> {
    Forward { x: &'a [T], w: &'a [T], epilogue: Epilogue<'a, T>, y: &'a mut [T] },
    GradInput { dy: &'a [T], w: &'a [T], dx: &'a mut [T] },
    GradWeights { x: &'a [T], dy: &'a [T], dw: &'a mut [T] },
}

/// A pass over all images.
pub(super) struct Job<'a, T> {
    pub(super) spec: &'a Spec,
    pub(super) pass: Pass<'a, T>,
}

impl<T: Scalar> Body<T> for Job<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<T>>(self) {
        let spec = self.spec;
        let (input, output) = (spec.input_len(), spec.output_len());
        // SAFETY: the caller of `run` promises the instructions; the functions check their slices.
        unsafe {
            match self.pass {
                Pass::Forward { x, w, epilogue, y } => {
                    for (x, y) in x.chunks_exact(input).zip(y.chunks_exact_mut(output)) {
                        forward::<T, V>(spec, x, w, epilogue, y);
                    }
                }
                Pass::GradInput { dy, w, dx } => {
                    for (dy, dx) in dy.chunks_exact(output).zip(dx.chunks_exact_mut(input)) {
                        grad_input::<T, V>(spec, dy, w, dx);
                    }
                }
                Pass::GradWeights { x, dy, dw } => {
                    for (x, dy) in x.chunks_exact(input).zip(dy.chunks_exact(output)) {
                        grad_weights::<T, V>(spec, x, dy, dw);
                    }
                }
            }
        }
    }
}

/// A sum over some taps of products of channels: of `a` at `a[0] + i·a[1] + j·a[2]` and of `b` likewise.
#[derive(Clone, Copy)]
struct Taps {
    count: [usize; 2],
    a: [isize; 3],
    b: [isize; 3],
}

/// `to = max(scale · Σ a·b + shift, floor)` for each channel, plus `to` itself where that is asked for.
///
/// # Safety
/// The processor has the instructions of `V`; the sums stay in `a` and `b`.
#[inline(always)]
unsafe fn sum_of_products<T: Scalar, V: Vector<T>>(
    a: &[T],
    b: &[T],
    taps: Taps,
    accumulate: bool,
    epilogue: Epilogue<'_, T>,
    to: &mut [T],
) {
    epilogue.check(to.len());
    let (a, b, len, to) = (a.as_ptr(), b.as_ptr(), to.len(), to.as_mut_ptr());
    let each = |numbers: &[T]| if numbers.is_empty() { None } else { Some(numbers.as_ptr()) };
    let (scale, shift) = (each(epilogue.scale), each(epilogue.shift));
    let mut channel = 0;
    // SAFETY: the caller's promise; masks keep the last vector inside.
    unsafe {
        let floor = V::splat(epilogue.floor);
        while channel + 4 * V::LANES <= len {
            let mut sums = [V::splat(T::ZERO); 4];
            for i in 0..taps.count[0].cast_signed() {
                for j in 0..taps.count[1].cast_signed() {
                    let a = a.offset(taps.a[0] + i * taps.a[1] + j * taps.a[2]).add(channel);
                    let b = b.offset(taps.b[0] + i * taps.b[1] + j * taps.b[2]).add(channel);
                    for (n, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(a.add(n * V::LANES)).multiply_add(V::load(b.add(n * V::LANES)), *sum);
                    }
                }
            }
            for (n, mut sum) in sums.into_iter().enumerate() {
                let at = channel + n * V::LANES;
                let each = |numbers: Option<*const T>, default: T| match numbers {
                    Some(numbers) => V::load(numbers.add(at)),
                    None => V::splat(default),
                };
                sum = sum.multiply_add(each(scale, T::ONE), each(shift, T::ZERO));
                if accumulate {
                    sum = sum.add(V::load(to.add(at)));
                }
                sum.at_least(floor).store(to.add(at));
            }
            channel += 4 * V::LANES;
        }
        while channel < len {
            let mask = V::mask(V::LANES.min(len - channel));
            let mut sum = V::splat(T::ZERO);
            for i in 0..taps.count[0].cast_signed() {
                for j in 0..taps.count[1].cast_signed() {
                    let a = a.offset(taps.a[0] + i * taps.a[1] + j * taps.a[2]).add(channel);
                    let b = b.offset(taps.b[0] + i * taps.b[1] + j * taps.b[2]).add(channel);
                    sum = V::load_masked(a, mask).multiply_add(V::load_masked(b, mask), sum);
                }
            }
            let each = |numbers: Option<*const T>, default: T| match numbers {
                Some(numbers) => V::load_masked(numbers.add(channel), mask),
                None => V::splat(default),
            };
            sum = sum.multiply_add(each(scale, T::ONE), each(shift, T::ZERO));
            if accumulate {
                sum = sum.add(V::load_masked(to.add(channel), mask));
            }
            sum.at_least(floor).store_masked(to.add(channel), mask);
            channel += V::LANES;
        }
    }
}

/// The place in an image of a position's tap.
fn place(spec: &Spec, [row, column]: [usize; 2], [i, j]: [usize; 2]) -> usize {
    let y = row * spec.stride[0] + i * spec.dilation[0] - spec.padding[0];
    let x = column * spec.stride[1] + j * spec.dilation[1] - spec.padding[2];
    (y * spec.input[1] + x) * spec.input[2]
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn forward<T: Scalar, V: Vector<T>>(spec: &Spec, x: &[T], w: &[T], epilogue: Epilogue<'_, T>, y: &mut [T]) {
    let [_, columns, channels] = spec.output;
    for (pixel, y) in y.chunks_exact_mut(channels).enumerate() {
        let position = [pixel / columns, pixel % columns];
        let (down, across) = (spec.taps_inside(0, position[0]), spec.taps_inside(1, position[1]));
        let mut taps = Taps { count: [down.len(), across.len()], a: [0; 3], b: [0; 3] };
        if !down.is_empty() && !across.is_empty() {
            let first = place(spec, position, [down.start, across.start]);
            let last = place(spec, position, [down.end - 1, across.end - 1]);
            assert!(last + channels <= x.len() && w.len() == spec.weights_len(), "windows inside the image");
            let pixel = spec.dilation[1] * channels;
            taps.a = [first, spec.dilation[0] * spec.input[1] * channels, pixel].map(usize::cast_signed);
            taps.b = [(down.start * spec.window[1] + across.start) * channels, spec.window[1] * channels, channels]
                .map(usize::cast_signed);
        }
        // SAFETY: the first and the last tap lie inside `x` and `w`, as just compared.
        unsafe { sum_of_products::<T, V>(x, w, taps, spec.ending.accumulate, epilogue, y) };
    }
}

/// The taps that meet an input position along an axis: `taps` of them, `first` and then every `every`-th; they stand in the
/// windows of output `output` and then of each that is `back` before.
#[derive(Clone, Copy)]
struct Meeting {
    first: isize,
    every: isize,
    taps: usize,
    output: isize,
    back: isize,
}

impl Meeting {
    /// Tap t of output (position + padding − t·dilation) / stride, where that is whole and is an output.
    fn new(spec: &Spec, axis: usize, position: usize) -> Self {
        let (stride, dilation) = (spec.stride[axis], spec.dilation[axis]);
        let reach = position + spec.padding[2 * axis];
        let possible = (reach + 1).saturating_sub(spec.output[axis] * stride).div_ceil(dilation)
            ..(reach / dilation + 1).min(spec.window[axis]);
        let mut taps = possible.filter(|tap| (reach - tap * dilation).is_multiple_of(stride));
        let Some(first) = taps.next() else {
            return Self { first: 0, every: 0, taps: 0, output: 0, back: 0 };
        };
        let output = (reach - first * dilation) / stride;
        let (every, back, count) = match taps.next() {
            Some(second) => (second - first, output - (reach - second * dilation) / stride, 2 + taps.count()),
            None => (0, 0, 1),
        };
        let [first, every, output, back] = [first, every, output, back].map(usize::cast_signed);
        Self { first, every, taps: count, output, back }
    }
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn grad_input<T: Scalar, V: Vector<T>>(spec: &Spec, dy: &[T], w: &[T], dx: &mut [T]) {
    let [_, columns, channels] = spec.input;
    for (pixel, dx) in dx.chunks_exact_mut(channels).enumerate() {
        let position = [pixel / columns, pixel % columns];
        let [down, across] = [0, 1].map(|axis| Meeting::new(spec, axis, position[axis]));
        let mut taps = Taps { count: [down.taps, across.taps], a: [0; 3], b: [0; 3] };
        if down.taps > 0 && across.taps > 0 {
            let row = spec.output[1] * channels;
            let (channels, row) = (channels.cast_signed(), row.cast_signed());
            taps.a = [down.output * row + across.output * channels, -down.back * row, -across.back * channels];
            let window = spec.window[1].cast_signed();
            taps.b = [
                (down.first * window + across.first) * channels,
                down.every * window * channels,
                across.every * channels,
            ];
            let (m, n) = (down.taps.cast_signed() - 1, across.taps.cast_signed() - 1);
            let last = taps.a[0] + m * taps.a[1] + n * taps.a[2];
            assert!(last >= 0 && (taps.a[0] + channels).cast_unsigned() <= dy.len(), "outputs inside the gradient");
            let last = taps.b[0] + m * taps.b[1] + n * taps.b[2];
            assert!((last + channels).cast_unsigned() <= w.len(), "taps inside the window");
        }
        // SAFETY: the first and the last tap lie inside `dy` and `w`, as just compared.
        unsafe { sum_of_products::<T, V>(dy, w, taps, false, Epilogue::none(), dx) };
    }
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn grad_weights<T: Scalar, V: Vector<T>>(spec: &Spec, x: &[T], dy: &[T], dw: &mut [T]) {
    let channels = spec.output[2];
    for i in 0..spec.window[0] {
        for j in 0..spec.window[1] {
            let (rows, columns) = (spec.positions_inside(0, i), spec.positions_inside(1, j));
            if rows.is_empty() || columns.is_empty() {
                continue;
            }
            let last = place(spec, [rows.end - 1, columns.end - 1], [i, j]);
            assert!(last + channels <= x.len() && dy.len() == spec.output_len(), "positions inside the image");
            let first = place(spec, [rows.start, columns.start], [i, j]);
            let taps = Taps {
                count: [rows.len(), columns.len()],
                a: [first, spec.stride[0] * spec.input[1] * channels, spec.stride[1] * channels]
                    .map(usize::cast_signed),
                b: [(rows.start * spec.output[1] + columns.start) * channels, spec.output[1] * channels, channels]
                    .map(usize::cast_signed),
            };
            let dw = &mut dw[(i * spec.window[1] + j) * channels..][..channels];
            // SAFETY: the first and the last position lie inside `x` and `dy`, as just compared.
            unsafe { sum_of_products::<T, V>(x, dy, taps, true, Epilogue::none(), dw) };
        }
    }
}
