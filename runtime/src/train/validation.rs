//! The validation set of a run, and what is measured on it.

use super::early_stopping::{EarlyStopping, Watch};
use super::evaluate::Evaluator;
use super::gradient::BatchLoss;
use super::samples::Samples;
use super::target::Target;
use super::threads::Threads;
use crate::error::Error;
use crate::loss::Loss;
use crate::network::Network;
use crate::tensor::Output;

/// A number about all answers and their targets.
pub(crate) type Measure<N, Y> =
    Box<dyn Fn(&[<N as crate::architecture::Architecture>::Output], &[Y]) -> Result<f64, Error> + Send + Sync>;

/// A metric and its name.
pub(crate) struct NamedMeasure<N: Network, Y> {
    pub(crate) name: &'static str,
    pub(crate) measure: Measure<N, Y>,
}

/// What a validation found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Validation {
    pub(crate) loss: BatchLoss,
    /// In the order of the trainer's metrics.
    pub(crate) metrics: Vec<f64>,
}

/// The validation set with its metrics. Answers and targets are kept together where there are metrics to read them.
pub(crate) struct Validator<'a, N: Network, Y> {
    samples: &'a dyn Samples<N::Input, Y>,
    evaluator: Evaluator,
    metrics: Vec<NamedMeasure<N, Y>>,
    answers: Vec<N::Output>,
    targets: Vec<Y>,
}

impl<'a, N: Network<Input: Clone>, Y: Target> Validator<'a, N, Y> {
    pub(crate) fn new(samples: &'a dyn Samples<N::Input, Y>, metrics: Vec<NamedMeasure<N, Y>>) -> Self {
        let kept = if metrics.is_empty() { 0 } else { samples.len() };
        Self {
            samples,
            evaluator: Evaluator::new(samples.len()),
            metrics,
            answers: (0..kept).map(|_| N::Output::zeros()).collect(),
            targets: (0..kept).map(|index| samples.target(index).clone()).collect(),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.metrics.iter().map(|metric| metric.name)
    }

    /// Refuses before the first epoch what would fail after it: a metric that cannot read these targets, and early stopping that
    /// watches what is not measured.
    pub(crate) fn check<L: Loss<N::Head, Y>>(
        &self,
        network: &N,
        loss: &L,
        rules: Option<&EarlyStopping>,
    ) -> Result<(), Error> {
        let first = [self.samples.target(0).clone()];
        let answer = network.predict_batch(core::slice::from_ref(self.samples.input(0)));
        for metric in &self.metrics {
            (metric.measure)(&answer, &first)?;
        }
        let pair = super::samples::Pairs::new(core::slice::from_ref(self.samples.input(0)), &first)?;
        let accuracy = Evaluator::new(1).run(network, &pair, loss, None, &mut []).accuracy();
        let metric = match rules.map(EarlyStopping::watched) {
            Some(Watch::Error) if accuracy.is_none() => "accuracy",
            Some(Watch::Highest(name) | Watch::Lowest(name)) if !self.names().any(|known| known == name) => name,
            _ => return Ok(()),
        };
        let known = ["loss"].into_iter().chain(accuracy.map(|_| "accuracy")).chain(self.names());
        Err(Error::UnknownMetric { setting: "early stopping", metric, known: known.collect::<Vec<_>>().join(", ") })
    }

    pub(crate) fn run<L: Loss<N::Head, Y>>(
        &mut self,
        network: &N,
        loss: &L,
        threads: &Threads,
    ) -> Result<Validation, Error> {
        let loss = self.evaluator.run(network, self.samples, loss, Some(threads), &mut self.answers);
        let metrics = self.metrics.iter().map(|metric| (metric.measure)(&self.answers, &self.targets));
        Ok(Validation { loss, metrics: metrics.collect::<Result<_, _>>()? })
    }

    /// What early stopping watches, as a number of which less is better.
    pub(crate) fn watched(&self, watch: Watch, validation: &Validation) -> f64 {
        let metric = |name: &str| {
            let place = self.metrics.iter().position(|metric| metric.name == name);
            place.map_or(f64::NAN, |place| validation.metrics[place])
        };
        match watch {
            Watch::Loss => validation.loss.mean(),
            Watch::Error => 1.0 - validation.loss.accuracy().unwrap_or(f64::NAN),
            Watch::Lowest(name) => metric(name),
            Watch::Highest(name) => -metric(name),
        }
    }
}
