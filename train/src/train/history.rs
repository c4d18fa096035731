//! The history of a training run.

use crate::error::{Error, counted};
use crate::storage::json::quoted;

/// The record of one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: u64,
    /// The number of steps since the beginning of the run.
    pub step: u64,
    /// The learning rate of its last step.
    pub rate: f64,
    /// The mean loss of its batches during training, without penalties on weights.
    pub loss: f64,
    /// The accuracy on its batches during training.
    pub accuracy: Option<f64>,
    /// The mean loss on the validation set after the epoch.
    pub validation_loss: Option<f64>,
    /// The accuracy on the validation set after the epoch.
    pub validation_accuracy: Option<f64>,
    /// The duration in seconds; for an epoch that was interrupted, the part after the interruption.
    pub seconds: f64,
}

impl EpochRecord {
    /// The names of its values, in the order of [`EpochRecord::numbers`].
    pub const NAMES: [&'static str; 8] =
        ["epoch", "step", "rate", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds"];

    /// Returns its values, in the order of [`EpochRecord::NAMES`].
    pub fn numbers(&self) -> [Option<f64>; 8] {
        [
            Some(self.epoch as f64),
            Some(self.step as f64),
            Some(self.rate),
            Some(self.loss),
            self.accuracy,
            self.validation_loss,
            self.validation_accuracy,
            Some(self.seconds),
        ]
    }

    /// Creates a record from [`EpochRecord::numbers`].
    pub(crate) fn from_numbers(numbers: [Option<f64>; 8]) -> Self {
        let [epoch, step, rate, loss, accuracy, validation_loss, validation_accuracy, seconds] = numbers;
        Self {
            epoch: epoch.unwrap_or(0.0) as u64,
            step: step.unwrap_or(0.0) as u64,
            rate: rate.unwrap_or(0.0),
            loss: loss.unwrap_or(f64::NAN),
            accuracy,
            validation_loss,
            validation_accuracy,
            seconds: seconds.unwrap_or(0.0),
        }
    }
}

impl EpochRecord {
    /// Writes its line, with metrics before the time.
    pub(super) fn write_line(
        &self,
        metrics: &mut dyn Iterator<Item = (&'static str, f64)>,
        f: &mut core::fmt::Formatter<'_>,
    ) -> core::fmt::Result {
        write!(f, "epoch {:>3}  loss {:.4}{}", self.epoch, self.loss, percent(self.accuracy))?;
        if let Some(loss) = self.validation_loss {
            write!(f, "  validation {loss:.4}{}", percent(self.validation_accuracy))?;
        }
        for (name, value) in metrics {
            write!(f, "  {name} {value:.4}")?;
        }
        write!(f, "  {:.1} s", self.seconds)
    }
}

/// Prints `epoch   3  loss 0.0312  99.17 %  validation 0.0500  98.61 %  1.2 s`.
impl core::fmt::Display for EpochRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.write_line(&mut core::iter::empty(), f)
    }
}

/// Formats a share in percent, to follow other values; empty for `None`.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or(String::new(), |share| format!("  {:.2} %", 100.0 * share))
}

/// The reason why a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// All epochs were completed.
    #[default]
    Finished,
    /// The validation stopped improving: see [`EarlyStopping`](super::EarlyStopping).
    Early,
    /// A callback ended it.
    Callback,
    /// Ctrl-C, or the flag of [`Trainer::interrupt`](super::Trainer::interrupt).
    Interrupted,
}

impl core::fmt::Display for Ending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Finished => "finished",
            Self::Early => "stopped early",
            Self::Callback => "ended by a callback",
            Self::Interrupted => "interrupted",
        })
    }
}

/// The best validation of a run with early stopping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// The number of steps before it.
    pub step: u64,
    /// The watched value: the validation loss, 1 − accuracy, or a metric.
    pub metric: f64,
}

/// The values of a metric of [`Trainer::metric`](super::Trainer::metric) over the epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSeries {
    /// The name of the metric.
    pub name: &'static str,
    /// Its value on the validation set after each epoch of [`History::epochs`].
    pub values: Vec<f64>,
}

/// All epochs of a run, and the reason why it ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The completed epochs in order, including those before an interruption.
    pub epochs: Vec<EpochRecord>,
    /// The trainer's own metrics.
    pub metrics: Vec<MetricSeries>,
    /// The reason why it ended.
    pub ending: Ending,
    /// The best validation, for a run with early stopping.
    pub best: Option<Best>,
}

impl History {
    /// Returns the last completed epoch.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }

    /// Returns the values of a metric after each epoch.
    pub fn metric(&self, name: &str) -> Option<&[f64]> {
        self.metrics.iter().find(|series| series.name == name).map(|series| series.values.as_slice())
    }

