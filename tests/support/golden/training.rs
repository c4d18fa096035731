//! Compares one training step, and the loss after a small step of gradient descent.

use netwright::private::{Gradients, Network, Output, Sample, Scalar};
use netwright::{GradientSeed, Pass};

use super::figures::{Figures, Kind};
use super::{Golden, Moved, Step, Summary, TensorGradient, largest, norm, probes, tensors};

impl Golden {
    pub(super) fn train<N: Network>(&self, figures: &mut Figures)
    where
        N::Input: Output<N::Scalar>,
    {
        for step in &self.train {
            let images = self.images::<N>(step.labels.len());
            let mut network = self.network::<N>();
            let what = format!("a batch of {}", step.labels.len());
            let result = run_step::<N>(&mut network, &images, &step.labels);
            figures.note(Kind::Loss, relative(result.loss, step.loss), figures.tolerance.loss, &what);
            compare_logits(&result.logits, step, figures);
            self.compare_gradients::<N>(&result.gradients, step, figures);
            self.compare_moved(&network, &step.moving, Kind::Moving, figures);
            for &(rate, loss) in &step.sgd {
                for (number, gradient) in network.parameters_mut().iter_mut().zip(result.gradients.as_slice()) {
                    *number -= N::Scalar::from_f64(rate) * *gradient;
                }
                let after = run_step::<N>(&mut network, &images, &step.labels);
                // The gradient determines the fall of the loss, so its deviation adds to the tolerance.
                let fall = figures.worst(Kind::Gradients) * (step.loss - loss).abs() / loss;
                let most = (figures.tolerance.loss + fall).max(1e-9);
                figures.note(Kind::Loss, relative(after.loss, loss), most, format!("{what} after a step"));
            }
        }
    }

    fn compare_gradients<N: Network>(&self, gradients: &Gradients<N>, step: &Step, figures: &mut Figures) {
        let ours = tensors::<N>();
        let most_moved = largest(step.gradients.iter().map(|gradient| gradient.1));
        let trained = ours.iter().filter(|(_, tensor)| tensor.kind.is_trained()).count();
        assert_eq!(step.gradients.len(), trained, "a gradient of every trained tensor");
        for TensorGradient(number, length, sum, expected) in &step.gradients {
            let (layer, tensor) = ours[self.index(*number)];
            let place = format!("{layer}.{}", tensor.name);
            let own = &gradients.as_slice()[tensor.offset..][..tensor.len];
            if step.zero.contains(number) {
                // Batch normalisation removes what this bias adds, so its gradient is rounding only.
                figures.note(Kind::Gradients, norm(own) / most_moved, 1e-4, format!("{place} (0)"));
                continue;
            }
            figures.note(Kind::Gradients, relative(norm(own), *length), figures.tolerance.gradient, &place);
            let Some(most) = figures.tolerance.probes else { continue };
            let total: f64 = own.iter().map(|number| number.to_f64()).sum();
            let pairs = probes(own).into_iter().chain([total]).zip(expected.iter().copied().chain([*sum]));
            for (found, expected) in pairs {
                // A sum of many elements that cancel is as exact as their norm.
                figures.note(Kind::Probes, (found - expected).abs() / length.max(expected.abs()), most, &place);
            }
        }
    }

    /// Compares the elements of tensors with the summaries of other frameworks.
    pub(super) fn compare_moved<N: Network>(&self, network: &N, moved: &[Moved], kind: Kind, figures: &mut Figures) {
        let ours = tensors::<N>();
        for Moved(number, mean, deviation, length, probes) in moved {
            let (layer, tensor) = ours[self.index(*number)];
            let numbers = if tensor.kind.is_trained() { network.parameters() } else { network.statistics() };
            let summary = Summary::of(&numbers[tensor.offset..][..tensor.len]);
            let off = summary.off(tensor.len, *mean, *deviation, *length, probes);
            figures.note(kind, off, figures.tolerance.forward, format!("{layer}.{}", tensor.name));
        }
    }
}

fn compare_logits(logits: &[f64], step: &Step, figures: &mut Figures) {
    let expected: Vec<f64> = step.logits.iter().flatten().copied().collect();
    let scale = largest(expected.iter().map(|logit| logit.abs()));
    for (found, expected) in logits.iter().zip(&expected) {
        let most = figures.tolerance.forward.max(figures.tolerance.rounded);
        figures.note(Kind::Logits, (found - expected).abs() / scale, most, "the whole batch");
    }
}

pub(super) fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs()
}

/// The results of a forward and a backward pass.
pub(super) struct StepResult<N: Network> {
    pub(super) loss: f64,
    pub(super) logits: Vec<f64>,
    pub(super) gradients: Gradients<N>,
}

/// Computes the mean softmax cross-entropy of a batch and its gradient, without dropout.
pub(super) fn run_step<N: Network>(network: &mut N, images: &[N::Input], labels: &[usize]) -> StepResult<N> {
    let mut workspace = N::workspace(images.len());
    let mut gradients = N::gradients();
    // A frozen pass has no dropout, but batch normalisation would use its moving statistics; networks with it are not frozen.
    let pass = Pass { frozen: !N::BATCH_COUPLED, ..Pass::default() };
    network.forward(pass, images, &mut workspace).expect("it fits");
    let classes = N::Output::LEN;
    let (mut loss, mut kept) = (0.0, Vec::new());
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
        kept.extend(logits);
    }
    network.backward(pass, GradientSeed::Logits, images, &mut workspace, &mut gradients).expect("it fits");
    StepResult { loss: loss / labels.len() as f64, logits: kept, gradients }
}
