//! Sizes of kernels that work on each element, or on rows of elements, by itself.

/// An activation function.
pub mod activation {
    use crate::Activation;

    spec! {
        /// A function, and the size of the value it is applied to.
        Spec {
            /// The function.
            activation: Activation,
            /// Elements an image.
            len: usize,
        }
    }

    impl Spec {
        /// `activation` of `len` elements an image.
        pub const fn new(activation: Activation, len: usize) -> Self {
            Self { activation, len }
        }
    }
}

/// A sum in place.
pub mod add {
    use crate::Activation;

    spec! {
        /// The size of a value, and what becomes of the sum.
        Spec {
            /// Elements an image.
            len: usize,
            /// The function f applied to the sum.
            activation: Option<Activation>,
        }
    }
}

/// Values side by side along the channels.
pub mod concat {
    spec! {
        /// Which channels of the whole a part takes.
        Spec {
            /// Positions an image.
            rows: usize,
            /// Channels of the part.
            part: usize,
            /// Channels of the whole.
            whole: usize,
            /// The first channel of the part in the whole.
            offset: usize,
        }
    }

    impl Spec {
        /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
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
            /// Elements an image.
            len: usize,
        }
    }
}

/// Another layout of a value.
pub mod relayout {
    spec! {
        /// The size of a value.
        Spec {
            /// Elements an image.
            len: usize,
        }
    }
}

/// Dropout.
pub mod dropout {
    spec! {
        /// The share that is dropped, and the size of the value.
        Spec {
            /// The probability of an element to be dropped, from 0 (keeps all) to 1 (drops all).
            rate: f64,
            /// Elements an image.
            len: usize,
            /// The number of the layer in its network, so that two layers draw apart.
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
            /// Elements an image of the left factor, and of the product.
            len: usize,
            /// `None`: the right factor has the shape of the left. `Some(channels)`: it has that many elements an image, and each
            /// applies to all positions; `channels` divides `len`.
            channels: Option<usize>,
            /// What becomes of the output before it is stored: a sum, an activation.
            epilogue: Epilogue,
        }
    }

    impl Spec {
        /// Elements an image of the right factor.
        pub const fn right_len(&self) -> usize {
            match self.channels {
                None => self.len,
                Some(channels) => channels,
            }
        }

        /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
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
        /// The size of the value, and how many slopes it has.
        Spec {
            /// Elements an image.
            len: usize,
            /// 1: shared by all. Else one a channel; divides `len`.
            slopes: usize,
            /// What becomes of the output before it is stored: a sum, an activation.
            epilogue: Epilogue,
        }
    }
}

/// Channels in another order.
pub mod shuffle {
    spec! {
        /// The channels as a table of groups, which is transposed.
        Spec {
            /// Positions an image.
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
            /// What each element is multiplied by.
            factor: f64,
            /// Elements an image.
            len: usize,
        }
    }
}

/// Softmax over the last axis.
pub mod softmax {
    spec! {
        /// The size of the value.
        Spec {
            /// Positions an image, each with probabilities of its own.
            rows: usize,
            /// Elements a position.
            classes: usize,
        }
    }
}