    /// Returns names and values of the epoch `index`, metrics last; empty if there is no such epoch.
    pub(super) fn row(&self, index: usize) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        let own = EpochRecord::NAMES.into_iter().zip(self.epochs.get(index).into_iter().flat_map(EpochRecord::numbers));
        own.chain(self.metrics.iter().map(move |series| (series.name, series.values.get(index).copied())))
    }

    /// Returns a value of the last epoch by its name.
    pub(super) fn last_number(&self, name: &str) -> Result<f64, Error> {
        let row = || self.row(self.epochs.len().saturating_sub(1));
        if let Some((_, Some(value))) = row().find(|(known, _)| *known == name) {
            return Ok(value);
        }
        let known = row().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        Err(Error::NoSuchMetric { metric: name.to_owned(), known })
    }

    /// Writes the line of an epoch with the last values of the metrics.
    pub(super) fn write_last(&self, record: &EpochRecord, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut metrics = self.metrics.iter().filter_map(|series| Some((series.name, *series.values.last()?)));
        record.write_line(&mut metrics, f)
    }

    /// Returns comma-separated values with a header line.
    pub fn to_csv(&self) -> String {
        let names = EpochRecord::NAMES.into_iter().chain(self.metrics.iter().map(|series| series.name));
        let mut text = names.map(csv_cell).collect::<Vec<_>>().join(",") + "\n";
        for index in 0..self.epochs.len() {
            let cells = self.row(index).map(|(_, number)| number.map_or(String::new(), |number| number.to_string()));
            text += &cells.collect::<Vec<_>>().join(",");
            text.push('\n');
        }
        text
    }

    /// Returns one JSON object per line and epoch; values that were not measured or are not finite are `null`.
    pub fn to_json_lines(&self) -> String {
        let mut text = String::new();
        for index in 0..self.epochs.len() {
            text.push('{');
            for (cell, (name, number)) in self.row(index).enumerate() {
                text.push_str(if cell > 0 { "," } else { "" });
                text += &quoted(name);
                let number = number.filter(|number| number.is_finite());
                text += &format!(":{}", number.map_or("null".to_owned(), |number| number.to_string()));
            }
            text.push_str("}\n");
        }
        text
    }
}

/// The largest number of regularly spaced epochs that `Display` shows.
const MAX_LINES: usize = 24;

/// Prints a line for each epoch (of a long run, for regularly spaced epochs, the last and the best), then how the run ended.
impl core::fmt::Display for History {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (count, best) = (self.epochs.len(), self.best.map(|best| best.step));
        let apart = count.div_ceil(MAX_LINES).max(1);
        for (index, record) in self.epochs.iter().enumerate() {
            let is_best = best == Some(record.step);
            if is_best || index + 1 == count || index.is_multiple_of(apart) {
                let mut values =
                    self.metrics.iter().filter_map(|series| Some((series.name, *series.values.get(index)?)));
                record.write_line(&mut values, f)?;
                writeln!(f, "{}", if is_best { "  the best" } else { "" })?;
            }
        }
        write!(f, "{} after {}", self.ending, counted(count, "epoch"))
    }
}

/// Formats a name as a cell of comma-separated values.
fn csv_cell(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: u64) -> EpochRecord {
        EpochRecord {
            epoch,
            step: 20 * epoch,
            rate: 0.1,
            loss: 0.25,
            accuracy: Some(0.975),
            validation_loss: Some(0.5),
            validation_accuracy: None,
            seconds: 1.25,
        }
    }

    #[test]
    fn an_epoch_is_a_line_and_a_history_its_lines() {
        assert_eq!(record(3).to_string(), "epoch   3  loss 0.2500  97.50 %  validation 0.5000  1.2 s");
        let top = MetricSeries { name: "top-3", values: vec![0.75, 0.875] };
        let best = Some(Best { step: 40, metric: 0.5 });
        let history = History { epochs: vec![record(1), record(2)], metrics: vec![top], best, ending: Ending::Early };
        let lines = [
            "epoch   1  loss 0.2500  97.50 %  validation 0.5000  top-3 0.7500  1.2 s",
            "epoch   2  loss 0.2500  97.50 %  validation 0.5000  top-3 0.8750  1.2 s  the best",
            "stopped early after 2 epochs",
        ];
        assert_eq!(history.to_string(), lines.join("\n"));
        assert_eq!(History::default().to_string(), "finished after 0 epochs");
    }

    #[test]
    fn a_long_history_shows_some_epochs_the_best_and_the_last() {
        let best = Some(Best { step: 20 * 444, metric: 0.5 });
        let history = History { epochs: (1..=500).map(record).collect(), best, ..History::default() };
        let shown = history.to_string();
        let epochs: Vec<&str> = shown.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert!(epochs.len() <= MAX_LINES + 3, "{shown}");
        assert!(
            epochs.starts_with(&["1", "22", "43"]) && epochs.contains(&"444") && epochs.contains(&"500"),
            "{shown}"
        );
    }

    #[test]
    fn csv_and_json_lines_hold_every_number_once() {
        let record = EpochRecord {
            epoch: 1,
            step: 20,
            rate: 0.1,
            loss: 2.25,
            accuracy: Some(0.5),
            validation_loss: None,
            validation_accuracy: None,
            seconds: 1.5,
        };
        assert_eq!(EpochRecord::from_numbers(record.numbers()), record);
        let top = MetricSeries { name: "top-3, \"all\"", values: vec![0.75] };
        let history = History { epochs: vec![record], metrics: vec![top], ..History::default() };
        let csv = history.to_csv();
        assert!(csv.lines().next().unwrap().ends_with(",seconds,\"top-3, \"\"all\"\"\""), "{csv}");
        assert_eq!(csv.lines().nth(1), Some("1,20,0.1,2.25,0.5,,,1.5,0.75"));
        let expected = "{\"epoch\":1,\"step\":20,\"rate\":0.1,\"loss\":2.25,\"accuracy\":0.5,\"validation_loss\":null,\
                        \"validation_accuracy\":null,\"seconds\":1.5,\"top-3, \\\"all\\\"\":0.75}\n";
        assert_eq!(history.to_json_lines(), expected);
    }
}
