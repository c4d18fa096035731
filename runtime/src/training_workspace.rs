//! The memory of a training step: values of the forward pass and gradients of the backward pass.

use crate::architecture::{Architecture, FusedGradient, GradientSeed};
use crate::context::PassThreads;
use crate::memory::Buffer;
#[cfg(doc)]
use crate::network::Network;
use crate::network::find;
use crate::observer::{Observer, Unobserved};
use crate::pass::{Pass, PassError};
use crate::scalar::Scalar;
use crate::step_weights::StepWeights;
use crate::tensor::{Output, Sample};
use crate::threads::Threads;

/// Refuses a training step of so few images that a batch normalisation would have a single value per channel.
pub fn enough_images<N: Architecture>(pass: &Pass, images: usize) -> Result<(), PassError> {
    if images >= N::FEWEST_IMAGES {
        return Ok(());
    }
    match N::NORMALISE_ONE_VALUE.iter().find(|&&layer| !pass.in_layer(layer).keeps_statistics()) {
        Some(&layer) => Err(PassError::OneValue { layer: N::LAYERS[layer].name }),
        None => Ok(()),
    }
}

/// The memory of training steps: values of the forward pass and gradients of the backward pass.
pub struct TrainingWorkspace<N: Architecture> {
    /// The scratch memory of each thread, then the values. [`Architecture::TRAINING`] counts the scratch of one thread in its fixed part.
    memory: Buffer<N::Scalar>,
    capacity: usize,
    batch: usize,
    threads: Threads,
}

impl<N: Architecture> TrainingWorkspace<N> {
    /// Allocates memory for `capacity` images. Kernels share `threads`, each of which has scratch memory of its own. The number of
    /// threads does not change the bits of a pass.
    pub fn on(capacity: usize, threads: Threads) -> Self {
        let memory = Buffer::zeros(N::TRAINING.for_threads(capacity, threads.count()));
        Self { memory, capacity, batch: 0, threads }
    }

    /// Returns the offset of the values: behind the scratch memory of all threads.
    fn start(&self) -> usize {
        self.threads.count() * N::TRAINING.scratch
    }

    fn values(&self) -> &[N::Scalar] {
        &self.memory[self.start()..]
    }

    fn values_mut(&mut self) -> &mut [N::Scalar] {
        let start = self.start();
        &mut self.memory[start..]
    }

