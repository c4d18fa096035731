//! Where a NaN or an infinite element came from.

/// Where a NaN or an infinite number first appeared; layers by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the input at this place of the batch, from 0. `Batch::name_sample` makes it the number of
    /// the sample.
    BatchInput(usize),
    /// In the input of the sample of this number: its place in the set from 0, or how many came before it in the stream's epoch.
    Input {
        /// The sample.
        sample: u64,
        /// The sample that mixup blended with it, whose input it may be as well.
        partner: Option<u64>,
    },
    /// In the output of a layer, from finite inputs and weights.
    Output(&'static str),
    /// In the loss, after finite answers.
    Loss,
    /// In the gradient of a layer's weights, after a finite loss.
    Gradient(&'static str),
    /// In the weights of a layer: given so, or moved too far by a step.
    Weights(&'static str),
    /// In the gradient of a feature that is being maximised: see `Maximisation`.
    Feature,
}

impl core::fmt::Display for Origin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BatchInput(place) => write!(f, "the input at place {place} of the batch"),
            Self::Input { sample, partner: None } => write!(f, "the input of sample {sample}"),
            Self::Input { sample, partner: Some(partner) } => {
                write!(f, "the input of sample {sample}, into which sample {partner} is mixed")
            }
            Self::Output(layer) => write!(f, "the output of `{layer}`"),
            Self::Loss => write!(f, "the loss"),
            Self::Gradient(layer) => write!(f, "the gradient of `{layer}`"),
            Self::Feature => write!(f, "the gradient of the feature"),
            Self::Weights(layer) => write!(f, "the weights of `{layer}`"),
        }
    }
}
