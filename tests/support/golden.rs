//! Networks with weights from a formula, against numbers that other frameworks computed; see `tests/golden/README.md`.

use netwright::Pass;
use netwright::private::{GradientSeed, Network, ParameterTensor, Sample, Scalar};
use serde_json::Value;

use super::gradient::FromNumbers;

fn splitmix64(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The number `index` of tensor `tensor`, from 0 to 1.
fn unit(tensor: u64, index: usize) -> f64 {
    (splitmix64(tensor << 32 | index as u64) >> 40) as f64 / f64::from(1 << 24)
}

/// What another framework computed for a network, and how far off this one may be.
pub(crate) struct Golden {
    numbers: Value,
    /// Of the logits, relative to the largest.
    pub(crate) forward: f64,
    /// Of the loss.
    pub(crate) loss: f64,
    /// Of gradients, relative to each tensor's norm.
    pub(crate) gradient: f64,
}

/// The tensors of a network in the order of its layers, with the layer's name.
fn tensors<N: Network>() -> Vec<(&'static str, &'static ParameterTensor)> {
    N::LAYERS.iter().flat_map(|layer| layer.tensors.iter().map(|tensor| (layer.name, tensor))).collect()
}

impl Golden {
    /// Reads a file of `tests/golden`.
    pub(crate) fn read(text: &str, forward: f64, loss: f64, gradient: f64) -> Self {
        Self { numbers: serde_json::from_str(text).expect("a golden file is JSON"), forward, loss, gradient }
    }

    fn list<'a>(&self, value: &'a Value) -> &'a [Value] {
        value.as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn reals(&self, value: &Value) -> Vec<f64> {
        self.list(value).iter().filter_map(Value::as_f64).collect()
    }

    /// The network with the formula's weights. `place` gives, for each golden tensor, its index among the network's.
    pub(crate) fn network<N: Network>(&self, place: impl Fn(usize) -> usize) -> N {
        let mut network = N::init(0);
        let ours = tensors::<N>();
        let theirs = self.list(&self.numbers["tensors"]);
        assert_eq!(ours.len(), theirs.len(), "as many tensors");
        let head = theirs.iter().rposition(|tensor| tensor[2] == "kernel").expect("there are weights");
        for (index, tensor) in theirs.iter().enumerate() {
            let (layer, own) = ours[place(index)];
            let t = tensor[0].as_u64().expect("a number");
            let kind = tensor[2].as_str().expect("a kind");
            let len: usize = self.reals(&tensor[3]).iter().product::<f64>() as usize;
            assert_eq!(own.len, len, "{layer}.{} against {}", own.name, tensor[1]);
            let gain = if index == head { &self.numbers["head_gain"] } else { &self.numbers["gain"] };
            let value = |index: usize| -> f32 {
                let u = unit(t, index);
                match kind {
                    "gamma" | "moving_variance" => (0.5 + u) as f32,
                    "bias" | "beta" | "moving_mean" => ((2.0 * u - 1.0) * 0.1) as f32,
                    _ => {
                        let fan_in = tensor[4].as_f64().expect("weights have a fan-in");
                        ((2.0 * u - 1.0) * (gain.as_f64().expect("a gain") * (3.0 / fan_in).sqrt())) as f32
                    }
                }
            };
            let numbers = network.tensor_mut(layer, own.name).expect("the tensor is in its own table");
            numbers
                .iter_mut()
                .enumerate()
                .for_each(|(index, number)| *number = Scalar::from_f64(f64::from(value(index))));
        }
        network
    }

    /// The formula's images.
    pub(crate) fn images<N: Network>(&self, count: usize) -> Vec<N::Input>
    where
        N::Input: FromNumbers<N::Scalar>,
    {
        let scale = self.numbers["input_scale"].as_f64().expect("a scale");
        let len = N::Input::LEN;
        (0..count)
            .map(|image| {
                let numbers: Vec<N::Scalar> = (image * len..(image + 1) * len)
                    .map(|index| Scalar::from_f64(f64::from(((2.0 * unit(0xFFFF, index) - 1.0) * scale) as f32)))
                    .collect();
                N::Input::from_numbers(&numbers)
            })
            .collect()
    }

    /// The probabilities predicted for the first image are the softmax of the golden logits, in the same order.
    pub(crate) fn check_prediction<N: Network>(&self, network: &N)
    where
        N::Input: FromNumbers<N::Scalar>,
    {
        let answer = network.predict(&self.images::<N>(1)[0]);
        let answer: Vec<f64> = answer.numbers().iter().map(|number| number.to_f64()).collect();
        let logits = self.reals(&self.numbers["logits"]);
        let most = logits.iter().copied().fold(f64::MIN, f64::max);
        let sum = logits.iter().map(|logit| (logit - most).exp()).sum::<f64>().ln() + most;
        let largest = logits.iter().fold(0.0, |largest: f64, logit| largest.max(logit.abs()));
        for (class, (probability, logit)) in answer.iter().zip(&logits).enumerate() {
            let off = (probability.ln() - (logit - sum)).abs() / largest;
            assert!(off <= self.forward, "class {class}: off by {off:e} of the largest logit");
        }
        let mut order: Vec<usize> = (0..answer.len()).collect();
        order.sort_by(|&a, &b| answer[b].total_cmp(&answer[a]));
        let expected = self.reals(&self.numbers["top10"]);
        let found: Vec<f64> = order.iter().take(expected.len()).map(|&class| class as f64).collect();
        assert_eq!(found, expected, "the ten most probable classes");
    }

    /// Loss, and the norm and probes of every gradient, in a training step; and the loss after a small step downhill.
    pub(crate) fn check_training<N: Network>(&self, network: &N, place: impl Fn(usize) -> usize)
    where
        N::Input: FromNumbers<N::Scalar>,
    {
        let ours = tensors::<N>();
        for case in self.list(&self.numbers["train"]) {
            let labels: Vec<usize> = self.reals(&case["labels"]).iter().map(|&label| label as usize).collect();
            let images = self.images::<N>(labels.len());
            let mut network = network.clone();
            let (loss, gradients) = step(&mut network, &images, &labels);
            let expected = case["loss"].as_f64().expect("a loss");
            assert!((loss - expected).abs() <= self.loss * expected, "loss {loss}, expected {expected}");
            let theirs: Vec<(usize, &Value)> = self
                .list(&self.numbers["tensors"])
                .iter()
                .enumerate()
                .filter_map(|(index, tensor)| {
                    self.list(&case["grads"])
                        .iter()
                        .find(|gradient| gradient[0] == tensor[0])
                        .map(|gradient| (index, gradient))
                })
                .collect();
            assert!(!theirs.is_empty(), "there are gradients to compare");
            for (index, gradient) in theirs {
                let (layer, tensor) = ours[place(index)];
                let own: Vec<f64> = gradients
                    .tensor(layer, tensor.name)
                    .expect("it is trained")
                    .iter()
                    .map(|number| number.to_f64())
                    .collect();
                let norm = own.iter().map(|number| number * number).sum::<f64>().sqrt();
                let expected = gradient[1].as_f64().expect("a norm");
                let off = (norm - expected).abs() / expected;
                assert!(off <= self.gradient, "{layer}.{}: norm {norm}, expected {expected}", tensor.name);
                let probes = self.reals(&gradient[3]);
                for (probe, expected) in probes.iter().enumerate() {
                    let at = if own.len() <= 4 { probe } else { (2 * probe + 1) * own.len() / 8 };
                    let off = (own[at] - expected).abs() / norm;
                    assert!(off <= self.gradient, "{layer}.{}[{at}]: {}, expected {expected}", tensor.name, own[at]);
                }
            }
            for point in self.list(&case["sgd"]).iter().take(1) {
                let (rate, expected) = (point[0].as_f64().expect("a rate"), point[1].as_f64().expect("a loss"));
                let mut moved = network.clone();
                for (number, gradient) in moved.parameters_mut().iter_mut().zip(gradients.as_slice()) {
                    *number -= N::Scalar::from_f64(rate) * *gradient;
                }
                let (loss, _) = step(&mut moved, &images, &labels);
                assert!(
                    (loss - expected).abs() <= self.loss.max(1e-9) * expected,
                    "after a step: {loss}, expected {expected}"
                );
            }
        }
    }
}

/// Mean softmax cross-entropy of a batch and its gradient.
pub(crate) fn step<N: Network>(
    network: &mut N,
    images: &[N::Input],
    labels: &[usize],
) -> (f64, netwright::private::Gradients<N>) {
    let mut workspace = N::workspace(images.len());
    let mut gradients = N::gradients();
    network.forward(Pass::default(), images, &mut workspace).expect("it fits");
    let classes = N::Output::LEN;
    let mut loss = 0.0;
    let (logits, gradient) = workspace.loss_operands(GradientSeed::Logits);
    for ((logits, gradient), &label) in logits.chunks(classes).zip(gradient.chunks_mut(classes)).zip(labels) {
        let logits: Vec<f64> = logits.iter().map(|logit| logit.to_f64()).collect();
        let most = logits.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
        loss += sum.ln() + most - logits[label];
        for (class, (number, logit)) in gradient.iter_mut().zip(&logits).enumerate() {
            let probability = (logit - most).exp() / sum;
            *number = Scalar::from_f64((probability - f64::from(u8::from(class == label))) / labels.len() as f64);
        }
    }
    network.backward(Pass::default(), GradientSeed::Logits, images, &mut workspace, &mut gradients).expect("it fits");
    (loss / labels.len() as f64, gradients)
}
