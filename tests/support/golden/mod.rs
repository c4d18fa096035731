//! Compares networks with weights from a formula with golden values of other frameworks; see `tests/golden/README.md`.

mod figures;
mod formula;
mod predicting;
mod training;
mod trajectory;

use netwright::optim::{Adam, Optimizer, Sgd};
use netwright::private::{Network, Output, ParameterKind, ParameterTensor, Scalar, Weights};
use serde::Deserialize;

use figures::Figures;
pub(crate) use figures::Tolerance;
use trajectory::ZeroedGradients;

/// The values that other frameworks computed for a network.
#[derive(Debug, Deserialize)]
pub(crate) struct Golden {
    gain: f64,
    head_gain: f64,
    input_scale: f64,
    tensors: Vec<Tensor>,
    logits: Vec<f64>,
    layers: Vec<Layer>,
    train: Vec<Step>,
    trajectories: Vec<Trajectory>,
}

/// A tensor's number in the formula, its kind, shape and fan-in.
#[derive(Debug, Deserialize)]
struct Tensor(u64, String, Vec<usize>, f64);

/// A layer's word, its output's shape, and the output's mean, deviation, norm and probes.
#[derive(Debug, Deserialize)]
struct Layer(String, Vec<usize>, f64, f64, f64, Vec<f64>);

/// A tensor's number, and the mean, deviation, norm and probes of its elements.
#[derive(Debug, Deserialize)]
struct Moved(u64, f64, f64, f64, Vec<f64>);

/// A tensor's number, and the norm, sum and probes of its gradient.
#[derive(Debug, Deserialize)]
struct TensorGradient(u64, f64, f64, Vec<f64>);

/// A training step.
#[derive(Debug, Deserialize)]
struct Step {
    labels: Vec<usize>,
    loss: f64,
    #[serde(default)]
    logits: Vec<Vec<f64>>,
    gradients: Vec<TensorGradient>,
    /// The tensors whose gradient is 0 in theory.
    zero: Vec<u64>,
    moving: Vec<Moved>,
    /// A rate, and the loss after a step of gradient descent with it.
    sgd: Vec<(f64, f64)>,
}

/// Several steps of an optimiser.
#[derive(Debug, Deserialize)]
struct Trajectory {
    rule: String,
    rate: f64,
    momentum: f64,
    labels: Vec<usize>,
    losses: Vec<f64>,
    parameters: Vec<Moved>,
    logits: Vec<f64>,
}

/// A summary of a value's elements: mean, deviation, norm, and up to four elements (probes).
#[derive(Debug, PartialEq)]
struct Summary {
    mean: f64,
    deviation: f64,
    norm: f64,
    probes: Vec<f64>,
}

impl Summary {
    fn of<T: Scalar>(numbers: &[T]) -> Self {
        let len = numbers.len() as f64;
        let mean = numbers.iter().map(|number| number.to_f64()).sum::<f64>() / len;
        let deviation = (numbers.iter().map(|number| (number.to_f64() - mean).powi(2)).sum::<f64>() / len).sqrt();
        Self { mean, deviation, norm: norm(numbers), probes: probes(numbers) }
    }

    /// Returns the largest deviation from the expected summary, relative to the root mean square of the elements.
    fn off(&self, len: usize, mean: f64, deviation: f64, norm: f64, probes: &[f64]) -> f64 {
        let scale = norm / (len as f64).sqrt();
        let pairs = [(self.mean, mean), (self.deviation, deviation)].into_iter();
        let pairs = pairs.chain(self.probes.iter().copied().zip(probes.iter().copied()));
        let off = |(found, expected): (f64, f64)| (found - expected).abs() / scale.max(expected.abs());
        largest(pairs.chain([(self.norm / (len as f64).sqrt(), scale)]).map(off))
    }
}

fn norm<T: Scalar>(numbers: &[T]) -> f64 {
    numbers.iter().map(|number| number.to_f64().powi(2)).sum::<f64>().sqrt()
}

/// Returns four elements spread over all, or all if there are at most four.
fn probes<T: Scalar>(numbers: &[T]) -> Vec<f64> {
    let len = numbers.len();
    let at = |probe: usize| if len <= 4 { probe } else { (2 * probe + 1) * len / 8 };
    (0..len.min(4)).map(|probe| numbers[at(probe)].to_f64()).collect()
}

/// Returns the tensors of a network in the order of its layers, with the layer's name.
fn tensors<N: Network>() -> Vec<(&'static str, &'static ParameterTensor)> {
    N::LAYERS.iter().flat_map(|layer| layer.tensors.iter().map(|tensor| (layer.name, tensor))).collect()
}

