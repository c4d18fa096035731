//! The origin of a NaN or an infinite element.

/// The value in which a NaN or an infinite element first appeared; layers by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The input with this index in the batch, from 0. `Batch::name_sample` replaces it by the index of
    /// the sample.
    BatchInput(usize),
    /// The input of a sample, by its index in the set from 0, or by the number of samples before it in the stream's epoch.
    Input {
        /// The index of the sample.
        sample: u64,
        /// The sample that mixup blended with it, whose input may be the cause as well.
        partner: Option<u64>,
    },
    /// The output of a layer, with finite inputs and weights.
    Output(&'static str),
    /// The loss, after finite answers.
    Loss,
    /// The gradient of a layer's weights, after a finite loss.
    Gradient(&'static str),
    /// The weights of a layer: they were set so, or a step changed them too much.
    Weights(&'static str),
    /// The gradient of a feature that is being maximised: see `Maximisation`.
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
