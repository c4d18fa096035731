//! What a training run has to tell.

/// One epoch in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRecord {
    /// Which, from 1.
    pub epoch: u64,
    /// The steps made since the beginning of the run.
    pub step: u64,
    /// The learning rate of its last step.
    pub rate: f64,
    /// The mean loss of its batches as they were trained on, without penalties on weights.
    pub loss: f64,
    /// The share of right answers among them.
    pub accuracy: Option<f64>,
    /// The mean loss on the validation set after it.
    pub validation_loss: Option<f64>,
    /// The share of right answers there.
    pub validation_accuracy: Option<f64>,
    /// How long it took; for an epoch that was interrupted, the part after the interruption.
    pub seconds: f64,
}

impl EpochRecord {
    /// The names of its numbers, in the order of [`EpochRecord::numbers`].
    pub const NAMES: [&'static str; 8] =
        ["epoch", "step", "rate", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds"];

    /// Its numbers, in the order of [`EpochRecord::NAMES`].
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

    /// From [`EpochRecord::numbers`].
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

/// Why a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// All epochs were made.
    #[default]
    Finished,
    /// The validation stopped getting better: see [`EarlyStopping`](super::EarlyStopping).
    Early,
    /// A callback asked for it.
    Callback,
    /// Ctrl-C, or the flag of [`Trainer::interrupt`](super::Trainer::interrupt).
    Interrupted,
}

/// The best validation of a run with early stopping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// The steps made until then.
    pub step: u64,
    /// What was watched: the validation loss, or 1 − accuracy.
    pub metric: f64,
}

/// All epochs of a run, and why it ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The finished epochs in their order, those before an interruption included.
    pub epochs: Vec<EpochRecord>,
    /// Why it ended.
    pub ending: Ending,
    /// The best validation, where early stopping watched.
    pub best: Option<Best>,
}

impl History {
    /// The last finished epoch.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }

    /// A table of comma-separated values with a line of names.
    pub fn to_csv(&self) -> String {
        let mut text = EpochRecord::NAMES.join(",") + "\n";
        for record in &self.epochs {
            let cells = record.numbers().map(|number| number.map_or(String::new(), |number| number.to_string()));
            text += &cells.join(",");
            text.push('\n');
        }
        text
    }

    /// A JSON object on a line for each epoch; what was not measured, or is no number, is `null`.
    pub fn to_json_lines(&self) -> String {
        let mut text = String::new();
        for record in &self.epochs {
            let cells = EpochRecord::NAMES.iter().zip(record.numbers()).map(|(name, number)| {
                let number = number.filter(|number| number.is_finite());
                format!("\"{name}\":{}", number.map_or("null".to_owned(), |number| number.to_string()))
            });
            text += &format!("{{{}}}\n", cells.collect::<Vec<_>>().join(","));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let history = History { epochs: vec![record], ..History::default() };
        assert_eq!(history.to_csv().lines().nth(1), Some("1,20,0.1,2.25,0.5,,,1.5"));
        let expected = "{\"epoch\":1,\"step\":20,\"rate\":0.1,\"loss\":2.25,\"accuracy\":0.5,\"validation_loss\":null,\
                        \"validation_accuracy\":null,\"seconds\":1.5}\n";
        assert_eq!(history.to_json_lines(), expected);
    }
}
