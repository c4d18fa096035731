//! The reduction of windows, a vector of channels at a time.

#![allow(unsafe_code)]

use core::marker::PhantomData;

use super::{Spec, area, each_window, share};
use crate::configuration::{Configuration, may_be};
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Simd, Vector, WithSimd, mapped};

/// A reduction of the pixels of a window.
pub(super) trait Reduction {
    /// The state of the reduction, made of vectors.
    type State<V: Copy>: Copy;

    /// Returns the state before the first pixel.
    fn start<T: Scalar, S: Simd<T>>(simd: S) -> Self::State<S::Vector>;

    /// Returns the state after one more pixel.
    fn take<T: Scalar, V: Vector<T>>(state: Self::State<V>, pixel: V) -> Self::State<V>;

    /// Returns the result; `share` is 1 / the pixels of the window, or 1 where it has none.
    fn end<T: Scalar, V: Vector<T>>(state: Self::State<V>, share: V) -> V;
}

/// All windows of some images.
pub(super) struct Windows<'a, T, C, R> {
    batch: usize,
    configuration: C,
    x: &'a [T],
    epilogue: &'a Epilogue<'a, T>,
    y: &'a mut [T],
    reduction: PhantomData<R>,
}

impl<'a, T: Elementary, C: Configuration<Spec>, R: Reduction> Windows<'a, T, C, R> {
    /// # Panics
    /// Where lengths do not agree with the sizes.
    #[inline(always)]
    pub(super) fn new(
        batch: usize,
        configuration: C,
        x: &'a [T],
        epilogue: &'a Epilogue<'a, T>,
        y: &'a mut [T],
    ) -> Self {
        let spec = configuration.sizes();
        assert!(x.len() == batch * spec.input_len() && y.len() == batch * spec.output_len(), "windows: the lengths");
        Self { batch, configuration, x, epilogue, y, reduction: PhantomData }
    }

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { batch, configuration, x, epilogue, y, .. } = self;
        let spec = configuration.sizes();
        let ([_, width, channels], epilogue) = (spec.input, epilogue.unless_none());
        // The last vector of a pixel may be partial. It is loaded and stored whole where elements follow: masks may be slow.
        let whole = channels / S::LANES * S::LANES;
        let rest = simd.mask(channels - whole);
        let (all_whole, share_of_whole) =
            (spec.has_whole_windows(), simd.splat(T::ONE / T::from_f64(area(spec) as f64)));
        if const { C::CONSTANT.is_none() } && all_whole && epilogue.is_none() && spec.output[1] >= WINDOWS_AT_ONCE {
            return rows_of_windows::<T, S, R>(simd, batch, spec, share_of_whole, x, y);
        }
        each_window!(batch, spec, |out, rows, columns, first| {
            let counts = if all_whole { spec.window } else { [rows.1 - rows.0, columns.1 - columns.0] };
            let is_whole = all_whole || counts[0] * counts[1] == area(spec);
            let share = if is_whole { share_of_whole } else { simd.splat(share::<T>(rows, columns)) };
            let at = first + (rows.0 * width + columns.0) * channels;
            // A window of padding only has no first pixel.
            let pixels = x.get(at..).unwrap_or_default();
            let window = Window { x: pixels.as_ptr(), counts, steps: [width * channels, channels] };
            // SAFETY: the window is inside the image, all of which `x` has. A vector is inside the channels of a pixel, or inside those and
            // the elements that follow, whose length is checked, or masked to the channels. The same holds for `y`.
            unsafe {
                for channel in (0..whole).step_by(S::LANES) {
                    let [value] = window.reduce::<S, R, 1>(simd, channel, 0, None, share);
                    let y = &mut y[out + channel..][..S::LANES];
                    match epilogue {
                        None => value.store_at(y.as_mut_ptr()),
                        Some(epilogue) => epilogue.store_vector(simd, channel, value, y),
                    }
                }
                if whole < channels {
                    let followed = pixels.len() >= window.reach() + whole + S::LANES;
                    let [value] = window.reduce::<S, R, 1>(simd, whole, 0, (!followed).then_some(rest), share);
                    match epilogue {
                        // Elements stored beyond the pixel are overwritten by the following pixels.
                        None if y.len() - out >= whole + S::LANES => value.store_at(y[out + whole..].as_mut_ptr()),
                        None => value.store_masked(y[out + whole..].as_mut_ptr(), rest),
                        Some(epilogue) => {
                            epilogue.store_vector(simd, whole, value, &mut y[out..out + channels][whole..])
                        }
                    }
                }
            }
        });
    }
}

