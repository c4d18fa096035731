//! Pooling: the largest number, or the mean, of each window of each channel (slides 30 and 32).

pub mod average;
pub mod max;
pub mod reference;

use crate::scalar::Scalar;

pub use average::{avgpool_forward, avgpool_grad};
pub use max::{maxpool_forward, maxpool_grad};

/// The sizes of a pooling layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Height, width, channels.
    pub input: [usize; 3],
    /// Height, width, channels: as many as the input has.
    pub output: [usize; 3],
    /// Height and width of the window.
    pub window: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Above, below, left, right. Padding is −∞ for the largest, and left out of the mean.
    pub padding: [usize; 4],
}

impl Spec {
    /// Numbers of an image that comes in.
    pub const fn input_len(&self) -> usize {
        self.input[0] * self.input[1] * self.input[2]
    }

    /// Numbers of an image that goes out.
    pub const fn output_len(&self) -> usize {
        self.output[0] * self.output[1] * self.output[2]
    }

    /// The rows of the input that lie in a window of output row `row`: first, and one past the last.
    #[inline(always)]
    pub(crate) fn rows(&self, row: usize) -> (usize, usize) {
        span(row * self.stride[0], self.window[0], self.padding[0], self.input[0])
    }

    /// The columns of the input that lie in a window of output column `column`.
    #[inline(always)]
    pub(crate) fn columns(&self, column: usize) -> (usize, usize) {
        span(column * self.stride[1], self.window[1], self.padding[2], self.input[1])
    }

    pub(crate) fn check<T>(&self, batch: usize, inputs: &[&[T]], outputs: &[&[T]]) {
        assert_eq!(self.input[2], self.output[2], "pool: the channels");
        assert!(inputs.iter().all(|s| s.len() == batch * self.input_len()), "pool: the input or its gradient");
        assert!(outputs.iter().all(|s| s.len() == batch * self.output_len()), "pool: the output or its gradient");
    }
}

/// What a window that starts at `start` of the padded axis covers of an axis of `size` after `before` numbers of padding.
#[inline(always)]
fn span(start: usize, window: usize, before: usize, size: usize) -> (usize, usize) {
    let end = (start + window).saturating_sub(before).min(size);
    (start.saturating_sub(before).min(end), end)
}

/// The one number that differs from itself.
#[inline(always)]
#[allow(clippy::eq_op)]
fn is_nan<T: Scalar>(a: T) -> bool {
    a != a
}

/// Calls a function with the largest of a few numbers of lanes that divides the channels.
macro_rules! by_lanes {
    ($channels:expr, $function:ident($($argument:expr),*)) => {
        match $channels {
            c if c % 16 == 0 => $function::<T, 16>($($argument),*),
            c if c % 6 == 0 => $function::<T, 6>($($argument),*),
            c if c % 4 == 0 => $function::<T, 4>($($argument),*),
            _ => $function::<T, 1>($($argument),*),
        }
    };
}
use by_lanes;

/// Runs a body for each pixel of the output: `$out` is the place of its first channel, `$rows` and `$columns` are the ends
/// of its window, `$first` is the place of its image in the input.
macro_rules! each_window {
    ($batch:expr, $spec:expr, |$out:ident, $rows:ident, $columns:ident, $first:ident| $body:block) => {
        let [height, width, channels] = $spec.output;
        for image in 0..$batch {
            let $first = image * $spec.input_len();
            for row in 0..height {
                let $rows = $spec.rows(row);
                for column in 0..width {
                    let $columns = $spec.columns(column);
                    let $out = ((image * height + row) * width + column) * channels;
                    $body
                }
            }
        }
    };
}
use each_window;

#[cfg(test)]
mod tests;
