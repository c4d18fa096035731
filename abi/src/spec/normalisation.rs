//! Sizes of normalisations.

/// Batch normalisation.
pub mod batchnorm {
    use crate::Activation;

    spec! {
        /// The sizes and constants of the layer.
        Spec {
            /// Positions per image.
            rows: usize,
            /// Channels, each normalised separately.
            channels: usize,
            /// Added to the variance.
            epsilon: f64,
            /// The weight of the old value when a moving mean or variance is updated.
            momentum: f64,
            /// The activation f of the forward pass; the gradient passes through an f that only [clamps](Activation::bounds).
            activation: Option<Activation>,
        }
    }

    impl Spec {
        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
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
            /// Positions per image, each normalised separately.
            rows: usize,
            /// Elements per position.
            channels: usize,
            /// Added to the variance.
            epsilon: f64,
            /// The epilogue: a sum, an activation.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
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
            /// Positions per image.
            rows: usize,
            /// Channels.
            channels: usize,
            /// The number of channels in a sum, with the own channel in the middle; the sum ends at the first and the last channel.
            size: usize,
            /// The factor of the sum of squares; it is not divided by `size`.
            alpha: f64,
            /// The exponent.
            beta: f64,
            /// Added to the weighted sum.
            k: f64,
            /// The epilogue: a sum, an activation.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, values: &[&[T]]) {
            let whole = batch * self.rows * self.channels;
            assert!(values.iter().all(|s| s.len() == whole), "lrn: the values");
        }

        /// Returns the number of neighbours of a channel before and after it.
        #[inline(always)]
        pub fn reach(&self) -> (usize, usize) {
            let before = self.size / 2;
            (before, (self.size - before).saturating_sub(1))
        }
    }
}
