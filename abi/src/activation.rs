//! The activation functions f of a = f(z): slides 6 to 11, and later ones.

/// Calls the macro `$then` with a row for each function: its constants, if it has any; whether the derivative follows from the output;
/// whether it is of the rectifiers' family; whether it is piecewise linear with a kink at 0; its bounds, if it only clamps; and where it
/// saturates, if layers report that.
#[macro_export]
macro_rules! for_each_activation {
    ($then:ident) => {
        $then! {
            /// max(0, z), slide 9.
            Relu: true, true, true, Some([0.0, f64::INFINITY]), Some(AtZero);
            /// z, or slope · z below 0, slide 11.
            LeakyRelu(slope: f64): slope > 0.0, true, true, None, None;
            /// tanh z
            Tanh: true, false, false, None, Some(AtOneAndMinusOne);
            /// σ(z) = 1 / (1 + e⁻ᶻ), slide 6.
            Sigmoid: true, false, false, None, Some(AtZeroAndOne);
            /// z, or α (eᶻ − 1) below 0 (Clevert et al. 2015).
            Elu(alpha: f64): alpha > 0.0, true, false, None, None;
            /// λ z, or λ α (eᶻ − 1) below 0, with [`SELU_SCALE`] and [`SELU_ALPHA`] (Klambauer et al. 2017).
            Selu: true, false, false, None, None;
            /// z Φ(z), Φ the distribution function of N(0, 1) (Hendrycks and Gimpel 2016).
            Gelu: false, true, false, None, None;
            /// z σ(z) (Elfwing et al. 2017).
            Silu: false, true, false, None, None;
            /// ln(1 + eᶻ)
            Softplus: true, true, false, None, None;
            /// min(max(slope · z + ½, 0), 1); with a slope of 1/6 PyTorch's, with 0.2 that of Keras 2.
            HardSigmoid(slope: f64): true, false, false, None, Some(AtZeroAndOne);
            /// min(max(z, 0), 6) (Howard et al. 2017).
            Relu6: true, true, true, Some([0.0, $crate::RELU6_CEILING]), Some(AtZero);
            /// [`Activation::Gelu`] with Φ(z) ≈ (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2, which is σ of twice that argument.
            GeluTanh: false, true, false, None, None;
            /// min(max(z, lowest), highest), where either end may be infinite: PyTorch's Hardtanh.
            Clip(lowest: f64, highest: f64): true, false, false, Some([lowest, highest]), None;
            /// z / (1 + |z|)
            Softsign: true, false, false, None, Some(AtOneAndMinusOne);
            /// eᶻ
            Exp: true, false, false, None, None;
        }
    };
}

/// Declares the functions.
macro_rules! declare {
    (@constants) => { [None; 2] };
    (@constants $one:ident) => { [Some($one), None] };
    (@constants $one:ident $other:ident) => { [Some($one), Some($other)] };
    ($(
        $(#[$docs:meta])*
        $name:ident $(($($constant:ident: $real:ty),+))?:
            $from_output:expr, $rectifier_family:expr, $piecewise:expr, $bounds:expr, $saturation:expr;
    )*) => {
        /// An elementwise function.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Activation {
            $($(#[$docs])* $name $(($($real),+))?),*
        }

        #[allow(unused_variables)]
        impl Activation {
            /// Returns the name of its variant, and its constants in order.
            pub const fn parts(self) -> (&'static str, [Option<f64>; 2]) {
                match self {
                    $(Self::$name $(($($constant),+))? => (stringify!($name), declare!(@constants $($($constant)+)?))),*
                }
            }

            /// Whether the derivative follows from the output alone, so that z need not be kept. A leaky slope or an α that is not positive
            /// loses the sign of z.
            pub const fn has_gradient_from_output(self) -> bool {
                match self {
                    $(Self::$name $(($($constant),+))? => $from_output),*
                }
            }

            /// Whether He's initialisation is intended for it: it passes about half of its inputs (He et al., 2015).
            pub const fn is_rectifier_family(self) -> bool {
                match self {
                    $(Self::$name $(($($constant),+))? => $rectifier_family),*
                }
            }

            /// Whether it is a rectifier in the narrow sense, piecewise linear with a kink at 0: these are subject to the backward rules of
            /// the deconvnet (Zeiler and Fergus, 2013) and of guided back-propagation.
            pub const fn is_piecewise_rectifier(self) -> bool {
                match self {
                    $(Self::$name $(($($constant),+))? => $piecewise),*
                }
            }

            /// Returns the bounds of a function that only clamps. Kernels clamp values in registers.
            pub const fn bounds(self) -> Option<[f64; 2]> {
                match self {
                    $(Self::$name $(($($constant),+))? => $bounds),*
                }
            }

            /// Returns where it is flat, for the functions whose layers report saturation.
            pub const fn saturation(self) -> Option<Saturation> {
                use Saturation::*;
                match self {
                    $(Self::$name $(($($constant),+))? => $saturation),*
                }
            }
        }
    };
}

for_each_activation!(declare);

/// λ of [`Activation::Selu`].
pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// α of [`Activation::Selu`].
pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// The upper bound of [`Activation::Relu6`].
pub const RELU6_CEILING: f64 = 6.0;

impl Activation {
    /// Returns the name of its variant.
    pub const fn name(self) -> &'static str {
        self.parts().0
    }
}

/// Where a function is flat, so that gradients do not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saturation {
    /// Where it is 0.
    AtZero,
    /// Near -1 and 1.
    AtOneAndMinusOne,
    /// Near 0 and 1.
    AtZeroAndOne,
}

impl Saturation {
    /// Whether a function with this saturation is flat where its output is `value`. An output within a twentieth of the range from an end
    /// is near it.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtZero => value == 0.0,
            Self::AtOneAndMinusOne => value.abs() > 0.95,
            Self::AtZeroAndOne => !(0.05..=0.95).contains(&value),
        }
    }
}

/// The epilogue of a kernel, applied to a value z before it is stored: `f(scale · z + shift + y)`, with the previous contents y of the
/// output. Scale and shift are operands, one element for each channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// Whether the previous contents of the output are added.
    pub accumulate: bool,
    /// The function applied last.
    pub activation: Option<Activation>,
}

impl Epilogue {
    /// The identity.
    pub const NONE: Self = Self { accumulate: false, activation: None };
}
