//! The summed loss of some images.

#[cfg(doc)]
use super::target::Target;

/// The loss of some images and, where answers can be right or wrong, their score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchLoss {
    /// The sum of the losses of all images.
    pub sum: f64,
    /// The number of images.
    pub images: usize,
    /// The sum of the scores of all images (see [`Target::score`]); in training, those of the training pass, with dropout.
    pub score: Option<f64>,
}

impl BatchLoss {
    /// Returns the mean loss per image, without penalties on weights.
    pub fn mean(&self) -> f64 {
        self.sum / self.images.max(1) as f64
    }

    /// Returns the share of right answers, from 0 to 1; `None` where answers are neither right nor wrong.
    pub fn accuracy(&self) -> Option<f64> {
        self.score.map(|score| score / self.images.max(1) as f64)
    }

    /// Adds the images of `other`.
    pub fn add(&mut self, other: &Self) {
        self.score = match (self.images, self.score, other.score) {
            (0, _, score) => score,
            (_, Some(a), Some(b)) => Some(a + b),
            _ => None,
        };
        self.sum += other.sum;
        self.images += other.images;
    }
}

/// Prints `loss 0.0312  accuracy 99.17 %  of 360`.
impl core::fmt::Display for BatchLoss {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "loss {:.4}", self.mean())?;
        if let Some(accuracy) = self.accuracy() {
            write!(f, "  accuracy {:.2} %", 100.0 * accuracy)?;
        }
        write!(f, "  of {}", self.images)
    }
}
