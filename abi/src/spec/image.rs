//! Sizes of kernels that move a window over an image, or move the image, without weights.

/// Pooling.
pub mod pool {
    use crate::Epilogue;

    spec! {
        /// The sizes of a pooling layer.
        Spec {
            /// Height, width, channels.
            input: [usize; 3],
            /// Height, width, channels: as many as the input has.
            output: [usize; 3],
            /// Height and width of the window.
            window: [usize; 2],
            /// Steps down and across.
            stride: [usize; 2],
            /// Above, below, left, right. Padding is −∞ for the largest, and left out of the mean.
            padding: [usize; 4],
            /// What becomes of the output on the way forward; gradients have nothing to do with it.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Elements of an image that comes in.
        pub const fn input_len(&self) -> usize {
            self.input[0] * self.input[1] * self.input[2]
        }

        /// Elements of an image that goes out.
        pub const fn output_len(&self) -> usize {
            self.output[0] * self.output[1] * self.output[2]
        }

        /// The rows of the input that lie in a window of output row `row`: first, and one past the last.
        #[inline(always)]
        pub fn rows(&self, row: usize) -> (usize, usize) {
            span(row * self.stride[0], self.window[0], self.padding[0], self.input[0])
        }

        /// The columns of the input that lie in a window of output column `column`.
        #[inline(always)]
        pub fn columns(&self, column: usize) -> (usize, usize) {
            span(column * self.stride[1], self.window[1], self.padding[2], self.input[1])
        }

        /// Whether every window lies in the image.
        pub const fn has_whole_windows(&self) -> bool {
            let [top, bottom, left, right] = self.padding;
            let down = (self.output[0] - 1) * self.stride[0] + self.window[0];
            let across = (self.output[1] - 1) * self.stride[1] + self.window[1];
            top + bottom + left + right == 0 && down <= self.input[0] && across <= self.input[1]
        }

        /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, inputs: &[&[T]], outputs: &[&[T]]) {
            assert_eq!(self.input[2], self.output[2], "pool: the channels");
            assert!(inputs.iter().all(|s| s.len() == batch * self.input_len()), "pool: the input or its gradient");
            assert!(outputs.iter().all(|s| s.len() == batch * self.output_len()), "pool: the output or its gradient");
        }
    }

    /// What a window that starts at `start` of the padded axis covers of an axis of `size` after `before` elements of padding.
    #[inline(always)]
    fn span(start: usize, window: usize, before: usize, size: usize) -> (usize, usize) {
        let end = (start + window).saturating_sub(before).min(size);
        (start.saturating_sub(before).min(end), end)
    }

    windowed!(Spec, |spec| spec.window[0], |spec| spec.window[0] * spec.window[1] * spec.output[2]);
}

/// Zeros around an image.
pub mod pad {
    spec! {
        /// An image and the zeros around it. A crop is the inverse of the padding that would undo it: its forward pass is
        /// `zeropad_grad`, its gradient `zeropad_forward`, both with the spec of that padding.
        Spec {
            /// The image without the zeros: height, width, channels.
            input: [usize; 3],
            /// Rows above and below, columns left and right.
            padding: [usize; 4],
        }
    }

    impl Spec {
        /// The image with the zeros: height, width, channels.
        pub const fn output(&self) -> [usize; 3] {
            let ([height, width, channels], [top, bottom, left, right]) = (self.input, self.padding);
            [top + height + bottom, left + width + right, channels]
        }

        /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, inner: &[T], outer: &[T]) {
            assert_eq!(inner.len(), batch * self.input.iter().product::<usize>(), "zeropad: the inner image");
            assert_eq!(outer.len(), batch * self.output().iter().product::<usize>(), "zeropad: the padded image");
        }
    }
}

/// Enlargement.
pub mod upsample {
    use crate::Epilogue;

    spec! {
        /// The image, and how often each of its pixels stands in the enlarged one.
        Spec {
            /// Height, width, channels.
            input: [usize; 3],
            /// Down and across.
            factor: [usize; 2],
            /// What becomes of the output before it is stored: a sum, an activation.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// The enlarged image: height, width, channels.
        pub const fn output(&self) -> [usize; 3] {
            let ([height, width, channels], [down, across]) = (self.input, self.factor);
            [height * down, width * across, channels]
        }

        /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, small: &[T], large: &[T]) {
            assert_eq!(small.len(), batch * self.input.iter().product::<usize>(), "upsample: the small image");
            assert_eq!(large.len(), batch * self.output().iter().product::<usize>(), "upsample: the large image");
        }
    }
}
