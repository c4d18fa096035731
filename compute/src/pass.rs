//! The parameters of a forward or backward pass.

use crate::context::{Context, PassThreads};
use crate::simd::{InstructionSet, Isa, MissingInstructions};

/// The parameters of a pass besides its data. Dropout draws from the seed, the step and the index of each element, so that the same step
/// drops the same units however the batch is split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass<'l> {
    /// The number of images.
    pub batch: usize,
    /// The seed of the training run.
    pub seed: u64,
    /// The step of the optimiser, from 0.
    pub step: u64,
    /// The index of the first image in the whole batch.
    pub first_image: usize,
    /// Whether a training pass computes what a prediction would: dropout keeps every unit, and batch normalisation uses its moving
    /// statistics and does not update them. For gradients of a prediction, and for training with frozen statistics.
    pub frozen: bool,
    /// Whether batch normalisation alone uses its moving statistics and does not update them, while dropout drops units.
    pub frozen_statistics: bool,
    /// For each layer of the network, whether it is frozen: its batch normalisation uses its moving statistics and does not update them,
    /// and its weights get no gradient. Layers beyond the end of the slice are not frozen. An optimiser sets it by
    /// `Optimizer::frozen_layers`.
    pub frozen_layers: &'l [bool],
    /// Whether a backward pass leaves the gradients of `Architecture::FUSED` to the optimiser's update. The update must then follow before
    /// the workspace is used again.
    pub fuses_update: bool,
    /// What rectifiers pass back to their input.
    pub rule: BackwardRule,
    /// The threads that kernels may use. A training workspace sets them; it has scratch memory for each.
    pub threads: PassThreads<'l>,
    /// The instruction set of the kernels. `None` is the instruction set that the network was set to, else the widest of the processor.
    pub isa: Option<Isa>,
}

impl Pass<'_> {
    /// Returns the context of the pass's kernels.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        let context = self.threads.context(self.batch);
        self.isa.map_or(context, |isa| context.with_isa(isa))
    }

    /// The same pass with the instruction set `isa` where the pass has none of its own.
    #[must_use]
    pub fn or_isa(self, isa: Option<Isa>) -> Self {
        Self { isa: self.isa.or(isa), ..self }
    }

    /// The same pass with an instruction set by its name.
    ///
    /// # Errors
    /// [`MissingInstructions`] where the processor lacks it.
    pub fn with_instructions(self, instructions: InstructionSet) -> Result<Self, MissingInstructions> {
        Ok(Self { isa: Some(Isa::of(instructions)?), ..self })
    }

    /// Whether the weights of the layer with this index in the network's table get a gradient.
    #[must_use]
    pub fn trains(&self, layer: usize) -> bool {
        !self.frozen_layers.get(layer).is_some_and(|frozen| *frozen)
    }

    /// The pass for one layer: with frozen statistics where the layer is frozen.
    #[must_use]
    pub fn in_layer(&self, layer: usize) -> Self {
        Self { frozen_statistics: self.frozen_statistics || !self.trains(layer), ..*self }
    }

    /// The pass for a layer that the text of the network freezes: with frozen statistics.
    #[must_use]
    pub fn in_frozen_layer(&self) -> Self {
        Self { frozen_statistics: true, ..*self }
    }

    /// Whether batch normalisation uses its moving statistics and does not update them.
    #[must_use]
    pub fn keeps_statistics(&self) -> bool {
        self.frozen || self.frozen_statistics
    }
}

/// What a rectifier (ReLU, leaky, parametric) passes back to its input. All rules but the first visualise what a layer responds to, and are
/// no gradients: see Springenberg et al., 2014, figure 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackwardRule {
    /// The gradient: ∂ℓ/∂y where the unit was active.
    #[default]
    Gradient,
    /// ∂ℓ/∂y where it is positive, whether the unit was active or not (the deconvnet of Zeiler and Fergus, 2014). Max pooling passes back
    /// to the largest element of each window, their switches.
    Deconvnet,
    /// ∂ℓ/∂y where it is positive and the unit was active (guided back-propagation, Springenberg et al., 2014).
    Guided,
}
