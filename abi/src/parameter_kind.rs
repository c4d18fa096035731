//! The kinds of parameters.

/// The role of a tensor; an optimiser decays only weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// Multiplies inputs; regularised.
    Weight,
    /// Added; never regularised (slide 5).
    Bias,
    /// Scale, shift or slope of a normalisation or an activation; not regularised by default.
    Scale,
    /// Moving mean or variance: not trained by gradients.
    Statistic,
}

impl ParameterKind {
    /// Whether gradients train it.
    pub const fn is_trained(self) -> bool {
        !matches!(self, Self::Statistic)
    }

    /// The name of its variant.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weight => "Weight",
            Self::Bias => "Bias",
            Self::Scale => "Scale",
            Self::Statistic => "Statistic",
        }
    }
}
