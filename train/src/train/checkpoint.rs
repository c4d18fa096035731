//! Checkpoints: the complete state of a run in one file.

use std::path::{Path, PathBuf};

use super::batch_loss::BatchLoss;
use super::history::{Best, Ending, EpochRecord, History, MetricSeries};
use super::run::{Identity, Position, Run, View};
use crate::error::{Error, count_setting};
use crate::once::{Facts, Number, Trainable};
use crate::optim::Optimizer;
use crate::scalar::Precision;
use crate::settings::Settings;
use crate::storage::check_writable;
use crate::storage::safetensors::{WeightFile, Writer};
use crate::weights::{CHECKPOINT, Checksum, Compared, add_weights, of_file};

/// The version of the checkpoint format.
const VERSION: &str = "3";
/// The prefix of all entries of a checkpoint that are not tensors of the network.
const STATE: &str = "train/";
const INTEGERS: &str = "train/integers";
const NUMBERS: &str = "train/numbers";
const SCHEDULE: &str = "train/schedule";
const HISTORY: &str = "train/history";
const METRICS: &str = "train/metrics";
const OPTIMIZER: &str = "train/optimizer/";
const BEST_PARAMETERS: &str = "train/best/parameters";
const BEST_STATISTICS: &str = "train/best/statistics";

/// Where and when a run saves its complete state: weights, optimiser, schedule, early stopping, history, and the position in
/// the data. Random draws depend on the seed and that position alone. A run that resumes from its checkpoint gives the same bits as one
/// that was never stopped.
///
/// The file is replaced atomically (a temporary name, then a rename), so that a kill at any moment leaves the previous one. It is
/// a safetensors file, with the network's tensors under the names that [`SaveWeights`](crate::weights::SaveWeights) uses.
/// In addition to the set intervals, a run saves when it ends for any reason except an error.
///
/// A training loop of your own saves and resumes by [`Checkpoints::save`] and [`Checkpoints::resume_run`]: see [`Run`].
///
/// ```
/// use netwright_train::train::Checkpoints;
///
/// let checkpoints = Checkpoints::new("run/last.checkpoint").every_epochs(5)?.every_steps(1000)?.resume(true);
/// assert!(checkpoints.is_due_after_step(2000) && !checkpoints.is_due_after_epoch(4));
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoints {
    path: PathBuf,
    every_epochs: u64,
    every_steps: Option<u64>,
    resume: bool,
    allow_changes: bool,
}

impl Checkpoints {
    /// Saves to this file after each epoch.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), every_epochs: 1, every_steps: None, resume: false, allow_changes: false }
    }

    /// Saves after every `epochs` epochs.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn every_epochs(mut self, epochs: u64) -> Result<Self, Error> {
        count_setting("epochs between checkpoints", epochs, epochs > 0, "at least 1")?;
        self.every_epochs = epochs;
        Ok(self)
    }

    /// Saves after every `steps` steps too.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn every_steps(mut self, steps: u64) -> Result<Self, Error> {
        count_setting("steps between checkpoints", steps, steps > 0, "at least 1")?;
        self.every_steps = Some(steps);
        Ok(self)
    }

    /// Sets whether to resume from the file if it exists; otherwise the run starts from the beginning. The file must come from a
    /// run with the same network, optimiser, metrics, seed, batch, number of samples and order; and with the same settings, unless
    /// [`Checkpoints::allow_changes`] is set. The number of epochs may be larger, unless the schedule depends on it, and early stopping may differ.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Sets whether to resume although settings have changed on purpose: the rate, the schedule, the loss, penalties, augmentation, or what
    /// layers compute with weights of the same shapes. The bits are then neither those of the old settings nor those of the new ones.
    pub fn allow_changes(mut self, allow: bool) -> Self {
        self.allow_changes = allow;
        self
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Saves a run, for a training loop of your own: at any time, or when [`Checkpoints::is_due_after_step`] or
    /// [`Checkpoints::is_due_after_epoch`] returns `true`.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written, [`Error::NotFinite`] where weights are NaN or infinite, so that they do not replace
    /// good ones. The previous checkpoint stays intact in both cases.
    pub fn save<N: Trainable, O: Optimizer<N::Scalar>>(
        &self,
        identity: &Identity,
        run: &mut Run<'_, N, O>,
    ) -> Result<(), Error> {
        N::Scalar::save_checkpoint(self, identity, &mut run.view())
    }

    /// Resumes a run from the file, if it exists and [`Checkpoints::resume`] is set; returns whether it did. It first checks that the
    /// file can be written, so that no steps are lost, and creates its folder if necessary.
    ///
    /// # Errors
    /// [`Error::Io`] where the file could not be written.
    /// [`Error::Resume`] for a checkpoint of another run, [`Error::Weights`] for one of a network with other tensors, [`Error::Changed`] for one
    /// with other settings or with layers that compute something else, [`Error::Format`],
    /// [`Error::Truncated`] or [`Error::Checksum`] for a file of another kind or a damaged one, [`Error::State`] where the state of the
    /// optimiser does not match. The run is unchanged then.
    pub fn resume_run<N: Trainable, O: Optimizer<N::Scalar>>(
        &self,
        identity: &Identity,
        run: &mut Run<'_, N, O>,
    ) -> Result<bool, Error> {
        N::Scalar::resume_checkpoint(self, identity, &mut run.view())
    }

    /// Returns whether a checkpoint is due after `step` steps.
    pub fn is_due_after_step(&self, step: u64) -> bool {
        self.every_steps.is_some_and(|every| step.is_multiple_of(every))
    }

    /// Returns whether a checkpoint is due after `epoch` epochs.
    pub fn is_due_after_epoch(&self, epoch: u64) -> bool {
        epoch.is_multiple_of(self.every_epochs)
    }
}

