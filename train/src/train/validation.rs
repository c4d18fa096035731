//! The validation set of a run, and the metrics on it.

use super::batch_loss::BatchLoss;
use super::early_stopping::{EarlyStopping, Watch};
use super::evaluate::{Evaluator, explained};
use super::samples::{Samples, UNNAMED};
use super::target::Target;
use crate::error::Error;
use crate::loss::Loss;
use crate::memory::{copies, zeros};
use crate::network::Network;
use crate::threads::Threads;

/// A metric over all answers and their targets.
pub(crate) type Measure<N, Y> =
    Box<dyn Fn(&[<N as crate::architecture::Architecture>::Output], &[Y]) -> Result<f64, Error> + Send + Sync>;

/// A metric and its name.
pub(crate) struct NamedMeasure<N: Network, Y> {
    pub(crate) name: &'static str,
    pub(crate) measure: Measure<N, Y>,
}

impl<N: Network, Y> NamedMeasure<N, Y> {
    /// Creates a metric whose name differs from those of `others`.
    pub(crate) fn new(
        name: &'static str,
        measure: impl Fn(&[N::Output], &[Y]) -> Result<f64, Error> + Send + Sync + 'static,
        others: &[Self],
    ) -> Result<Self, Error> {
        super::metric_name::check(name, &mut others.iter().map(|other| other.name))?;
        Ok(Self { name, measure: Box::new(measure) })
    }
}

/// The result of a validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// The loss, and the accuracy where there is one.
    pub loss: BatchLoss,
    /// The metrics by their names.
    pub metrics: Vec<(&'static str, f64)>,
}

impl Validation {
    /// Returns a metric by its name.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Returns the value that early stopping watches, where lower is better; NaN if it was not measured.
    pub fn watched(&self, watch: Watch) -> f64 {
        let metric = |name| self.metric(name).unwrap_or(f64::NAN);
        match watch {
            Watch::Loss => self.loss.mean(),
            Watch::Error => 1.0 - self.loss.accuracy().unwrap_or(f64::NAN),
            Watch::Lowest(name) => metric(name),
            Watch::Highest(name) => -metric(name),
        }
    }
}

/// Prints the loss, then the metrics.
impl core::fmt::Display for Validation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.loss)?;
        self.metrics.iter().try_for_each(|(name, value)| write!(f, "  {name} {value:.4}"))
    }
}

/// A validation set with its metrics. It is evaluated on several threads, with the same bits for any number of them.
///
/// ```
/// use netwright_runtime::{Error, head::Softmax, network::Network};
/// use netwright_train::loss::CrossEntropy;
/// use netwright_train::train::{Samples, Threads, Validator, metrics};
///
/// fn report<N>(network: &N, digits: &impl Samples<N::Input, usize>) -> Result<(), Error>
/// where
///     N: Network<Head = Softmax, Input: Clone>,
/// {
///     let mut validator = Validator::new(digits)?.metric("top-3", |answers: &[N::Output], labels| metrics::top_k(answers, labels, 3))?;
///     let found = validator.measure(network, &CrossEntropy::new(), &Threads::new(2)?)?;
///     println!("loss {:.4}, top-3 {:?}", found.loss.mean(), found.metric("top-3"));
///     Ok(())
/// }
/// ```
pub struct Validator<'a, N: Network, Y> {
    // Answers and targets are kept only if there are metrics to read them.
    samples: &'a dyn Samples<N::Input, Y>,
    /// The name of the samples in errors.
    origin: String,
    evaluator: Evaluator,
    metrics: Vec<NamedMeasure<N, Y>>,
    answers: Vec<N::Output>,
    targets: Vec<Y>,
}

impl<'a, N: Network<Input: Clone>, Y: Target> Validator<'a, N, Y> {
    /// Creates a validator for some samples, without metrics.
    ///
    /// # Errors
    /// [`Error::Empty`] without samples.
    pub fn new<S: Samples<N::Input, Y>>(samples: &'a S) -> Result<Self, Error> {
        Self::of(samples)
    }

    pub(crate) fn of(samples: &'a dyn Samples<N::Input, Y>) -> Result<Self, Error> {
        let origin = validation_origin(samples.origin());
        if samples.is_empty() {
            return Err(Error::Empty { origin });
        }
        let evaluator = Evaluator::new(samples.len());
        Ok(Self { samples, origin, evaluator, metrics: Vec::new(), answers: Vec::new(), targets: Vec::new() })
    }

