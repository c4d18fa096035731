//! The statistics of all layers, epoch by epoch.

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

/// The statistics of all layers after each epoch. It displays as the table of the last; `figure` draws them all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatisticsHistory {
    /// The epochs, from 1 (0 is before training), and what was found after each.
    pub epochs: Vec<(u64, NetworkStatistics)>,
}

/// The columns of a table of statistics, after `epoch` and `layer`.
const NAMES: [&str; 7] = ["mean", "spread", "saturated", "dead", "output_gradient", "gradient_norm", "weight_norm"];

impl LayerStatistics {
    /// In the order of `NAMES`.
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

    /// A table of comma-separated values with a line of names, and a line for each layer of each epoch.
    pub fn to_csv(&self) -> String {
        let mut text = format!("epoch,layer,{}\n", NAMES.join(","));
        for (epoch, layer) in self.rows() {
            let cells = layer.numbers().map(|number| number.map_or(String::new(), |number| number.to_string()));
            text += &format!("{epoch},{},{}\n", layer.layer, cells.join(","));
        }
        text
    }

    /// A JSON object on a line for each layer of each epoch; what was not measured, or is no number, is `null`.
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

    /// Reads what [`StatisticsHistory::to_csv`] wrote of a network of this type; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Error::Line`] for the first line that is none of its lines.
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

/// Looks at every layer after each epoch, always with the same images: saturation, dead units and vanishing gradients on their way
/// (slides 6 to 11). Give a reference to [`Trainer::callback`](crate::train::Trainer::callback), and read
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
    /// A few dozen images tell enough; they all go through together.
    ///
    /// # Errors
    /// [`Error::Empty`] without images, [`Error::Count`] where there are not as many targets.
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

    /// Keeps the statistics in a folder, as `statistics.csv` and `statistics.jsonl`, up to date after each epoch. A run that is
    /// resumed goes on with what is there; what is recorded before it goes.
    pub fn folder(mut self, folder: &RunFolder) -> Self {
        self.files = Some(["statistics.csv", "statistics.jsonl"].map(|name| folder.file(name)));
        self
    }

    /// What has been recorded.
    pub fn history(&self) -> &StatisticsHistory {
        &self.history
    }

    /// Looks at a network now; 0 is the epoch before training. What was recorded of this epoch and of later ones goes.
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
    /// Tries whether the files can be written, and goes on with the statistics in them where the run is resumed.
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
