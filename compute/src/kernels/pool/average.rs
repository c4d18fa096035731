//! Average pooling: channels lie together, and go through a window side by side.

#![allow(unsafe_code)]

use super::{Pool, Spec, each_window};
use crate::configuration::{Configuration, may_be};
use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::kernels::parts::{PART, Sums};
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector, WithSimd};

/// The mean s of each window, padding left out, and y = f(scale · s + shift).
pub fn avgpool_forward<T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    super::forward::<Average, T, C>(context, configuration, x, scale, shift, y);
}

struct Average;

/// Channels that go side by side through windows that are long, or overlap, where there are so many: few layers have such.
const LANES: usize = 16;

/// Pixels of a window.
const fn area(spec: &Spec) -> usize {
    spec.window[0] * spec.window[1]
}

impl Pool for Average {
    #[inline(always)]
    fn pool<T: Elementary, C: Configuration<Spec>>(
        isa: Isa,
        images: usize,
        configuration: C,
        x: &[T],
        epilogue: &Epilogue<'_, T>,
        y: &mut [T],
    ) {
        let spec = configuration.sizes();
        if may_be!(C, |spec| area(&spec) > PART) && area(spec) > PART {
            match spec.input[2] % LANES {
                0 => long_means::<T, LANES>(images, spec, x, epilogue, y),
                _ => long_means::<T, 1>(images, spec, x, epilogue, y),
            }
        } else if may_be!(C, |spec| area(&spec) <= PART) {
            isa.dispatch(Means { batch: images, configuration, x, epilogue, y });
        }
    }
}

/// Each element of a window has an equal share of the gradient of its mean; dx is overwritten.
pub fn avgpool_grad<T: Scalar>(context: &Context<'_>, spec: &Spec, dy: &[T], dx: &mut [T]) {
    spec.check(context.batch, &[dx], &[dy]);
    context.split_images(spec, dx, &mut [], &|first, dx, _| {
        let images = dx.len() / spec.input_len();
        let dy = &dy[first * spec.output_len()..][..images * spec.output_len()];
        if (spec.padding, spec.stride) == ([0; 4], spec.window) {
            return context.isa().dispatch(Shares { spec, dy, dx });
        }
        dx.fill(T::ZERO);
        match spec.input[2] % LANES {
            0 => gradient::<T, LANES>(images, spec, dy, dx),
            _ => gradient::<T, 1>(images, spec, dy, dx),
        }
    });
}

/// 1 / the elements of a window; 1 for an empty one, whose mean is 0.
#[inline(always)]
fn share<T: Scalar>(rows: (usize, usize), columns: (usize, usize)) -> T {
    T::ONE / T::from_f64(((rows.1 - rows.0) * (columns.1 - columns.0)).max(1) as f64)
}

/// Means of windows of at most [`PART`] pixels, a vector of channels at a time.
struct Means<'a, T, C> {
    batch: usize,
    configuration: C,
    x: &'a [T],
    epilogue: &'a Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary, C: Configuration<Spec>> WithSimd<T> for Means<'_, T, C> {
    type Output = ();
    const GAINS_BY_WIDTH: bool = false;

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // Few channels fill a narrow vector better, which seldom lies across two cache lines.
        if may_be!(C, |spec| spec.input[2] <= S::Half::LANES)
            && const { S::Half::LANES < S::LANES }
            && self.configuration.sizes().input[2] <= S::Half::LANES
        {
            self.run(simd.half());
        } else if may_be!(C, |spec| S::Half::LANES == S::LANES || spec.input[2] > S::Half::LANES) {
            self.run(simd);
        }
    }
}

