//! Sizes of kernels that compute elements, or rows of elements, independently.

/// An activation function.
pub mod activation {
    use crate::Activation;

    spec! {
        /// A function, and the size of the value it is applied to.
        Spec {
            /// The function.
            activation: Activation,
            /// Elements per image.
            len: usize,
        }
    }

    impl Spec {
        /// Returns the spec of `activation` for `len` elements per image.
        pub const fn new(activation: Activation, len: usize) -> Self {
            Self { activation, len }
        }
    }
}

/// A sum in place.
pub mod add {
    use crate::Activation;

    spec! {
        /// The size of a value, and the activation of the sum.
        Spec {
            /// Elements per image.
            len: usize,
            /// The function f applied to the sum.
            activation: Option<Activation>,
        }
    }
}

/// Concatenation along the channels.
pub mod concat {
    spec! {
        /// The channels of one operand in the output.
        Spec {
            /// Positions per image.
            rows: usize,
            /// Channels of the operand.
            part: usize,
            /// Channels of the output.
            whole: usize,
            /// The first channel of the operand in the output.
            offset: usize,
        }
    }

    impl Spec {
        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, part: &[T], whole: &[T]) {
            assert!(self.offset + self.part <= self.whole, "concat: the part lies outside the whole");
            assert_eq!(part.len(), batch * self.rows * self.part, "concat: the part");
            assert_eq!(whole.len(), batch * self.rows * self.whole, "concat: the whole");
        }
    }
}

/// A copy.
pub mod copy {
    spec! {
        /// The size of a value.
        Spec {
            /// Elements per image.
            len: usize,
        }
    }
}

/// A conversion between layouts.
pub mod relayout {
    spec! {
        /// The size of a value.
        Spec {
            /// Elements per image.
            len: usize,
        }
    }
}

/// Dropout.
pub mod dropout {
    spec! {
        /// The rate, and the size of the value.
        Spec {
            /// The probability of an element to be dropped, from 0 (keeps all) to 1 (drops all).
            rate: f64,
            /// Elements per image.
            len: usize,
            /// The index of the layer in its network, so that layers draw different random numbers.
            layer: u64,
        }
    }
}

/// A product.
pub mod multiply {
    use crate::Epilogue;

    spec! {
        /// The sizes of the factors.
        Spec {
            /// Elements per image of the left factor, and of the product.
            len: usize,
            /// `None`: the right factor has the shape of the left. `Some(channels)`: it has that many elements per image, each of which
            /// applies to all positions; `channels` divides `len`.
            channels: Option<usize>,
            /// The epilogue: a sum, an activation.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Returns the elements of the right factor per image.
        pub const fn right_len(&self) -> usize {
            match self.channels {
                None => self.len,
                Some(channels) => channels,
            }
        }

        /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
        #[track_caller]
        pub fn check<T>(&self, batch: usize, whole: [&[T]; 2], right: &[T]) {
            assert!(
                whole.iter().all(|s| s.len() == batch * self.len),
                "multiply: a left factor, product or gradient of them"
            );
            assert_eq!(right.len(), batch * self.right_len(), "multiply: the right factor or its gradient");
        }
    }
}

/// Parametric ReLU.
pub mod prelu {
    use crate::Epilogue;

    spec! {
        /// The size of the value, and the number of slopes.
        Spec {
            /// Elements per image.
            len: usize,
            /// 1: one slope for all channels. Otherwise one per channel; it divides `len`.
            slopes: usize,
            /// The epilogue: a sum, an activation.
            epilogue: Epilogue,
        }
    }
}

/// The channel shuffle.
pub mod shuffle {
    spec! {
        /// The channels as a matrix `[group][channel]`, which is transposed.
        Spec {
            /// Positions per image.
            rows: usize,
            /// Groups of channels.
            groups: usize,
            /// Channels of a group.
            each: usize,
        }
    }
}

/// A constant factor.
pub mod scale {
    spec! {
        /// The factor, and the size of the value.
        Spec {
            /// The factor of each element.
            factor: f64,
            /// Elements per image.
            len: usize,
        }
    }
}

/// Softmax over the last axis.
pub mod softmax {
    spec! {
        /// The size of the value.
        Spec {
            /// Positions per image, each with probabilities of its own.
            rows: usize,
            /// Elements per position.
            classes: usize,
        }
    }
}
