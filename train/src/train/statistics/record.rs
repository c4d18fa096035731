//! The statistics of all layers over the epochs.

use core::fmt;
use core::ops::ControlFlow;
use std::path::PathBuf;

use super::{ActivationStatistics, LayerStatistics, NetworkStatistics, layer_statistics};
use crate::error::Error;
use crate::loss::Loss;
use crate::network::Network;
use crate::storage::{check_writable, replace_file};
use crate::train::callback::{Callback, EpochReport, RunReport};
use crate::train::run_folder::RunFolder;
use crate::train::target::Target;

/// The statistics of all layers after each epoch. `{}` prints the table of the last epoch; `figure` draws all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatisticsHistory {
    /// The epochs, from 1 (0 is before training), with the statistics after each.
    pub epochs: Vec<(u64, NetworkStatistics)>,
}

/// The columns of a table of statistics, after `epoch` and `layer`.
const NAMES: [&str; 7] = ["mean", "spread", "saturated", "dead", "output_gradient", "gradient_norm", "weight_norm"];

impl LayerStatistics {
    /// Returns its values in the order of `NAMES`.
    fn numbers(&self) -> [Option<f64>; 7] {
        let of = |number: fn(&ActivationStatistics) -> Option<f64>| self.activations.as_ref().and_then(number);
        [
            of(|outputs| Some(outputs.mean)),
            of(|outputs| Some(outputs.spread)),
            of(|outputs| outputs.saturated),
            of(|outputs| outputs.dead),
            self.output_gradient,
            self.gradient_norm,
            self.weight_norm,
        ]
    }

    fn from_numbers(layer: &'static str, numbers: [Option<f64>; 7]) -> Self {
        let [mean, spread, saturated, dead, output_gradient, gradient_norm, weight_norm] = numbers;
        let activations = mean.zip(spread).map(|(mean, spread)| ActivationStatistics { mean, spread, saturated, dead });
        Self { layer, activations, output_gradient, gradient_norm, weight_norm }
    }
}

impl StatisticsHistory {
    fn rows(&self) -> impl Iterator<Item = (u64, &LayerStatistics)> {
        self.epochs.iter().flat_map(|(epoch, network)| network.layers.iter().map(|layer| (*epoch, layer)))
    }

    /// Returns comma-separated values with a header line, and a line for each layer of each epoch.
    pub fn to_csv(&self) -> String {
        let mut text = format!("epoch,layer,{}\n", NAMES.join(","));
        for (epoch, layer) in self.rows() {
            let cells = layer.numbers().map(|number| number.map_or(String::new(), |number| number.to_string()));
            text += &format!("{epoch},{},{}\n", layer.layer, cells.join(","));
        }
        text
    }

    /// Returns one JSON object per line, layer and epoch; values that were not measured or are not finite are `null`.
    pub fn to_json_lines(&self) -> String {
        let mut text = String::new();
        for (epoch, layer) in self.rows() {
            let cells = NAMES.iter().zip(layer.numbers()).map(|(name, number)| {
                let number = number.filter(|number| number.is_finite());
                format!(",\"{name}\":{}", number.map_or("null".to_owned(), |number| number.to_string()))
            });
            let cells: String = cells.collect();
            text += &format!("{{\"epoch\":{epoch},\"layer\":\"{}\"{cells}}}\n", layer.layer);
        }
        text
    }

    /// Parses the output of [`StatisticsHistory::to_csv`] for a network of this type; `origin` is the name in errors.
    ///
    /// # Errors
    /// [`Error::Line`] for the first invalid line.
    pub fn from_csv<N: Network>(text: &str, origin: &str) -> Result<Self, Error> {
        let mut history = Self::default();
        for (line, row) in text.lines().enumerate().skip(1) {
            let problem = |problem: String| Error::Line { origin: origin.to_owned(), line: line + 1, problem };
            let cells: Vec<&str> = row.split(',').collect();
            let [epoch, name, numbers @ ..] = cells.as_slice() else {
                return Err(problem("it has no epoch and layer".to_owned()));
            };
            let numbers: &[&str; 7] = numbers.try_into().map_err(|_| {
                problem(format!("it has {} columns, where {} were expected", cells.len(), NAMES.len() + 2))
            })?;
            let epoch = epoch.parse().map_err(|_| problem(format!("`{epoch}` is no epoch")))?;
            let layer = N::LAYERS.iter().find(|layer| layer.name == *name);
            let layer = layer.ok_or_else(|| problem(format!("`{name}` is no layer of {}", N::NAME)))?;
            let mut parsed = [None; 7];
            for (cell, number) in numbers.iter().zip(&mut parsed) {
                if !cell.is_empty() {
                    *number = Some(cell.parse().map_err(|_| problem(format!("`{cell}` is no number")))?);
                }
            }
            let statistics = LayerStatistics::from_numbers(layer.name, parsed);
            match history.epochs.last_mut() {
                Some((last, network)) if *last == epoch => network.layers.push(statistics),
                _ => history.epochs.push((epoch, NetworkStatistics { layers: vec![statistics] })),
            }
        }
        Ok(history)
    }
}