impl<T: Elementary, C: Configuration<Spec>> Means<'_, T, C> {
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { batch, configuration, x, epilogue, y } = self;
        let spec = configuration.sizes();
        assert!(x.len() == batch * spec.input_len() && y.len() == batch * spec.output_len(), "means: the lengths");
        let ([_, width, channels], epilogue) = (spec.input, epilogue.unless_none());
        // The last vector of a pixel may be filled in part. It is read and written whole where more follows: masks may be slow.
        let whole = channels / S::LANES * S::LANES;
        let rest = simd.mask(channels - whole);
        let (all_whole, share_of_whole) =
            (spec.has_whole_windows(), simd.splat(T::ONE / T::from_f64(area(spec) as f64)));
        if const { C::CONSTANT.is_none() } && all_whole && epilogue.is_none() && spec.output[1] >= ABREAST {
            return rows_of_means(simd, batch, spec, share_of_whole, x, y);
        }
        each_window!(batch, spec, |out, rows, columns, first| {
            let counts = if all_whole { spec.window } else { [rows.1 - rows.0, columns.1 - columns.0] };
            let is_whole = all_whole || counts[0] * counts[1] == area(spec);
            let share = if is_whole { share_of_whole } else { simd.splat(share::<T>(rows, columns)) };
            let at = first + (rows.0 * width + columns.0) * channels;
            // A window of padding alone has no first pixel.
            let pixels = x.get(at..).unwrap_or_default();
            let window = Window { x: pixels.as_ptr(), counts, steps: [width * channels, channels] };
            // SAFETY: the window lies in the image, which `x` holds whole, and a vector of it in the channels of a pixel; or in those and what
            // follows where that is as long; or a mask lets no more through. The same holds of `y`.
            unsafe {
                for channel in (0..whole).step_by(S::LANES) {
                    let mean = window.sum(simd, channel, None) * share;
                    let y = &mut y[out + channel..][..S::LANES];
                    match epilogue {
                        None => mean.store_at(y.as_mut_ptr()),
                        Some(epilogue) => epilogue.store_vector(simd, channel, mean, y),
                    }
                }
                if whole < channels {
                    let followed = pixels.len() >= window.reach() + whole + S::LANES;
                    let mean = window.sum(simd, whole, (!followed).then_some(rest)) * share;
                    match epilogue {
                        // What is stored too far is stored again, by the pixels that follow.
                        None if y.len() - out >= whole + S::LANES => mean.store_at(y[out + whole..].as_mut_ptr()),
                        None => mean.store_masked(y[out + whole..].as_mut_ptr(), rest),
                        Some(epilogue) => {
                            epilogue.store_vector(simd, whole, mean, &mut y[out..out + channels][whole..])
                        }
                    }
                }
            }
        });
    }
}

/// Windows of a row whose means are taken side by side.
const ABREAST: usize = 4;

/// The means of windows that all lie in the image, of at least [`ABREAST`] in a row. Lengths are checked.
#[inline(always)]
fn rows_of_means<T: Elementary, S: Simd<T>>(
    simd: S,
    batch: usize,
    spec: &Spec,
    share: S::Vector,
    x: &[T],
    y: &mut [T],
) {
    let ([_, width, channels], [height, columns, _], stride) = (spec.input, spec.output, spec.stride);
    let whole = channels / S::LANES * S::LANES;
    let rest = simd.mask(channels - whole);
    for row in 0..batch * height {
        let first = (row / height) * spec.input_len() + row % height * stride[0] * width * channels;
        // The last of a row overlap those before, and are the same again.
        for column in (0..columns).step_by(ABREAST).map(|column| column.min(columns - ABREAST)) {
            let x = &x[first + column * stride[1] * channels..];
            let y = &mut y[(row * columns + column) * channels..];
            let window = Window { x: x.as_ptr(), counts: spec.window, steps: [width * channels, channels] };
            let step = stride[1] * channels;
            let is_last = x.len() < window.reach() + (ABREAST - 1) * step + whole + S::LANES
                || y.len() < (ABREAST - 1) * channels + whole + S::LANES;
            // What is stored too far is stored again: by the next window, by whole vectors, or by the windows that follow.
            // SAFETY: all windows lie in the image, which `x` holds whole. A vector of them lies in the channels of a pixel; or in those and
            // what follows, which is as long; or a mask lets no more through. The same holds of `y`.
            unsafe {
                if whole < channels {
                    let sums: [_; ABREAST] = window.sums(simd, whole, step, is_last.then_some(rest));
                    for (place, sum) in sums.into_iter().enumerate() {
                        let y = y.as_mut_ptr().add(place * channels + whole);
                        if is_last { (sum * share).store_masked(y, rest) } else { (sum * share).store_at(y) }
                    }
                }
                for channel in (0..whole).step_by(S::LANES) {
                    let sums: [_; ABREAST] = window.sums(simd, channel, step, None);
                    for (place, sum) in sums.into_iter().enumerate() {
                        (sum * share).store_at(y.as_mut_ptr().add(place * channels + channel));
                    }
                }
            }
        }
    }
}