    /// Returns the largest number of images it can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns its size in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val::<[N::Scalar]>(&self.memory)
    }

    /// Runs images forward with borrowed weights: parameters, or those that a [`PreparedStep`](crate::step_weights::PreparedStep) has
    /// packed for several passes; see [`Network::forward`].
    ///
    /// # Errors
    /// [`PassError::Capacity`] where there are no images, or more than the workspace holds; [`PassError::OneValue`] for one image, where
    /// the network normalises a single value by statistics of the batch.
    pub fn forward<'w>(
        &mut self,
        pass: Pass,
        weights: impl Into<StepWeights<'w, N::Scalar>>,
        statistics: &mut [N::Scalar],
        images: &[N::Input],
    ) -> Result<(), PassError> {
        self.forward_observed(pass, weights, statistics, images, &mut Unobserved)
    }

    /// Runs [`TrainingWorkspace::forward`], and calls `observer` between the kernels.
    ///
    /// # Errors
    /// As [`TrainingWorkspace::forward`].
    pub fn forward_observed<'w, O: Observer<N::Scalar>>(
        &mut self,
        pass: Pass,
        weights: impl Into<StepWeights<'w, N::Scalar>>,
        statistics: &mut [N::Scalar],
        images: &[N::Input],
        observer: &mut O,
    ) -> Result<(), PassError> {
        if images.is_empty() || images.len() > self.capacity {
            return Err(PassError::Capacity { capacity: self.capacity, found: images.len() });
        }
        enough_images::<N>(&pass, images.len())?;
        self.batch = images.len();
        let pass = Pass { batch: self.batch, threads: PassThreads::of(&self.threads), ..pass };
        let (weights, images) = (weights.into(), Sample::many(images));
        let (parameters, prepared) = (weights.parameters(), weights.prepared());
        N::forward_pass(&pass, parameters, statistics, prepared, images, &mut self.memory, observer);
        Ok(())
    }

    /// Runs images backward with borrowed weights; see [`Network::backward`]. `input_gradient` may be empty.
    ///
    /// # Errors
    /// [`PassError::Batch`] where the number of images differs from that of the last forward pass.
    pub fn backward<'w>(
        &mut self,
        pass: Pass,
        seed: GradientSeed,
        weights: impl Into<StepWeights<'w, N::Scalar>>,
        images: &[N::Input],
        gradients: &mut Gradients<N>,
        input_gradient: &mut [N::Scalar],
    ) -> Result<(), PassError> {
        self.backward_observed(pass, seed, weights, images, gradients, input_gradient, &mut Unobserved)
    }

    /// Runs [`TrainingWorkspace::backward`], and calls `observer` between the kernels.
    ///
    /// # Errors
    /// As [`TrainingWorkspace::backward`].
    #[allow(clippy::too_many_arguments)]
    pub fn backward_observed<'w, O: Observer<N::Scalar>>(
        &mut self,
        pass: Pass,
        seed: GradientSeed,
        weights: impl Into<StepWeights<'w, N::Scalar>>,
        images: &[N::Input],
        gradients: &mut Gradients<N>,
        input_gradient: &mut [N::Scalar],
        observer: &mut O,
    ) -> Result<(), PassError> {
        if images.is_empty() || images.len() != self.batch {
            return Err(PassError::Batch { expected: self.batch, found: images.len() });
        }
        let pass = Pass { batch: self.batch, threads: PassThreads::of(&self.threads), ..pass };
        let (weights, images) = (weights.into(), Sample::many(images));
        let (parameters, prepared) = (weights.parameters(), weights.prepared());
        let (memory, gradients) = (&mut self.memory, &mut gradients.elements);
        N::backward_pass(&pass, seed, parameters, prepared, images, memory, gradients, input_gradient, observer);
        Ok(())
    }

    /// Returns the factors L and R of a gradient that the last backward pass, over these images, left to the optimiser's update:
    /// [`Architecture::FUSED`].
    pub fn fused_factors<'w>(&'w self, gradient: &FusedGradient, images: &'w [N::Input]) -> [&'w [N::Scalar]; 2] {
        [gradient.left, gradient.right].map(|slot| match slot {
            Some(slot) => &self.values()[slot.range(self.batch)],
            None => Sample::many(images),
        })
    }

    /// Returns the answers of the last forward pass.
    pub fn outputs(&self) -> &[N::Output] {
        Output::views(&self.values()[N::OUTPUT_SLOT.range(self.batch)])
    }

    /// Returns the inputs of the final softmax or sigmoid in the last forward pass; the answers if the network ends in another layer.
    pub fn logits(&self) -> &[N::Output] {
        Output::views(&self.values()[N::LOGITS_SLOT.range(self.batch)])
    }

    /// Returns the gradient of the answers, to be written before [`Network::backward`] with [`GradientSeed::Output`].
    pub fn output_gradient_mut(&mut self) -> &mut [N::Scalar] {
        let range = N::OUTPUT_GRADIENT_SLOT.range(self.batch);
        &mut self.values_mut()[range]
    }

    /// Returns the gradient of the logits, to be written before [`Network::backward`] with [`GradientSeed::Logits`].
    pub fn logits_gradient_mut(&mut self) -> &mut [N::Scalar] {
        let range = N::LOGITS_GRADIENT_SLOT.range(self.batch);
        &mut self.values_mut()[range]
    }

    /// Returns the values that a loss reads and the gradient that it writes: those of the outputs, or those of the logits.
    pub fn loss_operands(&mut self, seed: GradientSeed) -> (&[N::Scalar], &mut [N::Scalar]) {
        let (values, gradient) = match seed {
            GradientSeed::Output => (N::OUTPUT_SLOT, N::OUTPUT_GRADIENT_SLOT),
            GradientSeed::Logits => (N::LOGITS_SLOT, N::LOGITS_GRADIENT_SLOT),
        };
        let (values, gradient) = (values.range(self.batch), gradient.range(self.batch));
        if values.start < gradient.start {
            let (low, high) = self.values_mut().split_at_mut(gradient.start);
            (&low[values], &mut high[..gradient.end - gradient.start])
        } else {
            let (low, high) = self.values_mut().split_at_mut(values.start);
            (&high[..values.end - values.start], &mut low[gradient])
        }
    }

    /// Returns the output of layer `index` of [`Architecture::LAYERS`] in the last forward pass, images contiguous; `None`
    /// if its memory was reused for another value.
    pub fn activation(&self, index: usize) -> Option<&[N::Scalar]> {
        let slot = (*N::ACTIVATIONS.get(index)?)?;
        Some(&self.values()[slot.range(self.batch)])
    }
}

impl<N: Architecture> core::fmt::Debug for TrainingWorkspace<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TrainingWorkspace<{}> for {} images, {} bytes", N::NAME, self.capacity, self.bytes())
    }
}

/// The gradient of every parameter, in the order of the parameters.
pub struct Gradients<N: Architecture> {
    elements: Buffer<N::Scalar>,
}

impl<N: Architecture> Gradients<N> {
    /// Allocates zeros.
    pub(crate) fn zeros() -> Self {
        Self { elements: Buffer::zeros(N::PARAMETERS) }
    }

    /// Returns all gradients as one slice.
    pub fn as_slice(&self) -> &[N::Scalar] {
        &self.elements
    }

    /// Returns all gradients as one mutable slice, to clip or to scale.
    pub fn as_mut_slice(&mut self) -> &mut [N::Scalar] {
        &mut self.elements
    }

    /// Resets all gradients to zero, since a backward pass adds to them.
    pub fn clear(&mut self) {
        self.elements.fill(N::Scalar::ZERO);
    }

    /// Returns the gradient of one tensor, `gradients.tensor("conv1", "kernel")`; `None` if the network trains no such tensor.
    pub fn tensor(&self, layer: &str, tensor: &str) -> Option<&[N::Scalar]> {
        let tensor = find(N::LAYERS, layer, tensor).filter(|tensor| tensor.kind.is_trained())?;
        Some(&self.elements[tensor.offset..tensor.offset + tensor.len])
    }
}

impl<N: Architecture> core::fmt::Debug for Gradients<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Gradients<{}> of {} parameters", N::NAME, N::PARAMETERS)
    }
}