/// Implements [`Checkpoints::save`].
pub(crate) fn save<T: Precision>(
    checkpoints: &Checkpoints,
    identity: &Identity,
    run: &mut View<'_, T>,
) -> Result<(), Error> {
    run.check_weights()?;
    write(identity, run).write(&checkpoints.path)?;
    *run.saved = Some(checkpoints.path.clone());
    Ok(())
}

/// Implements [`Checkpoints::resume_run`].
pub(crate) fn resume<T: Precision>(
    checkpoints: &Checkpoints,
    identity: &Identity,
    run: &mut View<'_, T>,
) -> Result<bool, Error> {
    check_writable(&checkpoints.path)?;
    if !checkpoints.resume || !checkpoints.path.exists() {
        return Ok(false);
    }
    let checkpoint = Checkpoint::read(&checkpoints.path, identity, run)?;
    if !checkpoints.allow_changes {
        checkpoint.compare_layers(run)?;
        checkpoint.compare_settings(identity, run)?;
    }
    checkpoint.restore(run, checkpoints.allow_changes)?;
    *run.saved = Some(checkpoints.path.clone());
    Ok(true)
}

/// A checkpoint that was read and belongs to this run.
struct Checkpoint {
    file: WeightFile,
}

/// Returns whether a tensor is one of the network's.
fn is_weight(name: &str) -> bool {
    !name.starts_with(STATE)
}

