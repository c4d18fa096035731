//! The network, the data type and the settings that both training runs share.

use netwright::data::Dataset;
use netwright::loss::CrossEntropy;
use netwright::optim::AdamW;
use netwright::schedule::{Cosine, WarmUp};
use netwright::train::{Augmentation, Checkpoints, EarlyStopping, Mixup, RunFolder, Watch, metrics};
use netwright::{Error, Tensor};

netwright::network! {
    pub(crate) DigitNet(8x8x1) {
        conv 3x3x8 same relu;  maxpool 2;
        conv 3x3x16 relu;
        dense 32 relu;         dropout 0.1;
        softmax 10
    }
}

pub(crate) type Digits = Dataset<Tensor<8, 8, 1>>;

pub(crate) const EPOCHS: u64 = 30;
pub(crate) const BATCH: usize = 32;
pub(crate) const SEED: u64 = 7;
/// Gradients with a larger norm are clipped to this one.
pub(crate) const MAX_GRADIENT_NORM: f64 = 2.0;

pub(crate) fn loss() -> Result<CrossEntropy, Error> {
    CrossEntropy::new().label_smoothing(0.05)
}

pub(crate) fn optimizer() -> Result<AdamW, Error> {
    AdamW::new(0.01)?.weight_decay(0.01)
}

pub(crate) fn schedule() -> Result<WarmUp<Cosine>, Error> {
    WarmUp::new(1.0, Cosine::new())
}

pub(crate) fn augmentation() -> Result<Augmentation, Error> {
    Augmentation::new().shift(0.5)?.rotate(10.0)
}

pub(crate) fn mixup() -> Result<Mixup, Error> {
    Mixup::new(0.1)
}

/// Validates every four steps.
pub(crate) fn early_stopping() -> Result<EarlyStopping, Error> {
    Ok(EarlyStopping::new(12)?.min_delta(0.001)?.every_batches(4)?.watch(Watch::Highest("top-3")))
}

pub(crate) fn top_3(answers: &[[f32; 10]], labels: &[usize]) -> Result<f64, Error> {
    metrics::top_k(answers, labels, 3)
}

pub(crate) fn checkpoints(folder: &RunFolder) -> Result<Checkpoints, Error> {
    Ok(Checkpoints::new(folder.file("run.checkpoint")).every_steps(5)?.resume(true))
}