impl<T: Elementary, C: Configuration<Spec>, R: Reduction> WithSimd<T> for Windows<'_, T, C, R> {
    type Output = ();
    const GAINS_BY_WIDTH: bool = false;

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // Few channels fill a larger share of a narrow vector, which seldom crosses a cache line.
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

/// Adjacent windows of a row that are reduced at once.
const WINDOWS_AT_ONCE: usize = 4;

/// Reduces windows that are all inside the image, at least [`WINDOWS_AT_ONCE`] in a row. Lengths are checked.
#[inline(always)]
fn rows_of_windows<T: Elementary, S: Simd<T>, R: Reduction>(
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
        // The last windows of a row overlap earlier ones, and give the same results again.
        for column in (0..columns).step_by(WINDOWS_AT_ONCE).map(|column| column.min(columns - WINDOWS_AT_ONCE)) {
            let x = &x[first + column * stride[1] * channels..];
            let y = &mut y[(row * columns + column) * channels..];
            let window = Window { x: x.as_ptr(), counts: spec.window, steps: [width * channels, channels] };
            let step = stride[1] * channels;
            let is_last = x.len() < window.reach() + (WINDOWS_AT_ONCE - 1) * step + whole + S::LANES
                || y.len() < (WINDOWS_AT_ONCE - 1) * channels + whole + S::LANES;
            // Elements stored beyond a pixel are overwritten: by the next window, by whole vectors, or by the windows that follow.
            // SAFETY: all windows are inside the image, all of which `x` has. A vector is inside the channels of a pixel, or inside those
            // and the elements that follow, whose length is checked, or masked to the channels. The same holds for `y`.
            unsafe {
                if whole < channels {
                    let mask = is_last.then_some(rest);
                    let values = window.reduce::<S, R, WINDOWS_AT_ONCE>(simd, whole, step, mask, share);
                    for (index, value) in values.into_iter().enumerate() {
                        let y = y.as_mut_ptr().add(index * channels + whole);
                        if is_last { value.store_masked(y, rest) } else { value.store_at(y) }
                    }
                }
                for channel in (0..whole).step_by(S::LANES) {
                    let values = window.reduce::<S, R, WINDOWS_AT_ONCE>(simd, channel, step, None, share);
                    for (index, value) in values.into_iter().enumerate() {
                        value.store_at(y.as_mut_ptr().add(index * channels + channel));
                    }
                }
            }
        }
    }
}

/// The pixels of a window that are inside the image.
struct Window<T> {
    /// The first channel of the first pixel.
    x: *const T,
    /// Rows, and pixels of a row.
    counts: [usize; 2],
    /// The distances between rows, and between pixels.
    steps: [usize; 2],
}

impl<T: Elementary> Window<T> {
    /// Returns the distance from the first pixel to the last.
    #[inline(always)]
    fn reach(&self) -> usize {
        let [rows, pixels] = self.counts.map(|count| count.saturating_sub(1));
        rows * self.steps[0] + pixels * self.steps[1]
    }

    /// Reduces a vector of channels from `channel` on, or the channels that a mask selects, of `N` windows whose starts are `step` elements
    /// apart.
    ///
    /// # Safety
    /// The memory of the channels is valid for reads, for each pixel of each window.
    #[inline(always)]
    unsafe fn reduce<S: Simd<T>, R: Reduction, const N: usize>(
        &self,
        simd: S,
        channel: usize,
        step: usize,
        mask: Option<<S::Vector as Vector<T>>::Mask>,
        share: S::Vector,
    ) -> [S::Vector; N] {
        let mut states = [R::start(simd); N];
        for row in 0..self.counts[0] {
            for pixel in 0..self.counts[1] {
                for (window, state) in states.iter_mut().enumerate() {
                    // SAFETY: the caller guarantees the channels of each pixel of each window.
                    let values = unsafe {
                        let x = self.x.add(row * self.steps[0] + pixel * self.steps[1] + window * step + channel);
                        match mask {
                            None => simd.load_at(x),
                            Some(mask) => simd.load_masked(x, mask),
                        }
                    };
                    *state = R::take(*state, values);
                }
            }
        }
        mapped(states, |state| R::end(state, share))
    }
}
