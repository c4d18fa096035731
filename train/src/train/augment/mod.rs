//! More data than there are: changed images (slide 15), mixed ones, and adversarial ones (slide 16).

mod image;
mod mixup;

pub use image::{Augmentation, Fill};
pub use mixup::{Mix, MixTarget, MixedLabel, Mixup};

use crate::random::Random;

/// Makes a changed copy of a sample: an [`Augmentation`] of images, or a closure
/// `|source: &I, copy: &mut I, random: &mut Random|`.
///
/// It runs on the worker threads, ahead of the step that trains on the copy; where it panics, the run ends with
/// [`Error::Panicked`](crate::error::Error::Panicked). `random` depends on the run's seed, the epoch and the sample, so that an epoch gives the same
/// copies whatever the threads and whatever came before.
pub trait Augment<I>: Send + Sync {
    /// Writes all of `copy`, which holds another sample's elements.
    fn augment(&self, source: &I, copy: &mut I, random: &mut Random);

    /// All that it was made with, for checkpoints; of a closure nothing is known.
    fn describe(&self) -> String {
        "one of its own".to_owned()
    }
}

impl<I, F: Fn(&I, &mut I, &mut Random) + Send + Sync> Augment<I> for F {
    fn augment(&self, source: &I, copy: &mut I, random: &mut Random) {
        self(source, copy, random);
    }
}
