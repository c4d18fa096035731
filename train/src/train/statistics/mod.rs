//! Statistics of saturation and vanishing gradients (slides 6 to 11).

mod record;

use core::fmt;

use super::samples::Pairs;
use super::target::Target;
use crate::error::Error;
use crate::kernels::activation::{Activation, Saturation};
use crate::layer::Layer;
use crate::loss::Loss;
use crate::network::Network;
use crate::observer::Observer;
use crate::optim::global_norm;
use crate::pass::Pass;
use crate::scalar::{Precision, Scalar};

pub use record::{StatisticsHistory, StatisticsRecorder};

/// Statistics of the outputs of one layer over some images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationStatistics {
    /// The mean of the outputs.
    pub mean: f64,
    /// The standard deviation of the outputs.
    pub spread: f64,
    /// The share of outputs where the activation is flat: a ReLU's zeros, a tanh beyond ±0.95, a sigmoid below 0.05 or above 0.95.
    /// `None` for a layer without such an activation.
    pub saturated: Option<f64>,
    /// The share of units that are flat for every image: dead units, as far as these images show.
    pub dead: Option<f64>,
}

/// The statistics of one layer, as [`layer_statistics`] computes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerStatistics {
    /// The name of the layer.
    pub layer: &'static str,
    /// The statistics of its outputs; `None` for a layer without computation, such as `flatten`.
    pub activations: Option<ActivationStatistics>,
    /// The norm √Σg² of the gradient of the mean loss with respect to its outputs. `None` for a layer without computation,
    /// and for the last layer if the loss is fused with it.
    pub output_gradient: Option<f64>,
    /// The norm of the gradient with respect to its parameters; `None` for a layer without parameters.
    pub gradient_norm: Option<f64>,
    /// The norm of its parameters.
    pub weight_norm: Option<f64>,
}

/// The statistics of all layers of a network over some images. `{}` prints a table, with ℓ for the loss, a for outputs and w for parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkStatistics {
    /// The statistics of each layer, in the order of the network.
    pub layers: Vec<LayerStatistics>,
}

fn activations<T: Precision>(values: &[T], images: usize, flat: Option<Saturation>) -> ActivationStatistics {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|value| value.to_f64()).sum::<f64>() / count;
    let variance = values.iter().map(|value| (value.to_f64() - mean).powi(2)).sum::<f64>() / count;
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let saturated =
        flat.map(|flat| share(values.iter().filter(|value| flat.holds(value.to_f64())).count(), values.len()));
    let units = values.len() / images.max(1);
    let dead = flat.map(|flat| {
        let is_dead = |unit: &usize| (0..images).all(|image| flat.holds(values[image * units + unit].to_f64()));
        share((0..units).filter(is_dead).count(), units)
    });
    ActivationStatistics { mean, spread: variance.sqrt(), saturated, dead }
}

/// The recorded values of a layer.
#[derive(Clone, Copy, Default)]
struct Recorded {
    activations: Option<ActivationStatistics>,
    output_gradient: Option<f64>,
}

/// Records every layer while a pass runs, since memory is reused for later values.
struct Recorder {
    layers: &'static [Layer],
    images: usize,
    recorded: Vec<Recorded>,
}

impl<T: Precision> Observer<T> for Recorder {
    fn computed(&mut self, layer: usize, values: &mut [T]) {
        self.recorded[layer].activations =
            Some(activations(values, self.images, self.layers[layer].activation.and_then(Activation::saturation)));
    }

    fn gradient(&mut self, layer: usize, gradient: &mut [T]) {
        self.recorded[layer].output_gradient = Some(global_norm(gradient));
    }
}

/// Runs images forward and backward as in training, and computes the statistics of every layer. The network stays unchanged. A few dozen
/// images are enough; all of them run in one batch.
///
/// # Errors
/// [`Error::Count`] where the numbers of targets and images differ, [`Error::Pass`] without images; those of [`Loss::check`].
pub fn layer_statistics<N, Y, L>(
    network: &N,
    images: &[N::Input],
    targets: &[Y],
    loss: &L,
) -> Result<NetworkStatistics, Error>
where
    N: Network,
    Y: Target,
    L: Loss<N::Head, Y>,
{
    let images = Pairs::new(images, targets)?.inputs();
    loss.check(N::OUTPUT, targets, "the images")?;
    let mut workspace = N::workspace(images.len());
    let mut gradients = N::gradients();
    let mut moving = network.statistics().to_vec();
    let pass = Pass::default().or_isa(network.weights_ref().isa());
    let nothing = vec![Recorded::default(); N::LAYERS.len()];
    let mut recorder = Recorder { layers: N::LAYERS, images: images.len(), recorded: nothing };
    workspace.forward_observed(pass, network.parameters(), &mut moving, images, &mut recorder)?;
    let (values, gradient) = workspace.loss_operands(L::SEED);
    loss.evaluate(values, targets, N::Scalar::from_f64(1.0 / images.len() as f64), gradient);
    workspace.backward_observed(pass, L::SEED, network.parameters(), images, &mut gradients, &mut [], &mut recorder)?;
    let norm = |layer: &Layer, numbers: &[N::Scalar]| {
        let trained = layer.tensors.iter().filter(|tensor| tensor.kind.is_trained());
        let lengths: Vec<f64> =
            trained.map(|tensor| global_norm(&numbers[tensor.offset..tensor.offset + tensor.len])).collect();
        (!lengths.is_empty()).then(|| global_norm(&lengths))
    };
    let layers = N::LAYERS.iter().zip(recorder.recorded).map(|(layer, recorded)| LayerStatistics {
        layer: layer.name,
        activations: recorded.activations,
        output_gradient: recorded.output_gradient,
        gradient_norm: norm(layer, gradients.as_slice()),
        weight_norm: norm(layer, network.parameters()),
    });
    Ok(NetworkStatistics { layers: layers.collect() })
}

impl fmt::Display for NetworkStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.layers.iter().map(|layer| layer.layer.len()).max().unwrap_or(0).max(5);
        writeln!(
            f,
            "{:width$}  {:>9}  {:>9}  {:>9}  {:>7}  {:>9}  {:>9}  {:>9}",
            "layer", "mean", "spread", "saturated", "dead", "|∂ℓ/∂a|", "|∂ℓ/∂w|", "|w|"
        )?;
        for LayerStatistics { layer, activations, output_gradient, gradient_norm, weight_norm } in &self.layers {
            let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
            let percent = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.1} %", 100.0 * value));
            let length = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2e}"));
            writeln!(
                f,
                "{layer:width$}  {:>9}  {:>9}  {:>9}  {:>7}  {:>9}  {:>9}  {:>9}",
                number(activations.map(|outputs| outputs.mean)),
                number(activations.map(|outputs| outputs.spread)),
                percent(activations.and_then(|outputs| outputs.saturated)),
                percent(activations.and_then(|outputs| outputs.dead)),
                length(*output_gradient),
                length(*gradient_norm),
                length(*weight_norm),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_units_are_those_that_are_flat_for_every_image() {
        // Two images of three ReLU units: the first is never active, the second once, the third always.
        let found = activations(&[0.0_f32, 0.0, 1.0, 0.0, 2.0, 3.0], 2, Some(Saturation::AtZero));
        assert_eq!(found.saturated, Some(0.5));
        assert_eq!(found.dead, Some(1.0 / 3.0));
        assert_eq!(found.mean, 1.0);
        assert!((found.spread - (4.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
