//! The non-linear functions f of a = f(z): slides 6 to 11, and their younger relatives.

/// A function applied to each element by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// max(0, z), slide 9.
    Relu,
    /// z, or slope · z below 0, slide 11.
    LeakyRelu(f64),
    /// tanh z
    Tanh,
    /// σ(z) = 1 / (1 + e⁻ᶻ), slide 6.
    Sigmoid,
    /// z, or α (eᶻ − 1) below 0 (Clevert et al. 2015).
    Elu(f64),
    /// λ z, or λ α (eᶻ − 1) below 0, with [`SELU_SCALE`] and [`SELU_ALPHA`] (Klambauer et al. 2017).
    Selu,
    /// z Φ(z), Φ the distribution function of N(0, 1) (Hendrycks and Gimpel 2016).
    Gelu,
    /// z σ(z) (Elfwing et al. 2017).
    Silu,
    /// ln(1 + eᶻ)
    Softplus,
    /// min(max(slope · z + ½, 0), 1); with a slope of 1/6 PyTorch's, with 0.2 that of Keras 2.
    HardSigmoid(f64),
    /// min(max(z, 0), 6) (Howard et al. 2017).
    Relu6,
    /// [`Activation::Gelu`] with Φ(z) ≈ (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2, which is σ of twice that argument.
    GeluTanh,
    /// z / (1 + |z|)
    Softsign,
    /// eᶻ
    Exp,
}

/// λ of [`Activation::Selu`].
pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// α of [`Activation::Selu`].
pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

impl Activation {
    /// The name of its variant, and its constant.
    pub const fn parts(self) -> (&'static str, Option<f64>) {
        match self {
            Self::Relu => ("Relu", None),
            Self::LeakyRelu(slope) => ("LeakyRelu", Some(slope)),
            Self::Tanh => ("Tanh", None),
            Self::Sigmoid => ("Sigmoid", None),
            Self::Elu(alpha) => ("Elu", Some(alpha)),
            Self::Selu => ("Selu", None),
            Self::Gelu => ("Gelu", None),
            Self::Silu => ("Silu", None),
            Self::Softplus => ("Softplus", None),
            Self::HardSigmoid(slope) => ("HardSigmoid", Some(slope)),
            Self::Relu6 => ("Relu6", None),
            Self::GeluTanh => ("GeluTanh", None),
            Self::Softsign => ("Softsign", None),
            Self::Exp => ("Exp", None),
        }
    }

    /// The name of its variant.
    pub const fn name(self) -> &'static str {
        self.parts().0
    }

    /// Whether the derivative follows from the output alone, so that z need not be kept. A leaky slope or an α that is not
    /// positive loses the sign of z.
    pub const fn has_gradient_from_output(self) -> bool {
        match self {
            Self::Relu | Self::Relu6 | Self::Tanh | Self::Sigmoid | Self::HardSigmoid(_) => true,
            Self::Selu | Self::Softplus | Self::Softsign | Self::Exp => true,
            Self::LeakyRelu(slope) => slope > 0.0,
            Self::Elu(alpha) => alpha > 0.0,
            Self::Gelu | Self::Silu | Self::GeluTanh => false,
        }
    }

    /// Whether He's initialisation is for it: it passes about half of what comes in (He et al., 2015).
    pub const fn is_rectifier_family(self) -> bool {
        match self {
            Self::Relu | Self::LeakyRelu(_) | Self::Elu(_) | Self::Gelu | Self::Silu | Self::Softplus => true,
            Self::Relu6 | Self::GeluTanh => true,
            Self::Tanh | Self::Sigmoid | Self::Selu | Self::HardSigmoid(_) | Self::Softsign | Self::Exp => false,
        }
    }

    /// Whether it is a rectifier in the narrow sense, piecewise linear with a kink at 0: what the backward rules of the deconvnet
    /// (Zeiler and Fergus, 2013) and of guided back-propagation are about.
    pub const fn is_piecewise_rectifier(self) -> bool {
        matches!(self, Self::Relu | Self::LeakyRelu(_) | Self::Relu6)
    }
}

/// What becomes of a value z before it is stored: `f(scale · z + shift + y)`, with y what stands in its place already. Scale and
/// shift are operands, one element for each channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// Whether it is added to what stands in its place.
    pub accumulate: bool,
    /// The function applied last.
    pub activation: Option<Activation>,
}

impl Epilogue {
    /// The value as it is.
    pub const NONE: Self = Self { accumulate: false, activation: None };
}
