//! What a pass forward or back is told.

use crate::context::{Context, PassThreads};
use crate::simd::{InstructionSet, Isa, MissingInstructions};

/// What a pass is told besides its data. Dropout draws from the seed, the step and the place of each number, so that the
/// same step drops the same units however the batch is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass<'l> {
    /// How many images.
    pub batch: usize,
    /// Of the training run.
    pub seed: u64,
    /// Of the optimiser, from 0.
    pub step: u64,
    /// The place of the first image in its whole batch.
    pub first_image: usize,
    /// Whether a training pass computes what a prediction would: dropout keeps everything, and batch normalisation uses its moving
    /// statistics and leaves them alone. For gradients of what a network says, and for training with frozen statistics.
    pub frozen: bool,
    /// Whether batch normalisation alone does so, while dropout drops.
    pub frozen_statistics: bool,
    /// For each of the network's layers, whether it is frozen: its batch normalisation uses its moving statistics and leaves them alone,
    /// and its weights get no gradient. Layers beyond its end are not. What an optimiser says of its own:
    /// `Optimizer::frozen_layers`.
    pub frozen_layers: &'l [bool],
    /// Whether a backward pass leaves the gradients of `Architecture::FUSED` to the optimiser's update, which then has to follow before the
    /// workspace is used again.
    pub fuses_update: bool,
    /// What rectifiers pass back.
    pub rule: BackwardRule,
    /// The threads that kernels may use: a training workspace says so, which has scratch memory for each.
    pub threads: PassThreads<'l>,
    /// The instruction set that kernels run with; unless it is said, that which the network was set to, else the processor's widest.
    pub isa: Option<Isa>,
}

impl Pass<'_> {
    /// What its kernels are given.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        let context = self.threads.context(self.batch);
        self.isa.map_or(context, |isa| context.with_isa(isa))
    }

    /// The same pass with the instruction set `isa`, unless it has one of its own.
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

    /// Whether the weights of this layer, by its place in the network's table, get a gradient.
    #[must_use]
    pub fn trains(&self, layer: usize) -> bool {
        !self.frozen_layers.get(layer).is_some_and(|frozen| *frozen)
    }

    /// The same pass as a layer is told it: with frozen statistics where the layer is frozen.
    #[must_use]
    pub fn in_layer(&self, layer: usize) -> Self {
        Self { frozen_statistics: self.frozen_statistics || !self.trains(layer), ..*self }
    }

    /// The same pass as a layer is told it that the network's text freezes.
    #[must_use]
    pub fn in_frozen_layer(&self) -> Self {
        Self { frozen_statistics: true, ..*self }
    }

    /// Whether batch normalisation uses its moving statistics and leaves them alone.
    #[must_use]
    pub fn keeps_statistics(&self) -> bool {
        self.frozen || self.frozen_statistics
    }
}

/// What a rectifier (ReLU, leaky, parametric) passes back. All but the first draw pictures of what a layer saw, and are no
/// gradients: see Springenberg et al., 2014, figure 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackwardRule {
    /// The gradient: what came back, where the unit was on.
    #[default]
    Gradient,
    /// What came back where that is positive, whether the unit was on or off (the deconvnet of Zeiler and Fergus, 2014). Max
    /// pooling passes back to the largest element of each window, their switches.
    Deconvnet,
    /// What came back where that is positive and the unit was on (guided back-propagation, Springenberg et al., 2014).
    Guided,
}