impl Golden {
    /// Reads a golden file.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).expect("golden numbers")
    }

    /// Compares all values, prints the deviations, and panics if one exceeds `tolerance`.
    #[allow(dead_code)]
    pub(crate) fn check<N: Network>(&self, tolerance: Tolerance)
    where
        N::Input: Output<N::Scalar>,
        Sgd<N::Scalar>: Optimizer<N::Scalar>,
        Adam<N::Scalar>: Optimizer<N::Scalar>,
    {
        self.check_all::<N>(&self.zeroed::<N>(), tolerance);
    }

    /// [`Self::check`] with `Exact`, the same network in double precision, which determines the gradients that are 0 except for rounding. Adam would
    /// make this rounding as large as any other gradient in single precision, and a part of that in double precision.
    #[allow(dead_code)]
    pub(crate) fn check_with_exact<N: Network, Exact: Network<Scalar = f64>>(&self, tolerance: Tolerance)
    where
        N::Input: Output<N::Scalar>,
        Exact::Input: Output<f64>,
        Sgd<N::Scalar>: Optimizer<N::Scalar>,
        Adam<N::Scalar>: Optimizer<N::Scalar>,
    {
        self.check_all::<N>(&self.zeroed_in_double_precision::<Exact>(), tolerance);
    }

    fn check_all<N: Network>(&self, zeroed: &ZeroedGradients, tolerance: Tolerance)
    where
        N::Input: Output<N::Scalar>,
        Sgd<N::Scalar>: Optimizer<N::Scalar>,
        Adam<N::Scalar>: Optimizer<N::Scalar>,
    {
        let mut figures = Figures::new::<N>(tolerance);
        self.predict::<N>(&mut figures);
        self.train::<N>(&mut figures);
        self.follow::<N>(zeroed, &mut figures);
        figures.conclude();
    }

    /// Creates the network with the formula's weights.
    pub(crate) fn network<N: Network>(&self) -> N {
        let mut network = N::from_weights(Weights::zeros(N::PARAMETERS, N::STATISTICS));
        let ours = tensors::<N>();
        assert_eq!(ours.len(), self.tensors.len(), "as many tensors");
        let head = self.tensors.iter().rposition(|tensor| tensor.1 == "kernel").expect("there are weights");
        for (index, (Tensor(number, kind, shape, fan_in), (layer, own))) in self.tensors.iter().zip(ours).enumerate() {
            let (kind_of_ours, name) = (own.kind, own.name);
            let is_alike = match kind.as_str() {
                "kernel" => kind_of_ours == ParameterKind::Weight,
                "bias" => kind_of_ours == ParameterKind::Bias,
                "gamma" | "beta" | "coefficient" => kind_of_ours == ParameterKind::Scale && name == kind,
                "mean" | "var" => kind_of_ours == ParameterKind::Statistic && name.contains(kind.as_str()),
                _ => false,
            };
            assert!(is_alike, "{layer}.{name} against {kind}");
            assert_eq!(own.len, shape.iter().product::<usize>(), "{layer}.{name} against {shape:?}");
            let gain = if index == head { self.head_gain } else { self.gain };
            let numbers = if kind_of_ours.is_trained() { network.parameters_mut() } else { network.statistics_mut() };
            for (place, value) in numbers[own.offset..][..own.len].iter_mut().enumerate() {
                *value = Scalar::from_f64(f64::from(formula::weight(*number, place, kind, gain, *fan_in)));
            }
        }
        network
    }

    /// Creates the formula's images.
    pub(crate) fn images<N: Network>(&self, count: usize) -> Vec<N::Input>
    where
        N::Input: Output<N::Scalar>,
    {
        let mut images = vec![N::Input::zeros(); count];
        for (place, value) in N::Input::many_mut(&mut images).iter_mut().enumerate() {
            *value = Scalar::from_f64(f64::from(formula::pixel(place, self.input_scale)));
        }
        images
    }

    /// Returns the index, among the network's tensors, of the tensor with this number.
    fn index(&self, number: u64) -> usize {
        self.tensors.iter().position(|tensor| tensor.0 == number).expect("a tensor of this network")
    }
}

/// Returns the largest of some values, or NaN if one is NaN.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |largest, number| if largest.is_nan() || number <= largest { largest } else { number })
}

/// Returns the largest deviation of the logarithms of probabilities from `logits`, relative to the largest logit.
fn off_logits<T: Scalar>(probabilities: &[T], logits: &[f64]) -> f64 {
    assert_eq!(probabilities.len(), logits.len(), "as many classes");
    let most = logits.iter().copied().fold(f64::MIN, f64::max);
    let sum = logits.iter().map(|logit| (logit - most).exp()).sum::<f64>().ln() + most;
    let scale = largest(logits.iter().map(|logit| logit.abs()));
    let off = |(found, logit): (&T, &f64)| (found.to_f64().ln() - (logit - sum)).abs() / scale;
    largest(probabilities.iter().zip(logits).map(off))
}

/// Returns the classes from the most probable to the least.
fn ranked(numbers: impl Iterator<Item = f64>) -> Vec<usize> {
    let numbers: Vec<f64> = numbers.collect();
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[b].total_cmp(&numbers[a]));
    order
}