impl fmt::Display for StatisticsHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.epochs.last().map_or(Ok(()), |(_, network)| network.fmt(f))
    }
}

/// Records the statistics of every layer after each epoch, always over the same images: saturation, dead units and vanishing gradients
/// (slides 6 to 11). Pass a reference to [`Trainer::callback`](crate::train::Trainer::callback), and read
/// [`StatisticsRecorder::history`] afterwards.
///
/// ```
/// use netwright_runtime::{Error, head::Softmax, network::Network};
/// use netwright_train::{data::Dataset, loss::CrossEntropy, optim::Sgd};
/// use netwright_train::train::{Trainer, statistics::StatisticsRecorder};
///
/// fn watch<N>(network: &mut N, train: &Dataset<N::Input>) -> Result<(), Error>
/// where
///     N: Network<Scalar = f32, Head = Softmax, Input: Clone>,
/// {
///     let first = train.subset(&(0..32.min(train.len())).collect::<Vec<_>>())?;
///     let (images, labels) = first.into_parts();
///     let mut recorder = StatisticsRecorder::new(images, labels, CrossEntropy::new())?;
///     recorder.record(0, network)?;
///     Trainer::new()
///         .loss(CrossEntropy::new())
///         .optimizer(Sgd::new(0.1)?)
///         .callback(&mut recorder)
///         .fit(network, train, None)?;
///     println!("{}", recorder.history());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct StatisticsRecorder<I, Y, L> {
    images: Vec<I>,
    targets: Vec<Y>,
    loss: L,
    history: StatisticsHistory,
    files: Option<[PathBuf; 2]>,
}

impl<I, Y: Target, L> StatisticsRecorder<I, Y, L> {
    /// Creates a recorder with images and their targets. A few dozen images are enough; all of them run in one batch.
    ///
    /// # Errors
    /// [`Error::Empty`] without images, [`Error::Count`] where the numbers of targets and images differ.
    pub fn new(images: Vec<I>, targets: Vec<Y>, loss: L) -> Result<Self, Error> {
        let origin = || "the images to record statistics with".to_owned();
        if images.len() != targets.len() {
            return Err(Error::Count { origin: origin(), inputs: images.len(), targets: targets.len() });
        }
        if images.is_empty() {
            return Err(Error::Empty { origin: origin() });
        }
        Ok(Self { images, targets, loss, history: StatisticsHistory::default(), files: None })
    }

    /// Writes the statistics to a folder, as `statistics.csv` and `statistics.jsonl`, after each epoch. A resumed run continues
    /// these files; statistics recorded before that are dropped.
    pub fn folder(mut self, folder: &RunFolder) -> Self {
        self.files = Some(["statistics.csv", "statistics.jsonl"].map(|name| folder.file(name)));
        self
    }

    /// Returns the recorded statistics.
    pub fn history(&self) -> &StatisticsHistory {
        &self.history
    }

    /// Records the statistics of a network; epoch 0 is before training. Statistics of this epoch and of later ones are dropped.
    ///
    /// # Errors
    /// Those of [`Loss::check`].
    pub fn record<N>(&mut self, epoch: u64, network: &N) -> Result<(), Error>
    where
        N: Network<Input = I>,
        L: Loss<N::Head, Y>,
    {
        let statistics = layer_statistics(network, &self.images, &self.targets, &self.loss)?;
        self.history.epochs.retain(|(known, _)| *known < epoch);
        self.history.epochs.push((epoch, statistics));
        Ok(())
    }
}

impl<N, Y, L> Callback<N> for StatisticsRecorder<N::Input, Y, L>
where
    N: Network,
    Y: Target,
    L: Loss<N::Head, Y>,
{
    /// Checks that the files can be written, and reads their statistics if the run is resumed.
    fn on_start(&mut self, run: &RunReport) -> Result<(), Error> {
        self.files.iter().flatten().try_for_each(check_writable)?;
        if let Some([csv, _]) = &self.files
            && run.step > 0
            && csv.exists()
        {
            let text = std::fs::read_to_string(csv).map_err(Error::io(csv, "read"))?;
            self.history = StatisticsHistory::from_csv::<N>(&text, &csv.display().to_string())?;
        }
        Ok(())
    }

    fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        self.record(epoch.record.epoch, epoch.network)?;
        if let Some([csv, json_lines]) = &self.files {
            replace_file(csv, self.history.to_csv().as_bytes())?;
            replace_file(json_lines, self.history.to_json_lines().as_bytes())?;
        }
        Ok(ControlFlow::Continue(()))
    }
}
