//! The value of a feature, and its gradient with respect to the image.

use super::feature::Located;
use crate::architecture::GradientSeed;
use crate::error::Error;
use crate::network::{Gradients, Network, TrainingWorkspace};
use crate::observer::Observer;
use crate::pass::{BackwardRule, Pass};
use crate::scalar::{Precision, Scalar};
use crate::tensor::Sample;

/// Runs single images forward and backward, without changing the network.
pub(super) struct Probe<'n, N: Network> {
    network: &'n N,
    workspace: TrainingWorkspace<N>,
    /// The gradients to which a backward pass adds; they are not read.
    gradients: Gradients<N>,
    statistics: Vec<N::Scalar>,
}

/// The value of a feature for an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) value: f64,
    /// The row and column of its element in the feature map; `[0, 0]` for a class or a mean.
    pub(super) place: [usize; 2],
}

impl<'n, N: Network> Probe<'n, N> {
    pub(super) fn new(network: &'n N) -> Self {
        let statistics = network.statistics().to_vec();
        Self { network, workspace: N::workspace(1), gradients: N::gradients(), statistics }
    }

    /// Computes the value of a feature.
    pub(super) fn read(&mut self, image: &N::Input, feature: Located) -> Result<Reading, Error> {
        let mut seed = Seed { feature, reading: Reading::before(feature, image.elements()), sent: N::Scalar::ZERO };
        self.forward(image, BackwardRule::Gradient, &mut seed)?;
        Ok(seed.reading)
    }

    /// Computes the value of a feature, and writes its gradient with respect to the image, by the backward `rule`, to `gradient`. With
    /// [`BackwardRule::Deconvnet`] the backward pass starts from the feature's value, as in Zeiler and Fergus.
    pub(super) fn run(
        &mut self,
        image: &N::Input,
        feature: Located,
        rule: BackwardRule,
        gradient: &mut [N::Scalar],
    ) -> Result<Reading, Error> {
        let mut seed = Seed { feature, reading: Reading::before(feature, image.elements()), sent: N::Scalar::ONE };
        let pass = self.forward(image, rule, &mut seed)?;
        if rule == BackwardRule::Deconvnet {
            seed.sent = N::Scalar::from_f64(seed.reading.value);
        }
        let workspace = &mut self.workspace;
        let from = match feature {
            Located::Class(class) => {
                let logits = workspace.logits_gradient_mut();
                logits.fill(N::Scalar::ZERO);
                logits[class] = seed.sent;
                GradientSeed::Logits
            }
            Located::Layer(..) => {
                workspace.output_gradient_mut().fill(N::Scalar::ZERO);
                GradientSeed::Output
            }
        };
        let (parameters, images) = (self.network.parameters(), core::slice::from_ref(image));
        workspace.backward_observed(pass, from, parameters, images, &mut self.gradients, gradient, &mut seed)?;
        Ok(seed.reading)
    }

    fn forward(
        &mut self,
        image: &N::Input,
        rule: BackwardRule,
        seed: &mut Seed<N::Scalar>,
    ) -> Result<Pass<'static>, Error> {
        let pass = Pass { rule, frozen: true, ..Pass::default() }.or_isa(self.network.weights_ref().isa());
        let (parameters, images) = (self.network.parameters(), core::slice::from_ref(image));
        self.workspace.forward_observed(pass, parameters, &mut self.statistics, images, seed)?;
        if let Located::Class(class) = seed.feature {
            seed.reading.value = Sample::many(self.workspace.logits())[class].to_f64();
        }
        Ok(pass)
    }
}

impl Reading {
    /// Returns the reading before any kernel has run. A `flatten` at the very beginning outputs the image itself, and no kernel runs for it.
    fn before<T: Precision>(feature: Located, image: &[T]) -> Self {
        let (value, place) = match feature {
            Located::Layer(map, within) => map.read(within, image),
            Located::Class(_) => (0.0, [0, 0]),
        };
        Self { value, place }
    }
}

/// The observer that reads a feature in the forward pass and starts the backward pass from it.
struct Seed<T> {
    feature: Located,
    reading: Reading,
    /// The value from which the backward pass starts.
    sent: T,
}

impl<T: Precision> Observer<T> for Seed<T> {
    fn computed(&mut self, layer: usize, values: &mut [T]) {
        if let Located::Layer(map, within) = self.feature
            && map.layer == layer
        {
            let (value, place) = map.read(within, values);
            self.reading = Reading { value, place };
        }
    }

    fn gradient(&mut self, layer: usize, gradient: &mut [T]) {
        if let Located::Layer(map, within) = self.feature
            && map.layer == layer
        {
            map.derive(within, self.reading.place, self.sent, gradient);
        }
    }
}