/// The pixels of a window that lie in the image.
struct Window<T> {
    /// The first channel of the first.
    x: *const T,
    /// Rows, and pixels of a row.
    counts: [usize; 2],
    /// From a row, and from a pixel, to the next.
    steps: [usize; 2],
}

impl<T: Elementary> Window<T> {
    /// From the first pixel to the last.
    #[inline(always)]
    fn reach(&self) -> usize {
        let [rows, pixels] = self.counts.map(|count| count.saturating_sub(1));
        rows * self.steps[0] + pixels * self.steps[1]
    }

    /// The sum of a vector of channels from `channel` on; of those that a mask lets through, where there is one.
    ///
    /// # Safety
    /// They lie in memory that the caller may read, for each pixel.
    #[inline(always)]
    unsafe fn sum<S: Simd<T>>(
        &self,
        simd: S,
        channel: usize,
        mask: Option<<S::Vector as Vector<T>>::Mask>,
    ) -> S::Vector {
        // SAFETY: the caller's promise.
        let [sum] = unsafe { self.sums(simd, channel, 0, mask) };
        sum
    }

    /// Those of this window and of others, each of which starts `step` after the one before.
    ///
    /// # Safety
    /// As [`Window::sum`], for each window.
    #[inline(always)]
    unsafe fn sums<S: Simd<T>, const N: usize>(
        &self,
        simd: S,
        channel: usize,
        step: usize,
        mask: Option<<S::Vector as Vector<T>>::Mask>,
    ) -> [S::Vector; N] {
        let mut sums = [simd.splat(T::ZERO); N];
        for row in 0..self.counts[0] {
            for pixel in 0..self.counts[1] {
                for (window, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: the caller's promise.
                    let values = unsafe {
                        let x = self.x.add(row * self.steps[0] + pixel * self.steps[1] + window * step + channel);
                        match mask {
                            None => simd.load_at(x),
                            Some(mask) => simd.load_masked(x, mask),
                        }
                    };
                    *sum = *sum + values;
                }
            }
        }
        sums
    }
}

/// The gradient of windows side by side: each element of the input is in one of them at most, so that its gradient is stored and not added to.
struct Shares<'a, T> {
    spec: &'a Spec,
    dy: &'a [T],
    dx: &'a mut [T],
}

impl<T: Scalar> WithSimd<T> for Shares<'_, T> {
    type Output = ();
    const GAINS_BY_WIDTH: bool = false;

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // Few channels fill a narrow vector better.
        if const { S::Half::LANES < S::LANES } && self.spec.input[2] <= S::Half::LANES {
            self.run(simd.half());
        } else {
            self.run(simd);
        }
    }
}

