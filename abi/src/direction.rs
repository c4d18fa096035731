//! What a kernel computes for an operation.

/// What a kernel computes, and in which phase. A kernel is selected for each by itself.
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
    /// All of them.
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
