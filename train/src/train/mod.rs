//! Training: the gradient of a batch on several threads, the training loop, and the parts to build one.
//!
//! | part | what it does |
//! |---|---|
//! | [`Trainer`] | epochs, validation, and all of the below |
//! | [`Run`] | the state of a run, which a checkpoint saves: for a training loop of your own, see the example `own_loop` |
//! | [`GradientEngine`] | one batch forward and backward |
//! | [`Loader`], [`Preparation`] | batches, prepared ahead of the step on the worker threads |
//! | [`Samples`], [`Stream`] | the samples of batches: sets in memory, and any iterator |
//! | [`evaluate()`], [`Validator`], [`metrics`] | evaluation of a network |
//! | [`EarlyStopping`], [`Watcher`] | ends a run when the validation no longer improves, and restores the best weights (slide 14) |
//! | [`augment`] | changed and blended images (slide 15) |
//! | [`adversarial`] | the fast gradient sign method, its iterated form, and training against them (slide 16) |
//! | [`Bagging`] | an ensemble of networks on bootstrap samples (slide 17) |
//! | [`statistics`] | saturation and vanishing gradients as numbers (slides 6 to 11) |
//! | [`Checkpoints`], [`RunFolder`] | runs that can be stopped at any time, and their metrics on disk |

pub mod adversarial;
pub mod augment;
mod batch;
mod batch_loss;
mod callback;
pub(crate) mod checkpoint;
mod early_stopping;
mod ensemble;
mod evaluate;
pub(crate) mod finite;
mod fit;
pub(crate) mod fused;
pub(crate) mod gradient;
mod history;
#[cfg(feature = "ctrlc")]
mod interrupt;
pub(crate) mod label;
mod loader;
mod metric_name;
pub mod metrics;
mod micro_batch;
mod parts;
mod preparation;
mod progress;
pub(crate) mod run;
mod run_folder;
mod samples;
mod source;
pub mod statistics;
mod stream;
mod target;
mod trainer;
mod update;
mod validation;

pub use crate::once::{Number, Trainable};
pub use crate::storage::check_writable;
pub use crate::threads::Threads;
pub use adversarial::{AdversarialTraining, Attack};
pub use augment::{Augmentation, Fill, MixedLabel, Mixup};
pub use batch::Batch;
pub use batch_loss::BatchLoss;
pub use callback::{Callback, Decision, EpochReport, RunReport, StepReport};
pub use checkpoint::Checkpoints;
pub use early_stopping::{EarlyStopping, Watch, Watcher};
pub use ensemble::{Bagging, Ensemble, EnsembleAccuracy};
pub use evaluate::{evaluate, predict_all};
pub use gradient::GradientEngine;
pub use history::{Best, Ending, EpochRecord, History, MetricSeries};
#[cfg(feature = "ctrlc")]
pub use interrupt::ctrl_c;
pub use loader::Loader;
pub use metrics::ConfusionMatrix;
pub use preparation::Preparation;
pub use run::{Identity, Position, Run};
pub use run_folder::RunFolder;
pub use samples::{Choice, Pairs, Samples};
pub use source::{Drawn, Sampler, Shuffled, Source};
pub use stream::{HeldTarget, InTurn, Stream};
pub use target::{Reading, Target, classes, predicted_class, predicted_classes};
pub use trainer::{NoLoss, NoOptimizer, Trainer};
pub use update::Update;
pub use validation::{Validation, Validator};
