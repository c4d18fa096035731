//! Sizes of normalisations.

/// Batch normalisation.
pub mod batchnorm {
    use crate::Activation;

    spec! {
        /// The sizes and constants of the layer.
        Spec {
            /// Positions an image.
            rows: usize,
            /// Channels, each normalised by itself.
            channels: usize,
            /// Added to the variance.
            epsilon: f64,
            /// The weight of the old value when a moving mean or variance is updated.
            momentum: f64,
            /// The function f applied to the output on the way forward; the gradient goes through one that only [bounds](Activation::bounds).
            activation: Option<Activation>,
        }
    }

    impl Spec {
        /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, values: &[&[T]], channels: &[&[T]], optional: &[&[T]]) {
            let whole = batch * self.rows * self.channels;
            assert!(values.iter().all(|s| s.len() == whole), "batchnorm: the values");
            assert!(channels.iter().all(|s| s.len() == self.channels), "batchnorm: one number a channel");
            assert!(
                optional.iter().all(|s| s.is_empty() || s.len() == self.channels),
                "batchnorm: gamma, beta and their gradients have one number a channel, or none"
            );
        }
    }
}

/// Layer normalisation.
pub mod layernorm {
    use crate::Epilogue;

    spec! {
        /// The sizes and constants of the layer.
        Spec {
            /// Positions an image, each normalised by itself.
            rows: usize,
            /// Elements a position.
            channels: usize,
            /// Added to the variance.
            epsilon: f64,
            /// What becomes of the output before it is stored: a sum, an activation.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, values: &[&[T]], optional: &[&[T]]) {
            let whole = batch * self.rows * self.channels;
            assert!(values.iter().all(|s| s.len() == whole), "layernorm: the values");
            assert!(
                optional.iter().all(|s| s.is_empty() || s.len() == self.channels),
                "layernorm: gamma, beta and their gradients have one number a channel, or none"
            );
        }
    }
}

/// Local response normalisation.
pub mod lrn {
    use crate::Epilogue;

    spec! {
        /// The sizes and constants of the layer.
        Spec {
            /// Positions an image.
            rows: usize,
            /// Channels.
            channels: usize,
            /// How many channels meet, the own in their middle; the sum is cut at the first and the last channel.
            size: usize,
            /// The weight of the sum of squares; not divided by `size`.
            alpha: f64,
            /// The exponent.
            beta: f64,
            /// Added to the weighted sum.
            k: f64,
            /// What becomes of the output before it is stored: a sum, an activation.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, values: &[&[T]]) {
            let whole = batch * self.rows * self.channels;
            assert!(values.iter().all(|s| s.len() == whole), "lrn: the values");
        }

        /// How far the neighbours of a channel reach before and after it.
        #[inline(always)]
        pub fn reach(&self) -> (usize, usize) {
            let before = self.size / 2;
            (before, (self.size - before).saturating_sub(1))
        }
    }
}
