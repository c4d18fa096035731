//! What can go wrong outside the kernels, each kind with what was found and what was expected.

mod origin;
mod setting;
mod weight_difference;

use std::path::PathBuf;

use crate::debug_as_sentence::debug_as_sentence;
use crate::pass::PassError;
use crate::prediction_file::PredictionFileError;
use crate::simd::MissingInstructions;
use crate::suggest::choices;

pub use origin::Origin;
pub use setting::{SettingValue, count_setting, setting};
pub use weight_difference::WeightDifference;

/// An error of data, files, losses, optimisers or training. Nothing in this crate panics on what a user can hand it.
///
/// `{}` and `{:?}` are the same sentence, with causes that it does not name on lines of their own, so that an error reads well where
/// `main` returns it and where `unwrap` meets it:
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
    /// A pass was asked for what its workspace cannot hold.
    #[error(transparent)]
    Pass(#[from] PassError),

    /// An instruction set was asked for that the processor lacks.
    #[error(transparent)]
    Instructions(#[from] MissingInstructions),

    /// A hyper-parameter that makes no sense, refused when it is set.
    #[error("{setting} is {found}; it must be {expected}")]
    Setting {
        /// Its name: `momentum`.
        setting: &'static str,
        /// What would do: `at least 0 and less than 1`.
        expected: &'static str,
        /// What it was set to.
        found: SettingValue,
    },
    /// A setting for a layer that the network does not have.
    #[error("{setting} is set for `{layer}`, which is no layer with weights; those are {}", choices(layer, known))]
    UnknownLayer {
        /// The setting: `l2`.
        setting: &'static str,
        /// The layer named.
        layer: String,
        /// The layers there are.
        known: String,
    },
    /// A layer was asked for that the network does not have, or that is of another kind.
    #[error("`{layer}` is no {wanted}; the network has {}", choices(layer, known))]
    NoSuchLayer {
        /// The layer named.
        layer: String,
        /// What kind of layer was needed: `layer with filters`.
        wanted: &'static str,
        /// The layers that would do.
        known: String,
    },
    /// A row, a column, a channel or a class that is not there.
    #[error("{what} {found} of `{of}` was asked for; it has {count}, counted from 0")]
    Outside {
        /// What: `channel`.
        what: &'static str,
        /// Of which layer or network.
        of: String,
        /// The one asked for.
        found: usize,
        /// How many there are.
        count: usize,
    },
    /// Slices that should be equally long.
    #[error("{what}: {}, where {expected} were expected", counted(*found, "element"))]
    Length {
        /// Which slice.
        what: &'static str,
        /// How many elements it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// Saved state that does not belong to what it is handed to.
    #[error("the saved state of {of} {problem}")]
    State {
        /// Whose state: `Adam`.
        of: &'static str,
        /// What is wrong.
        problem: String,
    },

    /// The operating system refused to read or write a file.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: `read`.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of another kind, or in a form that is not read here.
    #[error("{origin}: expected {expected}, found {found}")]
    Format {
        /// The file.
        origin: String,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// A file that ends too early.
    #[error("{origin}: truncated: {expected} bytes were promised, {found} are there")]
    Truncated {
        /// The file.
        origin: String,
        /// The bytes its header promises.
        expected: u64,
        /// The bytes it has.
        found: u64,
    },
    /// A file that goes on after its end.
    #[error("{origin}: bytes follow the {expected} that were promised")]
    TrailingBytes {
        /// The file.
        origin: String,
        /// The bytes its header promises.
        expected: u64,
    },
    /// A file that promises more than is believed.
    #[error("{origin}: its header promises {promised} bytes; at most {limit} are read")]
    Oversized {
        /// The file.
        origin: String,
        /// The bytes its header promises.
        promised: u64,
        /// The bytes that would be read.
        limit: u64,
    },
    /// A line of a text file that does not fit.
    #[error("{origin}, line {line}: {problem}")]
    Line {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },

    /// A field of a table that does not fit.
    #[error("{origin}, line {line}: column {column}{}: {problem}", named(name.as_deref()))]
    Cell {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the header calls it.
        name: Option<String>,
        /// What is wrong with it.
        problem: String,
    },
    /// A column that a table does not have.
    #[error("{origin}: there is no column `{name}`; it has {known}")]
    NoColumn {
        /// The file.
        origin: String,
        /// The column named.
        name: String,
        /// The columns there are.
        known: String,
    },

    /// A label that is no class.
    #[error("{origin}: sample {sample} has the label {label}; {}", class_range(*classes))]
    Label {
        /// The file or set.
        origin: String,
        /// Which sample, from 0.
        sample: usize,
        /// Its label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A target that no loss can be computed against.
    #[error("{origin}: the target of sample {sample} is {found}; it must be {expected}")]
    Target {
        /// The file or set.
        origin: String,
        /// Which sample, from 0.
        sample: usize,
        /// What would do.
        expected: &'static str,
        /// What is there.
        found: f64,
    },
    /// An input, met outside of a training step, with a number that is NaN or infinite.
    #[error("{origin}: the input of sample {sample} is NaN or infinite")]
    Input {
        /// The file or set.
        origin: String,
        /// Which sample, from 0.
        sample: usize,
    },
    /// Not as many inputs as targets.
    #[error(
        "{origin}: {} and {}; there must be one target for each input",
        counted(*inputs, "input"),
        counted(*targets, "target")
    )]
    Count {
        /// The files or set.
        origin: String,
        /// How many inputs.
        inputs: usize,
        /// How many targets.
        targets: usize,
    },
    /// Classes that should be counted, where targets are no labels.
    #[error("{origin}: classes are counted by labels (`usize` or `bool`), and these targets are none")]
    NoLabels {
        /// The file or set.
        origin: String,
    },
    /// A set without samples.
    #[error("{origin}: no samples; at least one is needed")]
    Empty {
        /// The file or set.
        origin: String,
    },
    /// A sample that a set does not have.
    #[error("sample {sample} was asked for; the set has {len}")]
    NoSuchSample {
        /// The sample, from 0.
        sample: usize,
        /// How many there are.
        len: usize,
    },
    /// A sample that its source could not give: an error of the user's own iterator.
    #[error("{origin}: sample {sample}: {source}")]
    Sample {
        /// The source.
        origin: String,
        /// How many samples came before it in the epoch.
        sample: u64,
        /// What the iterator said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stream that ended within an epoch.
    #[error("{origin}: it ended after {found} samples; an epoch has {expected}")]
    StreamEnd {
        /// The source.
        origin: String,
        /// The samples of an epoch.
        expected: u64,
        /// The samples there were.
        found: u64,
    },
    /// Code of the user's that panicked while samples were prepared.
    #[error("{origin}: sample {sample}: {what} panicked: {message}")]
    Panicked {
        /// The source of the samples.
        origin: String,
        /// The number of the sample.
        sample: u64,
        /// What panicked: `its augmentation`.
        what: &'static str,
        /// With which words.
        message: String,
    },
    /// Images of another size than the network's input.
    #[error(
        "{origin}: the images are {found}, the network takes {expected}; resize them, or change the network's input"
    )]
    ImageSize {
        /// The file or set.
        origin: String,
        /// What the network takes.
        expected: crate::Shape,
        /// What the images are.
        found: crate::Shape,
    },

    /// Weights that do not fit the network: every difference, none of them loaded.
    #[error("{origin}: not the weights of {network}:{}", lines(differences))]
    Weights {
        /// The file.
        origin: String,
        /// The network.
        network: &'static str,
        /// Every difference found.
        differences: Vec<WeightDifference>,
    },
    /// A file of prepared weights that is not read.
    #[error("{origin}: {problem}")]
    PredictionFile {
        /// The file.
        origin: String,
        /// Why not.
        problem: PredictionFileError,
    },
    /// A file that is no ONNX model, or one whose tensors cannot be read.
    #[cfg(feature = "onnx")]
    #[error("{origin}: {problem}")]
    Onnx {
        /// The file.
        origin: String,
        /// What is wrong with it.
        problem: netwright_onnx::Error,
    },
    /// A chart or sheet that cannot be drawn.
    #[error("cannot draw `{title}`: {problem}")]
    Drawing {
        /// Its title.
        title: String,
        /// Why not.
        problem: String,
    },
    /// The system refused to start threads.
    #[error("cannot start threads: {0}")]
    Threads(String),
    /// Ctrl-C could not be listened to.
    #[error("cannot listen to Ctrl-C: {0}")]
    Interrupt(String),
    /// A NaN or an infinite number on the way from the images to the gradient. The network is as it was before the step.
    #[error("step {step}: NaN or infinite, first in {origin}{}", last_good(checkpoint.as_deref()))]
    NotFinite {
        /// The step, from 0.
        step: u64,
        /// Where it first appeared.
        origin: Origin,
        /// The last good checkpoint, where one was written.
        checkpoint: Option<PathBuf>,
    },
    /// Something was asked for that needs a validation set.
    #[error("{setting} needs a validation set, and none was given")]
    NoValidation {
        /// What: `early stopping`.
        setting: &'static str,
    },
    /// A metric that the trainer was not given.
    #[error(
        "{setting} watches the metric `{metric}`, which the trainer does not have; it has {}",
        choices(metric, known)
    )]
    UnknownMetric {
        /// What watches it: `early stopping`.
        setting: &'static str,
        /// The metric named.
        metric: &'static str,
        /// The metrics there are.
        known: String,
    },
    /// A metric whose name would be mixed up with another's.
    #[error("the metric `{name}` {problem}")]
    MetricName {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A number that a report does not have.
    #[error("there is no `{metric}` in this report; there are {}", choices(metric, known))]
    NoSuchMetric {
        /// The metric asked for.
        metric: String,
        /// Those there are.
        known: String,
    },
    /// A tensor that the network does not have.
    #[error("the network has no tensor `{layer}.{tensor}`; it has {}", choices(&format!("{layer}.{tensor}"), known))]
    UnknownTensor {
        /// The layer named.
        layer: String,
        /// The tensor named.
        tensor: String,
        /// The tensors of that layer, or all there are where there is none of that name: `conv1.kernel, conv1.bias`.
        known: String,
    },
    /// An error of a user's own code, such as a callback or a source of samples: see [`Error::other`].
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
    /// A checkpoint of another run.
    #[error("{origin}: a checkpoint of another run: {what} was {found}, and is {expected} now")]
    Resume {
        /// The file.
        origin: String,
        /// The first difference: `the seed`.
        what: &'static str,
        /// What this run has.
        expected: String,
        /// What the checkpoint has.
        found: String,
    },
    /// A checkpoint of a run with other settings, or of a network with other layers.
    #[error("{origin}: {name} was {before}, and is {now} now (`Checkpoints::allow_changes(true)` goes on with it)")]
    Changed {
        /// The file.
        origin: String,
        /// The first difference: `the learning rate`.
        name: String,
        /// What the checkpoint has.
        before: String,
        /// What this run has.
        now: String,
    },

    /// A file whose bytes are not those that were written.
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

/// The name of a column behind its number.
fn named(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" (`{name}`)"))
}

fn last_good(checkpoint: Option<&std::path::Path>) -> String {
    checkpoint.map_or(String::new(), |path| format!("; the last good checkpoint is {}", path.display()))
}

/// `1 number`, `3 numbers`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn class_range(classes: usize) -> String {
    match classes {
        0 => "there are no classes".to_owned(),
        1 => "the only class is 0".to_owned(),
        _ => format!("the classes are 0 to {}", classes - 1),
    }
}

fn lines(differences: &[WeightDifference]) -> String {
    differences.iter().map(|difference| format!("\n  {difference}")).collect()
}

impl Error {
    /// Wraps an error of one's own, for a callback or a source of samples to return. A text will do: `Error::other("no more disk")`.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// The same error about a sample that stands elsewhere: in `origin`, where `number` gives its number for its place.
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

    /// For `map_err` on file operations.
    pub fn io(path: &std::path::Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}

/// The words of a panic that was caught.
pub fn panic_message(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without words").to_owned()
}
