//! The initialisation of weights and biases.

/// The initial values of a tensor. D is the fan-in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// A constant: 0 for biases, or a small positive constant before ReLU (slide 12).
    Constant(f64),
    /// N(0, σ²) with the given σ.
    Normal(f64),
    /// Uniform in ±the given bound.
    Uniform(f64),
    /// N(0, 1/D): the lecture's rule for sigmoid and ReLU units (slide 12); LeCun et al., 1998.
    LecunNormal,
    /// Uniform with variance 1/D.
    LecunUniform,
    /// N(0, 2/D), for the ReLU family; He et al., 2015.
    HeNormal,
    /// Uniform with variance 2/D.
    HeUniform,
    /// N(0, 2/(fan-in + fan-out)); Glorot and Bengio, 2010.
    GlorotNormal,
    /// Uniform with variance 2/(fan-in + fan-out).
    GlorotUniform,
    /// Orthonormal rows or columns; in a depthwise convolution, for the filters of each channel separately; Saxe et al., 2014.
    Orthogonal,
}

impl Init {
    /// The name of its variant, and its constant.
    pub const fn parts(self) -> (&'static str, Option<f64>) {
        match self {
            Self::Constant(value) => ("Constant", Some(value)),
            Self::Normal(deviation) => ("Normal", Some(deviation)),
            Self::Uniform(bound) => ("Uniform", Some(bound)),
            Self::LecunNormal => ("LecunNormal", None),
            Self::LecunUniform => ("LecunUniform", None),
            Self::HeNormal => ("HeNormal", None),
            Self::HeUniform => ("HeUniform", None),
            Self::GlorotNormal => ("GlorotNormal", None),
            Self::GlorotUniform => ("GlorotUniform", None),
            Self::Orthogonal => ("Orthogonal", None),
        }
    }
}
