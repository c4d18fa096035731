//! A whole training step: the gradient of a batch, and the optimiser's update.

use netwright_compute::simd::Isa;

use super::batch_loss::BatchLoss;
use super::fused::Fused;
use super::gradient::{GradientEngine, micro_batch_range};
use super::target::Target;
use crate::architecture::FusedGradient;
use crate::error::Error;
use crate::layer::Layer;
use crate::loss::Loss;
use crate::once::{Number, Trainable};
use crate::optim::Optimizer;
use crate::pass::Pass;
use crate::scalar::Precision;
use crate::threads::Threads;

/// The update of the weights at the end of a step.
pub struct Update<'a, T> {
    /// The optimiser.
    pub optimizer: &'a mut dyn Optimizer<T>,
    /// The learning rate.
    pub rate: f64,
}

impl<T: Precision> Update<'_, T> {
    /// Updates the parameters by the whole gradient, on `threads`. Any number of threads gives the bits of [`Optimizer::step`].
    pub(crate) fn step(
        &mut self,
        threads: &Threads,
        layers: &[Layer],
        parameters: &mut [T],
        gradients: &[T],
    ) -> Result<(), Error> {
        if let Some(parts) = self.optimizer.begin_step(self.rate, layers, parameters, Some(gradients))? {
            parts.apply_on(threads, gradients);
            return Ok(());
        }
        self.optimizer.step(self.rate, layers, parameters, gradients)
    }
}

impl<T: Precision> core::fmt::Debug for Update<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Update by {} at the rate {}", self.optimizer.name(), self.rate)
    }
}

impl<N: Trainable> GradientEngine<N> {
    /// Makes a whole step on the engine's threads, with the bits of [`GradientEngine::gradient`] followed by [`Optimizer::step`]. The
    /// gradients of [`Architecture::FUSED`](crate::architecture::Architecture::FUSED), those of large dense layers, are computed in the update,
    /// block by block, and never stored, unless the optimiser clips the norm of the whole gradient, images are attacked, or the engine
    /// [keeps](GradientEngine::keep_gradients) gradients. If `pass` names no frozen layers, those of the optimiser are frozen.
    ///
    /// # Errors
    /// Those of [`GradientEngine::gradient`] and of [`Optimizer::step`]. The parameters are unchanged then.
    pub fn step<Y: Target, L: Loss<N::Head, Y>>(
        &mut self,
        network: &mut N,
        inputs: &[N::Input],
        targets: &[Y],
        loss: &L,
        pass: Pass,
        mut update: Update<'_, N::Scalar>,
    ) -> Result<BatchLoss, Error> {
        update.optimizer.prepare(N::LAYERS, N::PARAMETERS)?;
        let frozen = pass.frozen_layers;
        let frozen_layers = if frozen.is_empty() { update.optimizer.frozen_layers() } else { frozen };
        let pass = Pass { frozen_layers, ..pass.or_isa(network.weights_ref().isa()) };
        let isa = pass.context().isa();
        let left = match update.optimizer.moves_by_parts() {
            true => self.leave_gradients(network, inputs, targets, loss, pass)?,
            false => None,
        };
        let Some((made, used)) = left else {
            let made = self.gradient(network, inputs, targets, loss, pass)?;
            let gradients = self.gradients().as_slice();
            N::Scalar::move_parameters(&mut update, &self.threads, N::LAYERS, network.parameters_mut(), gradients)?;
            return Ok(made);
        };
        let Update { optimizer, rate } = update;
        let Some(parts) = optimizer.begin_step(rate, N::LAYERS, network.parameters_mut(), None)? else {
            let problem = "moves by parts, as it says, but has begun no such step".to_owned();
            return Err(Error::State { of: "the optimiser", problem });
        };
        self.with_fused(isa, inputs, used, |fused, scratch| N::Scalar::update_fused(fused, parts, scratch));
        Ok(made)
    }

    /// Computes all gradients except those that the update can compute, if there are such and they are certainly finite. Returns the
    /// loss and the number of micro-batches, or `None` if no gradient is left to the update.
    fn leave_gradients<Y: Target, L: Loss<N::Head, Y>>(
        &mut self,
        network: &mut N,
        inputs: &[N::Input],
        targets: &[Y],
        loss: &L,
        pass: Pass,
    ) -> Result<Option<(BatchLoss, usize)>, Error> {
        if self.fusion.is_off || self.attacked[0].is_some() {
            return Ok(None);
        }
        if self.fusion.choose(&pass) {
            self.gradients_mut().clear();
        }
        if !self.fusion.is_on() {
            return Ok(None);
        }
        let isa = pass.context().isa();
        let used = self.passes(network, inputs, targets, loss, pass)?;
        if !self.has_failed(used) && !self.with_fused(isa, inputs, used, |fused, _| N::Scalar::are_surely_finite(fused))
        {
            return Ok(None);
        }
        Ok(Some((self.gather(network, inputs, pass, used)?, used)))
    }

    /// Calls `work` with the gradients after the passes and the scratch memory of the update.
    fn with_fused<R>(
        &mut self,
        isa: Isa,
        inputs: &[N::Input],
        used: usize,
        work: impl FnOnce(&Fused<'_, N::Scalar>, &mut [N::Scalar]) -> R,
    ) -> R {
        let Self { micro_batches, fusion, threads, .. } = self;
        let (micro_batches, (left, scratch)) = (&*micro_batches, fusion.parts());
        let factors = |gradient: &FusedGradient, index: usize| {
            micro_batches[index]
                .workspace
                .fused_factors(gradient, &inputs[micro_batch_range(inputs.len(), used, index)])
        };
        let gradients = micro_batches[0].gradients.as_slice();
        work(&Fused { left, micro_batches: used, isa, factors: &factors, gradients, threads }, scratch)
    }

    /// Sets whether a step keeps the whole gradient for readers of [`GradientEngine::gradients`]; by default it does not.
    pub fn keep_gradients(&mut self, keep: bool) {
        self.fusion.is_off = keep;
    }
}
