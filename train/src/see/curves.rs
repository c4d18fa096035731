//! The charts of a run.

use super::chart::{Chart, Curve, Figure};
use crate::train::statistics::{LayerStatistics, StatisticsHistory};
use crate::train::{EpochRecord, History};

impl History {
    /// Returns the learning curves: the loss and, if it was measured, the accuracy on the training set and on the
    /// validation set, over epochs. They diverge where a network overfits (slide 14). The training loss and accuracy are means over the
    /// epoch, those of the validation are measured at its end.
    pub fn learning_curves(&self) -> Figure {
        let loss = Chart::new("loss").axes("epoch", "mean loss");
        let loss = self.add(loss, "training", |record| Some(record.loss));
        let loss = self.add(loss, "validation", |record| record.validation_loss);
        let accuracy = Chart::new("accuracy (%)").axes("epoch", "right answers (%)");
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

impl StatisticsHistory {
    /// Returns charts with a curve for each layer over epochs: the standard deviation of its outputs, the shares of saturated outputs and of
    /// dead units, and the norms of its gradients, which vanish or explode over the layers (slides 6 to 11). Charts without curves are omitted.
    pub fn figure(&self) -> Figure {
        type Number = fn(&LayerStatistics) -> Option<f64>;
        let chart = |title: &str, unit: &str| Chart::new(title).axes("epoch", unit);
        let charts: [(Chart, Number); 5] = [
            (chart("spread of the outputs", "standard deviation"), |layer| Some(layer.activations?.spread)),
            (chart("saturated outputs (%)", "share (%)").at_least(0.0, 100.0), |layer| {
                Some(100.0 * layer.activations?.saturated?)
            }),
            (chart("dead units (%)", "share (%)").at_least(0.0, 100.0), |layer| Some(100.0 * layer.activations?.dead?)),
            (chart("gradient of the outputs", "length |∂ℓ/∂a|").logarithmic(), |layer| layer.output_gradient),
            (chart("gradient of the weights", "length |∂ℓ/∂w|").logarithmic(), |layer| layer.gradient_norm),
        ];
        let charts = charts.into_iter().map(|(chart, number)| self.with_layers(chart, number));
        Figure::new(2, charts.filter(|chart| !chart.curves().is_empty()))
    }

    fn with_layers(&self, chart: Chart, number: impl Fn(&LayerStatistics) -> Option<f64>) -> Chart {
        let names = self.epochs.first().map_or(&[][..], |(_, network)| &network.layers);
        names.iter().enumerate().fold(chart, |chart, (index, LayerStatistics { layer, .. })| {
            let epochs = self.epochs.iter();
            let points: Vec<_> = epochs
                .filter_map(|(epoch, network)| Some((*epoch as f64, number(network.layers.get(index)?)?)))
                .collect();
            // A layer has the same colour in every chart.
            let curve = Curve { name: (*layer).to_owned(), points, scattered: false, colour: index };
            if curve.points.is_empty() { chart } else { chart.with_curve(curve) }
        })
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
