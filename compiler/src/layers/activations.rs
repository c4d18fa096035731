//! The activations without weights: a row of the table each.

use netwright_abi::Activation as Function;
use netwright_grammar::Diagnostic;

use crate::ops::Activation;
use crate::words::{Argument, Example, Tensors, Use, Word, WordPosition};

/// A word for an activation, its constant if it has one.
macro_rules! activation {
    ($static:ident, $name:literal, $aliases:expr, $form:literal, $summary:literal, $kind:ident) => {
        #[doc = $summary]
        pub(super) static $static: Word = Word {
            name: $name,
            aliases: $aliases,
            position: WordPosition::Activation,
            tensors: Tensors::None,
            form: $form,
            summary: $summary,
            argument: Argument::None,
            options: &[],
            examples: &[Example { input: "3x4x2", stage: $name }],
            lower: |layer, lowering, input| lowering.push(layer, Activation(Function::$kind), &[input]),
        };
    };
    ($static:ident, $name:literal, $aliases:expr, $form:literal, $summary:literal, $kind:ident($usual:literal)) => {
        #[doc = $summary]
        pub(super) static $static: Word = Word {
            name: $name,
            aliases: $aliases,
            position: WordPosition::Activation,
            tensors: Tensors::None,
            form: $form,
            summary: $summary,
            argument: Argument::Optional,
            options: &[],
            examples: &[Example { input: "3x4x2", stage: $name }, Example { input: "7", stage: $form }],
            lower: |layer, lowering, input| {
                let constant = constant(layer, $usual)?;
                lowering.push(layer, Activation(Function::$kind(constant)), &[input])
            },
        };
    };
}

activation!(RELU, "relu", &[], "relu", "Rectifier (slide 9): max(0, z).", Relu);
activation!(
    LEAKY_RELU,
    "leaky_relu",
    &[],
    "leaky_relu 0.01",
    "Leaky ReLU (slide 11): z, or 0.001 z below 0; another slope as a number.",
    LeakyRelu(0.001)
);
activation!(TANH, "tanh", &[], "tanh", "The hyperbolic tangent, from -1 to 1.", Tanh);
activation!(
    SIGMOID,
    "sigmoid",
    &["logistic"],
    "sigmoid",
    "The logistic function 1 / (1 + e^-z), from 0 to 1 (slide 6).",
    Sigmoid
);
activation!(
    ELU,
    "elu",
    &[],
    "elu 0.5",
    "Exponential linear unit (Clevert et al., 2016): z, or α (e^z - 1) below 0, with α = 1 or the number given.",
    Elu(1.0)
);
activation!(SELU, "selu", &[], "selu", "Scaled ELU (Klambauer et al., 2017), which normalises itself.", Selu);
activation!(
    GELU,
    "gelu",
    &[],
    "gelu",
    "Gaussian error linear unit (Hendrycks and Gimpel, 2016): z Φ(z), exactly.",
    Gelu
);
activation!(SILU, "silu", &["swish"], "silu", "z times its sigmoid, also called swish (Elfwing et al., 2018).", Silu);
activation!(SOFTPLUS, "softplus", &[], "softplus", "ln(1 + e^z), a smooth rectifier.", Softplus);
activation!(
    HARD_SIGMOID,
    "hard_sigmoid",
    &[],
    "hard_sigmoid 0.2",
    "A sigmoid of straight lines: min(max(z / 6 + 1/2, 0), 1), or with another slope than 1/6 as a number.",
    HardSigmoid(0.166_666_666_666_666_66)
);
activation!(
    RELU6,
    "relu6",
    &[],
    "relu6",
    "Rectifier that ends at 6 (Howard et al., 2017, MobileNets): min(max(0, z), 6).",
    Relu6
);
activation!(
    GELU_TANH,
    "gelu_tanh",
    &[],
    "gelu_tanh",
    "The usual approximation of `gelu` by a hyperbolic tangent (Hendrycks and Gimpel, 2016).",
    GeluTanh
);
activation!(SOFTSIGN, "softsign", &[], "softsign", "z / (1 + |z|), from -1 to 1 (Bergstra et al., 2009).", Softsign);
activation!(EXP, "exp", &["exponential"], "exp", "e^z: numbers above 0, such as rates.", Exp);

fn constant(layer: &Use, usual: f64) -> Result<f64, Diagnostic> {
    let Some(numbers) = &layer.argument else { return Ok(usual) };
    let number = numbers.single(&format!("the constant of `{}`", layer.word.name), layer.word.form)?;
    if number.value >= 0.0 && number.value <= 100.0 {
        return Ok(number.value);
    }
    Err(Diagnostic::new(
        number.span,
        format!("`{} {}`: the constant must lie between 0 and 100", layer.word.name, number.value),
    )
    .help(format!("write `{}`, or leave the number out for {usual}", layer.word.form)))
}