fn metric_names<T>(run: &View<'_, T>) -> Vec<&'static str> {
    run.history.metrics.iter().map(|series| series.name).collect()
}

/// Returns the text of each layer, a line for each.
fn layer_texts(facts: Facts) -> String {
    let input = format!("input {}", facts.input);
    core::iter::once(input.as_str()).chain(facts.layers.iter().map(|layer| layer.text)).collect::<Vec<_>>().join("\n")
}

/// Returns all settings of a run.
fn settings<T: Precision>(identity: &Identity, run: &View<'_, T>) -> Settings {
    run.settings().and(identity.settings.clone())
}

/// Writes a checkpoint to a safetensors writer.
fn write<T: Precision>(identity: &Identity, run: &View<'_, T>) -> Writer {
    let View { watcher, position, history, .. } = run;
    let watcher = watcher.as_deref();
    let mut writer = Writer::new();
    writer.metadata("kind", CHECKPOINT);
    writer.metadata("version", VERSION);
    writer.metadata("network", run.facts.name);
    writer.metadata("layers", &layer_texts(run.facts));
    writer.metadata("optimizer", run.optimizer.name());
    writer.metadata("order", &identity.order);
    writer.metadata("settings", &settings(identity, run).to_text());
    writer.metadata("epochs", &run.epochs.to_string());
    writer.metadata("metrics", &metric_names(run).join(", "));
    add_weights(&mut writer, run.facts, run.weights);
    for (name, slice) in run.optimizer.state() {
        writer.tensor(&format!("{OPTIMIZER}{name}"), &[slice.len()], slice);
    }
    let (best, waited) = watcher.map_or((None, 0), |watcher| (watcher.best, watcher.waited));
    let ending = match history.ending {
        Ending::Finished => 0,
        Ending::Early => 1,
        Ending::Callback => 2,
        Ending::Interrupted => 3,
    };
    writer.integers(
        INTEGERS,
        &[
            identity.seed,
            identity.batch as u64,
            identity.samples as u64,
            position.epoch,
            position.batch,
            position.step,
            position.running.images as u64,
            run.optimizer.steps(),
            waited,
            best.map_or(u64::MAX, |best| best.step),
            ending,
        ],
    );
    let score = position.running.score.unwrap_or(f64::NAN);
    let metric = best.map_or(f64::NAN, |best| best.metric);
    writer.tensor(NUMBERS, &[4], &[position.running.sum, score, position.rate, metric]);
    let remembered = run.schedule.state();
    writer.tensor(SCHEDULE, &[remembered.len()], &remembered);
    let rows = history.epochs.iter().flat_map(|record| record.numbers().map(|number| number.unwrap_or(f64::NAN)));
    writer.tensor(HISTORY, &[history.epochs.len(), EpochRecord::NAMES.len()], &rows.collect::<Vec<f64>>());
    let values: Vec<f64> = history.metrics.iter().flat_map(|series| series.values.iter().copied()).collect();
    writer.tensor(METRICS, &[history.metrics.len(), history.epochs.len()], &values);
    if let Some(watcher) = watcher.filter(|watcher| watcher.best.is_some()) {
        writer.tensor(BEST_PARAMETERS, &[watcher.parameters.len()], &watcher.parameters);
        writer.tensor(BEST_STATISTICS, &[watcher.statistics.len()], &watcher.statistics);
    }
    writer
}

impl Checkpoint {
    /// Reads a checkpoint and compares it with this run.
    fn read<T: Precision>(path: &Path, identity: &Identity, run: &View<'_, T>) -> Result<Self, Error> {
        let file = WeightFile::read(path)?;
        let origin = file.origin().to_owned();
        let text = |name: &str| file.metadata(name).unwrap_or("nothing").to_owned();
        let expect = |name: &str, expected: &str, prefix: &str| {
            let found = text(name);
            if found == expected {
                return Ok(());
            }
            let expected = format!("{prefix}{expected}");
            Err(Error::Format { origin: origin.clone(), expected, found: format!("{prefix}{found}") })
        };
        expect("kind", CHECKPOINT, "")?;
        expect("version", VERSION, "version ")?;
        // Only a run writes checkpoints, so a change is damage, and a run that resumes from it would be another run.
        match file.checksum() {
            Checksum::Matches => {}
            Checksum::Differs { expected, found } => return Err(Error::Checksum { origin, expected, found }),
            Checksum::None => {
                let (expected, found) = ("a checksum".to_owned(), "none".to_owned());
                return Err(Error::Format { origin, expected, found });
            }
        }
        let resume = |what, expected: String, found: String| {
            if expected == found {
                Ok(())
            } else {
                Err(Error::Resume { origin: origin.clone(), what, expected, found })
            }
        };
        resume("the network", run.facts.name.to_owned(), text("network"))?;
        resume("the optimiser", run.optimizer.name().to_owned(), text("optimizer"))?;
        resume("the list of metrics", metric_names(run).join(", "), text("metrics"))?;
        resume("the order of samples", identity.order.clone(), text("order"))?;
        let checkpoint = Self { file };
        let integers = checkpoint.integers()?;
        resume("the seed", identity.seed.to_string(), integers[0].to_string())?;
        resume("the batch", identity.batch.to_string(), integers[1].to_string())?;
        resume("the number of samples", identity.samples.to_string(), integers[2].to_string())?;
        Compared::new(run.facts, &of_file::<T>(&checkpoint.file, is_weight), "", false).check(run.facts, &origin)?;
        Ok(checkpoint)
    }

    /// Returns the values of each metric after each of `epochs` epochs.
    fn metrics(&self, names: &[&'static str], epochs: usize) -> Result<Vec<MetricSeries>, Error> {
        let values: Vec<f64> = self.scalars(METRICS)?;
        if values.len() != epochs * names.len() {
            return Err(self.malformed(METRICS));
        }
        let series = names.iter().enumerate();
        let series = series
            .map(|(index, &name)| MetricSeries { name, values: values[index * epochs..(index + 1) * epochs].to_vec() });
        Ok(series.collect())
    }

    /// Compares settings of layers that the shapes of tensors do not show: activations, strides, and the rate of dropout.
    fn compare_layers<T>(&self, run: &View<'_, T>) -> Result<(), Error> {
        let (here, saved) = (layer_texts(run.facts), self.file.metadata("layers").unwrap_or_default());
        let (mut here, mut saved) = (here.lines(), saved.lines());
        let layer = |text: Option<&str>| text.map_or("none".to_owned(), |text| format!("`{text}`"));
        loop {
            match (here.next(), saved.next()) {
                (None, None) => return Ok(()),
                (expected, found) if expected == found => {}
                (expected, found) => return Err(self.changed("a layer", layer(found), layer(expected))),
            }
        }
    }

    /// Compares the other settings that the steps of a run depend on.
    fn compare_settings<T: Precision>(&self, identity: &Identity, run: &View<'_, T>) -> Result<(), Error> {
        let before = Settings::from_text(self.file.metadata("settings").unwrap_or_default());
        if let Some(change) = settings(identity, run).change_since(&before) {
            return Err(self.changed(change.name, change.before.to_owned(), change.now.to_owned()));
        }
        // A run may get more epochs, unless its schedule would have been different from the start.
        let [_, _, _, _, _, step, ..] = self.integers()?;
        let epochs = self.file.metadata("epochs").and_then(|epochs| epochs.parse().ok()).unwrap_or(run.epochs);
        if run.factor(step, epochs) == run.factor(step, run.epochs) {
            return Ok(());
        }
        let length = |epochs| format!("for a run of {epochs} epochs");
        Err(self.changed("the schedule", length(epochs), length(run.epochs)))
    }

    fn changed(&self, name: &str, before: String, now: String) -> Error {
        Error::Changed { origin: self.file.origin().to_owned(), name: name.to_owned(), before, now }
    }

    fn malformed(&self, part: &str) -> Error {
        let (expected, found) = (format!("`{part}`"), "none that fits".to_owned());
        Error::Format { origin: self.file.origin().to_owned(), expected, found }
    }

    fn integers(&self) -> Result<[u64; 11], Error> {
        let integers = self.file.tensor(INTEGERS).and_then(|view| view.integers());
        integers.and_then(|integers| integers.try_into().ok()).ok_or_else(|| self.malformed(INTEGERS))
    }

    fn scalars<T: Precision>(&self, name: &str) -> Result<Vec<T>, Error> {
        self.file.tensor(name).and_then(|view| view.scalars()).ok_or_else(|| self.malformed(name))
    }

    /// Restores everything, or nothing. A schedule with another kind of state than the previous one starts anew if changes are allowed.
    fn restore<T: Precision>(&self, run: &mut View<'_, T>, allow_changes: bool) -> Result<(), Error> {
        let [_, _, _, epoch, batch, step, images, optimizer_steps, waited, best_step, ending] = self.integers()?;
        let numbers: [f64; 4] = self.scalars(NUMBERS)?.try_into().map_err(|_| self.malformed(NUMBERS))?;
        let [sum, score, rate, metric] = numbers;
        let some = |number: f64| (!number.is_nan()).then_some(number);
        let running = BatchLoss { sum, images: images as usize, score: some(score) };
        let rows: Vec<f64> = self.scalars(HISTORY)?;
        let (rows, rest) = rows.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(self.malformed(HISTORY));
        }
        let metrics = self.metrics(&metric_names(run), rows.len())?;
        let best = (best_step != u64::MAX).then_some(Best { step: best_step, metric });
        let best_weights = match best {
            Some(_) => (self.scalars(BEST_PARAMETERS)?, self.scalars(BEST_STATISTICS)?),
            None => Default::default(),
        };
        let lengths = (best_weights.0.len(), best_weights.1.len());
        if lengths != (0, 0) && lengths != (run.facts.parameters, run.facts.statistics) {
            return Err(self.malformed(BEST_PARAMETERS));
        }
        let mut state = Vec::new();
        for view in self.file.tensors() {
            let Some(name) = view.name.strip_prefix(OPTIMIZER) else { continue };
            let slice = self.scalars::<T>(view.name)?;
            if slice.len() != run.facts.parameters {
                return Err(self.malformed(view.name));
            }
            state.push((name, slice));
        }
        let state: Vec<(&str, &[T])> = state.iter().map(|(name, slice)| (*name, slice.as_slice())).collect();
        let before = run.schedule.state();
        match run.schedule.restore(&self.scalars::<f64>(SCHEDULE)?) {
            Err(error) if !allow_changes => return Err(error),
            _ => {}
        }
        if let Err(error) = run.optimizer.restore(&state, optimizer_steps) {
            run.schedule.restore(&before)?;
            return Err(error);
        }
        let offers = of_file(&self.file, is_weight);
        Compared::new(run.facts, &offers, "", false).take(
            run.facts,
            run.weights,
            self.file.origin(),
            Checksum::Matches,
        )?;
        if let Some(watcher) = &mut run.watcher {
            (watcher.best, watcher.waited) = (best, waited);
            (watcher.parameters, watcher.statistics) = best_weights;
        }
        let ending = match ending {
            1 => Ending::Early,
            2 => Ending::Callback,
            3 => Ending::Interrupted,
            _ => Ending::Finished,
        };
        let epochs = rows.iter().map(|row| EpochRecord::from_numbers(row.map(some))).collect();
        *run.position = Position { epoch, batch, step, running, rate };
        *run.history = History { epochs, ending, best, metrics };
        Ok(())
    }
}
