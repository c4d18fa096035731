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
            /// Rows and columns between adjacent windows.
            stride: [usize; 2],
            /// Rows above and below, columns left and right. Padding is −∞ for the maximum, and excluded from the mean.
            padding: [usize; 4],
            /// The epilogue of the forward pass; gradients do not use it.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Returns the elements of an input image.
        pub const fn input_len(&self) -> usize {
            self.input[0] * self.input[1] * self.input[2]
        }

        /// Returns the elements of an output image.
        pub const fn output_len(&self) -> usize {
            self.output[0] * self.output[1] * self.output[2]
        }

        /// Returns the rows of the input in the windows of output row `row`: the first, and one past the last.
        #[inline(always)]
        pub fn rows(&self, row: usize) -> (usize, usize) {
            span(row * self.stride[0], self.window[0], self.padding[0], self.input[0])
        }

        /// Returns the columns of the input in the windows of output column `column`.
        #[inline(always)]
        pub fn columns(&self, column: usize) -> (usize, usize) {
            span(column * self.stride[1], self.window[1], self.padding[2], self.input[1])
        }

        /// Whether every window is inside the image.
        pub const fn has_whole_windows(&self) -> bool {
            let [top, bottom, left, right] = self.padding;
            let down = (self.output[0] - 1) * self.stride[0] + self.window[0];
            let across = (self.output[1] - 1) * self.stride[1] + self.window[1];
            top + bottom + left + right == 0 && down <= self.input[0] && across <= self.input[1]
        }

        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, inputs: &[&[T]], outputs: &[&[T]]) {
            assert_eq!(self.input[2], self.output[2], "pool: the channels");
            assert!(inputs.iter().all(|s| s.len() == batch * self.input_len()), "pool: the input or its gradient");
            assert!(outputs.iter().all(|s| s.len() == batch * self.output_len()), "pool: the output or its gradient");
        }
    }

    /// Returns the range of an axis of `size`, after `before` elements of padding, that a window covers which starts at `start` of the
    /// padded axis.
    #[inline(always)]
    fn span(start: usize, window: usize, before: usize, size: usize) -> (usize, usize) {
        let end = (start + window).saturating_sub(before).min(size);
        (start.saturating_sub(before).min(end), end)
    }

    windowed!(Spec, |spec| spec.window[0], |spec| spec.window[0] * spec.window[1] * spec.output[2]);
}

/// Zero padding.
pub mod pad {
    spec! {
        /// An image and its padding. A crop is the inverse of the padding that would undo it: its forward pass is `zeropad_grad`, its
        /// gradient `zeropad_forward`, both with the spec of that padding.
        Spec {
            /// Height, width and channels of the image without the padding.
            input: [usize; 3],
            /// Rows above and below, columns left and right.
            padding: [usize; 4],
        }
    }

    impl Spec {
        /// Returns height, width and channels of the padded image.
        pub const fn output(&self) -> [usize; 3] {
            let ([height, width, channels], [top, bottom, left, right]) = (self.input, self.padding);
            [top + height + bottom, left + width + right, channels]
        }

        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, inner: &[T], outer: &[T]) {
            assert_eq!(inner.len(), batch * self.input.iter().product::<usize>(), "zeropad: the inner image");
            assert_eq!(outer.len(), batch * self.output().iter().product::<usize>(), "zeropad: the padded image");
        }
    }
}

/// Nearest-neighbour upsampling.
pub mod upsample {
    use crate::Epilogue;

    spec! {
        /// The sizes of the image, and how often each of its pixels is repeated.
        Spec {
            /// Height, width, channels.
            input: [usize; 3],
            /// The repetitions of rows and columns.
            factor: [usize; 2],
            /// The epilogue: a sum, an activation.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Returns height, width and channels of the upsampled image.
        pub const fn output(&self) -> [usize; 3] {
            let ([height, width, channels], [down, across]) = (self.input, self.factor);
            [height * down, width * across, channels]
        }

        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, small: &[T], large: &[T]) {
            assert_eq!(small.len(), batch * self.input.iter().product::<usize>(), "upsample: the small image");
            assert_eq!(large.len(), batch * self.output().iter().product::<usize>(), "upsample: the large image");
        }
    }
}