    /// Adds a metric over all answers, from [`metrics`](super::metrics) or of your own.
    ///
    /// # Errors
    /// [`Error::MetricName`] for a name that could be confused with another metric's or with a value that every run records (`loss`, …).
    pub fn metric(
        self,
        name: &'static str,
        measure: impl Fn(&[N::Output], &[Y]) -> Result<f64, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let measure = NamedMeasure::new(name, measure, &self.metrics)?;
        Ok(self.measures(vec![measure]))
    }

    pub(crate) fn measures(mut self, metrics: Vec<NamedMeasure<N, Y>>) -> Self {
        self.metrics.extend(metrics);
        if !self.metrics.is_empty() {
            self.answers = zeros(self.samples.len());
            self.targets = copies((0..self.samples.len()).map(|index| self.samples.target(index)));
        }
        self
    }

    /// Returns the names of the metrics.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.metrics.iter().map(|metric| metric.name)
    }

    /// Returns [`Self::names`] by a loop, which compiles faster in every program than a chain of iterators.
    pub(crate) fn name_list(&self) -> Vec<&'static str> {
        let mut names = Vec::with_capacity(self.metrics.len());
        for metric in &self.metrics {
            names.push(metric.name);
        }
        names
    }

    /// Checks, before the first epoch, for errors that would occur after it: targets that the loss cannot compare, metrics that cannot read
    /// them, and early stopping that watches a value that is not measured.
    ///
    /// # Errors
    /// Those of [`Loss::check`] and of the metrics, and [`Error::UnknownMetric`].
    pub fn check<L: Loss<N::Head, Y>>(
        &self,
        network: &N,
        loss: &L,
        rules: Option<&EarlyStopping>,
    ) -> Result<(), Error> {
        super::evaluate::check::<N, Y, L>(self.samples, loss, &self.origin)?;
        let first = copies([self.samples.target(0)]);
        let answer = network.predict_batch(core::slice::from_ref(self.samples.input(0)));
        for metric in &self.metrics {
            (metric.measure)(&answer, &first)?;
        }
        let pair = super::samples::Pairs::new(core::slice::from_ref(self.samples.input(0)), &first)?;
        let accuracy = Evaluator::new(1).run(network, &pair, loss, &Threads::default(), &mut []).accuracy();
        check_watched(rules.map(EarlyStopping::watched), accuracy.is_some(), &self.name_list())
    }

    /// Measures a network as it predicts: without dropout, and with moving statistics.
    ///
    /// # Errors
    /// [`Error::Input`] where the loss is not finite because an input is not, and errors of the metrics.
    pub fn measure<L: Loss<N::Head, Y>>(
        &mut self,
        network: &N,
        loss: &L,
        threads: &Threads,
    ) -> Result<Validation, Error> {
        let loss = self.evaluator.run(network, self.samples, loss, threads, &mut self.answers);
        let loss = explained::<N, Y>(loss, self.samples, &self.origin)?;
        let mut metrics = Vec::with_capacity(self.metrics.len());
        for metric in &self.metrics {
            metrics.push((metric.name, (metric.measure)(&self.answers, &self.targets)?));
        }
        Ok(Validation { loss, metrics })
    }
}

/// Returns the name of a validation set in errors, which distinguishes it from the training set.
fn validation_origin(origin: &str) -> String {
    if origin == UNNAMED { "the validation set".to_owned() } else { format!("the validation set, {origin}") }
}

/// Refuses to watch a value that is not measured.
fn check_watched(watched: Option<Watch>, has_accuracy: bool, metrics: &[&str]) -> Result<(), Error> {
    let metric = match watched {
        Some(Watch::Error) if !has_accuracy => "accuracy",
        Some(Watch::Highest(name) | Watch::Lowest(name)) if !metrics.contains(&name) => name,
        _ => return Ok(()),
    };
    let accuracy: &[&str] = if has_accuracy { &["accuracy"] } else { &[] };
    let known = [&["loss"], accuracy, metrics].concat().join(", ");
    Err(Error::UnknownMetric { setting: "early stopping", metric, known })
}

impl<N: Network, Y> core::fmt::Debug for Validator<'_, N, Y> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let metrics: Vec<_> = self.metrics.iter().map(|metric| metric.name).collect();
        write!(f, "Validator of {}: {} samples, metrics {metrics:?}", N::NAME, self.samples.len())
    }
}
