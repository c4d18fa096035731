//! The charts of a run.

use super::chart::{Chart, Figure};
use crate::train::{EpochRecord, History};

impl History {
    /// The learning curves: the loss and, where it was measured, the accuracy, on the data that were trained on and on the
    /// validation set, over epochs. They fall apart where a network learns by heart (slide 14). The training loss and accuracy are means over the
    /// epoch, those of the validation are measured at its end.
    pub fn learning_curves(&self) -> Figure {
        let loss = Chart::new("loss").axes("epoch", "mean loss");
        let loss = self.add(loss, "training", |record| Some(record.loss));
        let loss = self.add(loss, "validation", |record| record.validation_loss);
        let accuracy = Chart::new("accuracy").axes("epoch", "right answers (%)");
        let percent = |share: Option<f64>| share.map(|share| 100.0 * share);
        let accuracy = self.add(accuracy, "training", |record| percent(record.accuracy));
        let accuracy = self.add(accuracy, "validation", |record| percent(record.validation_accuracy));
        let measured = !accuracy.curves().is_empty();
        Figure::new(2, [Some(loss), measured.then_some(accuracy)].into_iter().flatten())
    }

    fn add(&self, chart: Chart, name: &str, value: impl Fn(&EpochRecord) -> Option<f64>) -> Chart {
        let points: Vec<_> =
            self.epochs.iter().filter_map(|record| Some((record.epoch as f64, value(record)?))).collect();
        if points.is_empty() { chart } else { chart.curve(name, points) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_curves_show_what_was_measured() {
        let record = EpochRecord {
            epoch: 1,
            step: 10,
            rate: 0.1,
            loss: 2.0,
            accuracy: None,
            validation_loss: Some(3.0),
            validation_accuracy: None,
            seconds: 1.0,
        };
        let second = EpochRecord { epoch: 2, loss: 1.0, validation_loss: None, accuracy: Some(0.5), ..record };
        let figure = History { epochs: vec![record, second], ..History::default() }.learning_curves();
        let [loss, accuracy] = figure.charts() else { panic!("two charts: {figure}") };
        assert_eq!(loss.curves()[0].points, [(1.0, 2.0), (2.0, 1.0)]);
        assert_eq!(loss.curves()[1].points, [(1.0, 3.0)]);
        assert_eq!(accuracy.curves().len(), 1);
        assert_eq!(accuracy.curves()[0].points, [(2.0, 50.0)]);
        assert!(History::default().learning_curves().charts()[0].curves().is_empty());
    }
}
