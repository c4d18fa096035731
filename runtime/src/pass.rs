//! The settings of a forward or backward pass, and its errors.

pub use netwright_compute::pass::{BackwardRule, Pass};

/// An error of a pass: the images or gradients do not fit the workspace or the network.
#[cfg(feature = "std")]
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// No images, or more than the workspace holds.
    #[error("{found} images, where there must be at least 1 and there is room for {capacity}")]
    Capacity {
        /// The most images.
        capacity: usize,
        /// The images given.
        found: usize,
    },
    /// Another number of images than the forward pass had.
    #[error("{found} images, where {expected} were sent forward")]
    Batch {
        /// The images sent forward.
        expected: usize,
        /// The images given.
        found: usize,
    },
    /// A training step of one image, in a network that needs several: see
    /// [`Architecture::NORMALISE_ONE_VALUE`](crate::architecture::Architecture::NORMALISE_ONE_VALUE). `Loader::join_left_over` merges a last
    /// batch of one image with the batch before it.
    #[error(
        "1 image, where the batch normalisation `{layer}` has a single value of each channel of an image: that would become 0 and train nothing \
         before it. A step needs at least 2 images, or frozen statistics"
    )]
    OneValue {
        /// The batch normalisation.
        layer: &'static str,
    },
    /// A buffer for the gradient of the images that has another length than the images.
    #[error("room for {found} elements of input gradient, where the images have {expected}")]
    InputGradient {
        /// The elements of all images.
        expected: usize,
        /// The length of the buffer.
        found: usize,
    },
}

#[cfg(feature = "std")]
crate::debug_as_sentence::debug_as_sentence!(PassError);
