//! Errors outside the kernels, each with the value that was found and the one that was expected.

mod origin;
mod phrases;
mod setting;
mod weight_difference;

use std::path::PathBuf;

use crate::debug_as_sentence::debug_as_sentence;
use crate::pass::PassError;
use crate::prediction_file::PredictionFileError;
use crate::simd::MissingInstructions;
use crate::suggest::choices;

pub use origin::Origin;
use phrases::{class_range, last_good, lines, listed, named};
pub use phrases::{counted, panic_message};
pub use setting::{SettingValue, count_setting, setting};
pub use weight_difference::WeightDifference;

/// An error of data, files, losses, optimisers or training. Nothing in this crate panics on a user's input.
///
/// `{}` and `{:?}` print the same sentence; causes that it does not name follow on lines of their own. An error is therefore readable where
/// `main` returns it and where `unwrap` panics with it:
///
/// ```
/// use netwright_runtime::storage::safetensors::WeightFile;
///
/// let error = WeightFile::from_bytes(vec![0; 8], "empty.safetensors").unwrap_err();
/// assert_eq!(format!("{error:?}"), error.to_string());
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A pass whose images or gradients do not fit its workspace.
    #[error(transparent)]
    Pass(#[from] PassError),

    /// An instruction set that the processor lacks.
    #[error(transparent)]
    Instructions(#[from] MissingInstructions),

    /// A hyper-parameter with an invalid value, refused where it is set.
    #[error("{setting} is {found}; it must be {expected}")]
    Setting {
        /// The name of the hyper-parameter: `momentum`.
        setting: &'static str,
        /// The valid values: `at least 0 and less than 1`.
        expected: &'static str,
        /// The value it was set to.
        found: SettingValue,
    },
    /// A setting for a layer that the network does not have.
    #[error("{setting} is set for `{layer}`, which is no layer with weights; those are {}", choices(layer, known))]
    UnknownLayer {
        /// The setting: `l2`.
        setting: &'static str,
        /// The name that was given.
        layer: String,
        /// The layers of the network that have weights, and the blocks that contain them.
        known: String,
    },
    /// A layer that the network does not have, or that is of the wrong kind.
    #[error("`{layer}` is no {wanted}; the network has {}", choices(layer, known))]
    NoSuchLayer {
        /// The name that was given.
        layer: String,
        /// The kind of layer that was needed: `layer with filters`.
        wanted: &'static str,
        /// The layers of that kind.
        known: String,
    },
    /// A row, column, channel or class out of range.
    #[error("{what} {found} of `{of}` was asked for; it has {count}, counted from 0")]
    Outside {
        /// Its kind: `channel`.
        what: &'static str,
        /// The layer or network.
        of: String,
        /// The index that was given.
        found: usize,
        /// The number of valid indices.
        count: usize,
    },
    /// A slice of the wrong length.
    #[error("{what}: {}, where {expected} were expected", counted(*found, "element"))]
    Length {
        /// The name of the slice.
        what: &'static str,
        /// The number of elements it should have.
        expected: usize,
        /// The number of elements it has.
        found: usize,
    },
    /// Saved state that does not match the object it is restored to.
    #[error("the saved state of {of} {problem}")]
    State {
        /// The object: `Adam`.
        of: &'static str,
        /// The problem.
        problem: String,
    },

    /// A file that the operating system could not read or write.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operation: `read`.
        action: &'static str,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A file of another format, or in a variant of its format that is not supported.
    #[error("{origin}: expected {expected}, found {found}")]
    Format {
        /// The file.
        origin: String,
        /// The format it should have.
        expected: String,
        /// The format it has.
        found: String,
    },
    /// A file that ends too early.
    #[error("{origin}: truncated: {expected} bytes were promised, {found} are there")]
    Truncated {
        /// The file.
        origin: String,
        /// The bytes its header promises.
        expected: u64,
        /// The number of bytes it has.
        found: u64,
    },
    /// A file with bytes after its end.
    #[error("{origin}: bytes follow the {expected} that were promised")]
    TrailingBytes {
        /// The file.
        origin: String,
        /// The bytes its header promises.
        expected: u64,
    },
    /// A file whose header promises more bytes than the limit.
    #[error("{origin}: its header promises {promised} bytes; at most {limit} are read")]
    Oversized {
        /// The file.
        origin: String,
        /// The bytes its header promises.
        promised: u64,
        /// The limit.
        limit: u64,
    },
    /// A line of a text file that cannot be parsed.
    #[error("{origin}, line {line}: {problem}")]
    Line {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// The problem.
        problem: String,
    },

    /// A field of a table that cannot be parsed.
    #[error("{origin}, line {line}: column {column}{}: {problem}", named(name.as_deref()))]
    Cell {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The name of the column in the header.
        name: Option<String>,
        /// The problem.
        problem: String,
    },
    /// A column that a table does not have.
    #[error("{origin}: there is no column `{name}`; it has {known}")]
    NoColumn {
        /// The file.
        origin: String,
        /// The name that was given.
        name: String,
        /// The columns of the table.
        known: String,
    },
    /// A name that several columns of a table have.
    #[error("{origin}: there are several columns `{name}`; their indices, from 0, are {}", listed(indices))]
    SeveralColumns {
        /// The file.
        origin: String,
        /// The name that was given.
        name: String,
        /// The indices of these columns, from 0.
        indices: Vec<usize>,
    },
    /// A column that occurs twice in a list of columns.
    #[error("{origin}: column {column}{} is listed twice", named(name.as_deref()))]
    RepeatedColumn {
        /// The file.
        origin: String,
        /// The column, from 1.
        column: usize,
        /// The name of the column in the header.
        name: Option<String>,
    },

    /// A label that is not a class.
    #[error("{origin}: sample {sample} has the label {label}; {}", class_range(*classes))]
    Label {
        /// The file or data set.
        origin: String,
        /// The index of the sample, from 0.
        sample: usize,
        /// Its label.
        label: usize,
        /// The number of classes.
        classes: usize,
    },
    /// A target for which the loss is not defined.
    #[error("{origin}: the target of sample {sample} is {found}; it must be {expected}")]
    Target {
        /// The file or data set.
        origin: String,
        /// The index of the sample, from 0.
        sample: usize,
        /// The valid values.
        expected: &'static str,
        /// The value.
        found: f64,
    },
    /// An input with a NaN or an infinite element, found outside of a training step.
    #[error("{origin}: the input of sample {sample} is NaN or infinite")]
    Input {
        /// The file or data set.
        origin: String,
        /// The index of the sample, from 0.
        sample: usize,
    },
    /// Different numbers of inputs and targets.
    #[error(
        "{origin}: {} and {}; there must be one target for each input",
        counted(*inputs, "input"),
        counted(*targets, "target")
    )]
    Count {
        /// The files or the data set.
        origin: String,
        /// The number of inputs.
        inputs: usize,
        /// The number of targets.
        targets: usize,
    },
    /// Classes of targets that are not labels.
    #[error("{origin}: classes are counted by labels (`usize` or `bool`), and these targets are none")]
    NoLabels {
        /// The file or data set.
        origin: String,
    },
    /// A data set without samples.
    #[error("{origin}: no samples; at least one is needed")]
    Empty {
        /// The file or data set.
        origin: String,
    },
    /// An index of a sample that the set does not have.
    #[error("sample {sample} was asked for; the set has {len}")]
    NoSuchSample {
        /// The index, from 0.
        sample: usize,
        /// The number of samples.
        len: usize,
    },
    /// An error of the user's iterator of samples.
    #[error("{origin}: sample {sample}: {source}")]
    Sample {
        /// The source.
        origin: String,
        /// The number of samples before it in the epoch.
        sample: u64,
        /// The iterator's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stream that ended before the end of an epoch.
    #[error("{origin}: it ended after {found} samples; an epoch has {expected}")]
    StreamEnd {
        /// The source.
        origin: String,
        /// The number of samples in an epoch.
        expected: u64,
        /// The number of samples that the stream gave.
        found: u64,
    },
    /// User code that panicked while samples were prepared.
    #[error("{origin}: sample {sample}: {what} panicked: {message}")]
    Panicked {
        /// The source of the samples.
        origin: String,
        /// The number of the sample.
        sample: u64,
        /// The code that panicked: `its augmentation`.
        what: &'static str,
        /// The message of the panic.
        message: String,
    },
    /// Images of another size than the network's input.
    #[error(
        "{origin}: the images are {found}, the network takes {expected}; resize them, or change the network's input"
    )]
    ImageSize {
        /// The file or data set.
        origin: String,
        /// The shape of the network's input.
        expected: crate::Shape,
        /// The shape of the images.
        found: crate::Shape,
    },

    /// Weights that do not fit the network, with every difference; none were loaded.
    #[error("{origin}: not the weights of {network}:{}", lines(differences))]
    Weights {
        /// The file.
        origin: String,
        /// The network.
        network: &'static str,
        /// Every difference found.
        differences: Vec<WeightDifference>,
    },
    /// A file of prepared weights that cannot be used.
    #[error("{origin}: {problem}")]
    PredictionFile {
        /// The file.
        origin: String,
        /// The reason.
        problem: PredictionFileError,
    },
    /// A file that is not an ONNX model, or whose tensors cannot be read.
    #[cfg(feature = "onnx")]
    #[error("{origin}: {problem}")]
    Onnx {
        /// The file.
        origin: String,
        /// The problem.
        problem: netwright_onnx::Error,
    },
    /// A chart or sheet that cannot be drawn.
    #[error("cannot draw `{title}`: {problem}")]
    Drawing {
        /// Its title.
        title: String,
        /// The reason.
        problem: String,
    },
    /// Threads that the system could not start.
    #[error("cannot start threads: {0}")]
    Threads(String),
    /// A handler for Ctrl-C that the system refused.
    #[error("cannot listen to Ctrl-C: {0}")]
    Interrupt(String),
    /// A NaN or an infinite element between the images and the gradient. The network is as it was before the step.
    #[error("step {step}: NaN or infinite, first in {origin}{}", last_good(checkpoint.as_deref()))]
    NotFinite {
        /// The index of the step, from 0.
        step: u64,
        /// The value in which it first appeared.
        origin: Origin,
        /// The last checkpoint before it, if one was written.
        checkpoint: Option<PathBuf>,
    },
    /// A setting that needs a validation set, in a run without one.
    #[error("{setting} needs a validation set, and none was given")]
    NoValidation {
        /// The setting: `early stopping`.
        setting: &'static str,
    },
    /// A metric that the trainer does not have.
    #[error(
        "{setting} watches the metric `{metric}`, which the trainer does not have; it has {}",
        choices(metric, known)
    )]
    UnknownMetric {
        /// The setting that watches it: `early stopping`.
        setting: &'static str,
        /// The name that was given.
        metric: &'static str,
        /// The trainer's metrics.
        known: String,
    },
    /// A metric whose name conflicts with another's.
    #[error("the metric `{name}` {problem}")]
    MetricName {
        /// The name.
        name: String,
        /// The problem.
        problem: String,
    },
    /// A metric that a report does not have.
    #[error("there is no `{metric}` in this report; there are {}", choices(metric, known))]
    NoSuchMetric {
        /// The name that was given.
        metric: String,
        /// The metrics of the report.
        known: String,
    },
    /// A tensor that the network does not have.
    #[error("the network has no tensor `{layer}.{tensor}`; it has {}", choices(&format!("{layer}.{tensor}"), known))]
    UnknownTensor {
        /// The name of the layer.
        layer: String,
        /// The name of the tensor.
        tensor: String,
        /// The tensors of that layer, or all tensors if there is no such layer: `conv1.kernel, conv1.bias`.
        known: String,
    },
    /// An error of the user's own code, such as a callback or a source of samples: see [`Error::other`].
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
    /// A checkpoint of another run.
    #[error("{origin}: a checkpoint of another run: {what} was {found}, and is {expected} now")]
    Resume {
        /// The file.
        origin: String,
        /// The first difference: `the seed`.
        what: &'static str,
        /// The value of this run.
        expected: String,
        /// The value in the checkpoint.
        found: String,
    },
    /// A checkpoint of a run with other settings, or of a network with other layers.
    #[error("{origin}: {name} was {before}, and is {now} now (`Checkpoints::allow_changes(true)` goes on with it)")]
    Changed {
        /// The file.
        origin: String,
        /// The first difference: `the learning rate`.
        name: String,
        /// The value in the checkpoint.
        before: String,
        /// The value of this run.
        now: String,
    },

    /// A file whose bytes have changed since it was written.
    #[error("{origin}: damaged: its checksum is {found}, the file says {expected}")]
    Checksum {
        /// The file.
        origin: String,
        /// The checksum written in the file.
        expected: String,
        /// The checksum of its bytes.
        found: String,
    },
}

debug_as_sentence!(Error);

impl Error {
    /// Wraps an error of your own, for a callback or a source of samples to return. A text works too: `Error::other("no more disk")`.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// Returns the same error with another origin and another index of the sample: `number` maps the index within a batch to that in `origin`.
    pub fn of_sample(self, origin: &str, number: &dyn Fn(usize) -> usize) -> Self {
        match self {
            Self::Label { sample, label, classes, .. } => {
                Self::Label { origin: origin.to_owned(), sample: number(sample), label, classes }
            }
            Self::Target { sample, expected, found, .. } => {
                Self::Target { origin: origin.to_owned(), sample: number(sample), expected, found }
            }
            Self::Input { sample, .. } => Self::Input { origin: origin.to_owned(), sample: number(sample) },
            other => other,
        }
    }

    /// Returns a function for `map_err` on file operations.
    pub fn io(path: &std::path::Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}
