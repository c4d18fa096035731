//! Sizes of layers with weights, other than convolutions, and of distances to patterns.

/// Filters of a convolution with a connection table.
pub mod conv_table {
    spec! {
        /// The sizes of filters, and their table. Only connections have weights: they are `[window height, window width, connections]`, in
        /// the order of the table. Expanded, they are `[window height, window width, channels, filters]`, with zeros elsewhere.
        Spec<'a> {
            /// Height and width of a filter, in taps.
            window: [usize; 2],
            /// Channels of the input.
            channels: usize,
            /// Filters.
            filters: usize,
            /// The connections: an input channel and a filter each.
            connections: &'a [[usize; 2]],
        }
    }

    impl Spec<'_> {
        /// Returns the elements of the expanded weights.
        pub const fn expanded_len(&self) -> usize {
            self.window[0] * self.window[1] * self.channels * self.filters
        }

        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check(&self, weights: usize, expanded: usize) {
            let sizes = [self.window[0], self.window[1], self.channels, self.filters, self.connections.len()];
            assert!(!sizes.contains(&0), "conv_table: sizes are at least 1");
            assert!(
                self.connections.iter().all(|&[channel, filter]| channel < self.channels && filter < self.filters),
                "conv_table: the table names a channel or a filter that there is not"
            );
            assert_eq!(weights, self.window[0] * self.window[1] * self.connections.len(), "conv_table: the weights");
            assert_eq!(expanded, self.expanded_len(), "conv_table: the expanded weights");
        }
    }
}

/// Dense layers.
pub mod dense {
    use crate::Epilogue;

    spec! {
        /// The sizes of a dense layer. Weights are `[inputs, outputs]`; `[outputs, inputs]` for the `dense_transposed` kernels, which use
        /// the weights of another layer.
        ///
        /// The forward pass is `Y = f(scale · X W + shift)`, with a scale and a shift for each output: a bias is a shift. Both may be
        /// empty.
        Spec {
            /// Input elements per image.
            inputs: usize,
            /// Output elements per image.
            outputs: usize,
            /// The epilogue of the forward pass; gradients do not use it.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check(&self, batch: usize, input: usize, weights: usize, each_output: [usize; 2], output: usize) {
            assert_eq!(input, batch * self.inputs, "length of the input");
            assert_eq!(weights, self.inputs * self.outputs, "length of the weights");
            assert!(
                each_output.iter().all(|&len| len == 0 || len == self.outputs),
                "a number for each output, or none"
            );
            assert_eq!(output, batch * self.outputs, "length of the output");
        }
    }
}

/// Squared distances to patterns.
pub mod distance {
    spec! {
        /// The sizes of the layer, and its patterns.
        Spec<'a> {
            /// Input elements per image.
            inputs: usize,
            /// Patterns.
            outputs: usize,
            /// The patterns, contiguous, `inputs` elements each.
            patterns: &'a [f64],
        }
    }

    impl Spec<'_> {
        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, inputs: &[&[T]], output: &[T]) {
            assert!(self.inputs > 0 && self.outputs > 0, "distance: sizes are at least 1");
            assert_eq!(self.patterns.len(), self.inputs * self.outputs, "distance: the patterns");
            assert!(inputs.iter().all(|s| s.len() == batch * self.inputs), "distance: the input or its gradient");
            assert_eq!(output.len(), batch * self.outputs, "distance: the output or its gradient");
        }
    }
}

/// Trained subsampling.
pub mod subsample {
    use crate::Epilogue;

    spec! {
        /// The sizes of the layer. There is no padding.
        Spec {
            /// Height, width, channels of one input image.
            input: [usize; 3],
            /// Height, width, channels of one output image.
            output: [usize; 3],
            /// Height and width of a window.
            window: [usize; 2],
            /// Rows and columns between adjacent windows.
            stride: [usize; 2],
            /// The epilogue of the forward pass; gradients do not use it.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check(&self, batch: usize, input: usize, coefficient: usize, each_channel: [usize; 2], output: usize) {
            let channels = self.input[2];
            assert!(channels > 0 && self.output[2] == channels, "subsample: the channels stay");
            for axis in 0..2 {
                let covered = (self.output[axis] - 1) * self.stride[axis] + self.window[axis];
                assert!(self.stride[axis] > 0 && covered <= self.input[axis], "subsample: a window leaves the image");
            }
            assert_eq!(input, batch * self.input.iter().product::<usize>(), "subsample: the input");
            assert_eq!(output, batch * self.output.iter().product::<usize>(), "subsample: the output");
            assert_eq!(coefficient, channels, "subsample: the coefficients");
            assert!(
                each_channel.iter().all(|&len| len == 0 || len == channels),
                "subsample: one number for each channel"
            );
        }
    }
}