impl<T: Scalar> Shares<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { spec, dy, dx } = self;
        let ([height, width, channels], [rows, columns, _], [tall, wide]) = (spec.input, spec.output, spec.window);
        let share = simd.splat(share::<T>((0, tall), (0, wide)));
        let row = width * channels;
        let whole = channels / S::LANES * S::LANES;
        let rest = simd.mask(channels - whole);
        let step = wide * channels;
        for (at, dy_of_row) in (0..).zip(dy.chunks_exact(columns * channels)) {
            let first = (at / rows * height + at % rows * tall) * row;
            let (dy, to) = (&dy[at * columns * channels..], &mut dx[first..]);
            assert!(dy.len() >= dy_of_row.len() && to.len() >= row && row >= columns * step, "a row of windows");
            // What a vector stores too far is stored again by what follows, while something does.
            let free = whole_vectors(dy.len(), whole + S::LANES, channels);
            let free = free.min(whole_vectors(to.len(), step - channels + whole + S::LANES, step));
            for column in 0..columns {
                let is_last = column >= free;
                // SAFETY: dy and dx hold the row, as just compared. A vector lies in the channels of a pixel, or in those and what follows,
                // which is as long, or a mask lets no more through.
                unsafe {
                    let dy = dy.as_ptr().add(column * channels);
                    let to = to.as_mut_ptr().add(column * step);
                    if whole < channels {
                        let part = simd.load_edge(dy.add(whole), is_last, rest) * share;
                        for pixel in 0..wide {
                            let to = to.add(pixel * channels + whole);
                            if is_last { part.store_masked(to, rest) } else { part.store_at(to) }
                        }
                    }
                    for channel in (0..whole).step_by(S::LANES) {
                        let part = simd.load_at(dy.add(channel)) * share;
                        for pixel in 0..wide {
                            part.store_at(to.add(pixel * channels + channel));
                        }
                    }
                }
            }
            to[columns * step..row].fill(T::ZERO);
            for below in 1..tall {
                to.copy_within(..row, below * row);
            }
            if at % rows == rows - 1 {
                to[tall * row..(height - (rows - 1) * tall) * row].fill(T::ZERO);
            }
        }
    }
}

/// How many vectors that reach so far, and start `step` apart, lie in `len` elements.
#[inline(always)]
const fn whole_vectors(len: usize, reach: usize, step: usize) -> usize {
    if len < reach { 0 } else { (len - reach) / step + 1 }
}

/// Means of windows of any size.
fn long_means<T: Elementary, const LANES: usize>(
    batch: usize,
    spec: &Spec,
    x: &[T],
    epilogue: &Epilogue<'_, T>,
    y: &mut [T],
) {
    let ([_, width, channels], epilogue) = (spec.input, epilogue.unless_none());
    each_window!(batch, spec, |out, rows, columns, first| {
        let share = share::<T>(rows, columns);
        for (block, y) in y[out..out + channels].chunks_exact_mut(LANES).enumerate() {
            let mut sums = Sums::<T, LANES, true>::new();
            for row in rows.0..rows.1 {
                let mut start = columns.0;
                while start < columns.1 {
                    let end = start + sums.take(columns.1 - start);
                    for column in start..end {
                        let at = first + (row * width + column) * channels + block * LANES;
                        let pixel = &x[at..at + LANES];
                        for (sum, &a) in sums.part.iter_mut().zip(pixel) {
                            *sum += a;
                        }
                    }
                    start = end;
                }
            }
            let mean = sums.total().map(|sum| sum * share);
            match epilogue {
                None => y.copy_from_slice(&mean),
                Some(epilogue) => epilogue.store_lanes(block * LANES, mean, y),
            }
        }
    });
}

fn gradient<T: Scalar, const LANES: usize>(batch: usize, spec: &Spec, dy: &[T], dx: &mut [T]) {
    let [_, width, channels] = spec.input;
    each_window!(batch, spec, |out, rows, columns, first| {
        let share = share::<T>(rows, columns);
        for (block, dy) in dy[out..out + channels].chunks_exact(LANES).enumerate() {
            let mut shares = [T::ZERO; LANES];
            for (share_of_dy, &dy) in shares.iter_mut().zip(dy) {
                *share_of_dy = dy * share;
            }
            for row in rows.0..rows.1 {
                for column in columns.0..columns.1 {
                    let at = first + (row * width + column) * channels + block * LANES;
                    for (dx, share) in dx[at..at + LANES].iter_mut().zip(shares) {
                        *dx += share;
                    }
                }
            }
        }
    });
}
