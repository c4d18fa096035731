//! Augmentation of data: changed images (slide 15), blended ones, and adversarial ones (slide 16).

mod image;
mod mixup;

pub use image::{Augmentation, Fill};
pub use mixup::{Mix, MixTarget, MixedLabel, Mixup};

use crate::random::Random;

/// A function that writes a changed copy of a sample: an [`Augmentation`] of images, or a closure
/// `|source: &I, copy: &mut I, random: &mut Random|`.
///
/// It runs on the worker threads, ahead of the step that trains on the copy; if it panics, the run ends with
/// [`Error::Panicked`](crate::error::Error::Panicked). `random` depends on the run's seed, the epoch and the sample alone, so that the copies do
/// not depend on the number of threads or on earlier samples.
pub trait Augment<I>: Send + Sync {
    /// Writes all of `copy`, which initially has the elements of another sample.
    fn augment(&self, source: &I, copy: &mut I, random: &mut Random);

    /// Describes its settings for checkpoints; the settings of a closure are unknown.
    fn describe(&self) -> String {
        "one of its own".to_owned()
    }
}

impl<I, F: Fn(&I, &mut I, &mut Random) + Send + Sync> Augment<I> for F {
    fn augment(&self, source: &I, copy: &mut I, random: &mut Random) {
        self(source, copy, random);
    }
}
