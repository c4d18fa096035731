//! What a kernel computes for an operation.

/// What a kernel computes, and in which phase. Each direction has its own selected kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The output, when predicting.
    Predicting,
    /// The output, while training.
    Forward,
    /// The gradient of the input.
    InputGradient,
    /// The gradients of the weights.
    WeightGradient,
}

impl Direction {
    /// All variants.
    pub const ALL: [Self; 4] = [Self::Predicting, Self::Forward, Self::InputGradient, Self::WeightGradient];

    /// Its name in a plan.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Predicting => "predicting",
            Self::Forward => "forward",
            Self::InputGradient => "input gradient",
            Self::WeightGradient => "weight gradient",
        }
    }
}

/// What a call of a network's programs computes, as a line of its plan prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Computes {
    /// The prepared weights that all predictions read instead of the weights.
    Preparation,
    /// The output, when predicting.
    Prediction,
    /// The prepared weights that all micro-batches of a training step read instead of the weights.
    StepPreparation,
    /// The output, while training.
    Forward,
    /// The gradient of the input.
    InputGradient,
    /// The gradients of the weights.
    WeightGradient,
    /// Both gradients.
    Gradients,
}

impl Computes {
    /// All variants, in the order of a plan's lines.
    pub const ALL: [Self; 7] = [
        Self::Preparation,
        Self::Prediction,
        Self::StepPreparation,
        Self::Forward,
        Self::InputGradient,
        Self::WeightGradient,
        Self::Gradients,
    ];

    /// Its name in a plan.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preparation => "preparing",
            Self::Prediction => Direction::Predicting.name(),
            Self::StepPreparation => "preparing a step",
            Self::Forward => Direction::Forward.name(),
            Self::InputGradient => Direction::InputGradient.name(),
            Self::WeightGradient => Direction::WeightGradient.name(),
            Self::Gradients => "gradients",
        }
    }

    /// Returns the directions that it computes; none where it prepares weights.
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::Preparation | Self::StepPreparation => &[],
            Self::Prediction => &[Direction::Predicting],
            Self::Forward => &[Direction::Forward],
            Self::InputGradient => &[Direction::InputGradient],
            Self::WeightGradient => &[Direction::WeightGradient],
            Self::Gradients => &[Direction::InputGradient, Direction::WeightGradient],
        }
    }
}
