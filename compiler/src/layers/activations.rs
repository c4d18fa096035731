//! The activations without weights: one table row each.

use netwright_abi::Activation as Function;
use netwright_grammar::Diagnostic;

use crate::ops::Activation;
use crate::words::{Argument, Example, OptionWord, Tensors, Use, Word, WordPosition};

/// Declares the words, one row each: name, other spelling, form, summary, function. A function with one constant has its default in
/// parentheses after the function; a function with several constants has one option for each, with its meaning and default.
macro_rules! activations {
    (@argument) => { Argument::None };
    (@argument $usual:literal) => { Argument::Optional };
    (@examples $name:literal, $form:literal) => { &[Example { input: "3x4x2", stage: $name }] };
    (@examples $name:literal, $form:literal, $usual:literal) => {
        &[Example { input: "3x4x2", stage: $name }, Example { input: "7", stage: $form }]
    };
    (@examples $name:literal, $form:literal, $($option:literal)+) => {
        &[Example { input: "3x4x2", stage: $form }, $(Example { input: "7", stage: concat!($name, " ", $option) }),+]
    };
    (
        $($name:literal $(or $alias:literal)?, $form:literal, $summary:literal, $kind:ident
        $(($usual:literal))?
        $({ $($option:literal $option_form:literal $meaning:literal $default:expr),+ })?;)*
    ) => {
        /// The words for activations without weights.
        pub(super) static ALL: &[Word] = &[$(Word {
            name: $name,
            aliases: &[$($alias)?],
            position: WordPosition::Activation,
            tensors: Tensors::None,
            form: $form,
            summary: $summary,
            argument: activations!(@argument $($usual)?),
            options: &[$($(OptionWord {
                name: $option,
                form: $option_form,
                argument: Argument::Required,
                summary: $meaning,
            }),+)?],
            examples: activations!(@examples $name, $form $(, $usual)? $(, $($option_form)+)?),
            lower: |layer, lowering, input| {
                let function = Function::$kind $((constant(layer, $usual)?))? $(($(layer.real($option, $default)?),+))?;
                lowering.push(layer, Activation(checked(layer, function)?), &[input])
            },
        }),*];

        /// For each function its variant, its word, and its constants: the option of each constant, and its default.
        #[cfg(any(test, feature = "onnx"))]
        const FUNCTIONS: &[(&str, &str, &[(&str, f64)])] =
            &[$((stringify!($kind), $name, &[$(("", $usual))? $($(($option, $default)),+)?])),*];
    };
}

activations! {
    "relu", "relu", "Rectifier (slide 9): max(0, z).", Relu;
    "leaky_relu", "leaky_relu 0.01", "Leaky ReLU (slide 11): z, or 0.001 z below 0; another slope as a number.", LeakyRelu(0.001);
    "tanh", "tanh", "The hyperbolic tangent, from -1 to 1.", Tanh;
    "sigmoid" or "logistic", "sigmoid", "The logistic function 1 / (1 + e^-z), from 0 to 1 (slide 6).", Sigmoid;
    "elu", "elu 0.5", "Exponential linear unit (Clevert et al., 2016): z, or α (e^z - 1) below 0, with α = 1 or the number given.", Elu(1.0);
    "selu", "selu", "Scaled ELU (Klambauer et al., 2017), which normalises itself.", Selu;
    "gelu", "gelu", "Gaussian error linear unit (Hendrycks and Gimpel, 2016): z Φ(z), exactly.", Gelu;
    "silu" or "swish", "silu", "z times its sigmoid, also called swish (Elfwing et al., 2018).", Silu;
    "softplus", "softplus", "ln(1 + e^z), a smooth rectifier.", Softplus;
    "hard_sigmoid", "hard_sigmoid 0.2", "A sigmoid of straight lines: min(max(z / 6 + 1/2, 0), 1), or with another slope than 1/6 as a number.", HardSigmoid(0.166_666_666_666_666_66);
    "relu6", "relu6", "Rectifier that ends at 6 (Howard et al., 2017, MobileNets): min(max(0, z), 6).", Relu6;
    "clip", "clip min -1 max 1", "Keeps to an interval: min(max(z, lowest), highest); without `min`, or without `max`, that end is open.", Clip {
        "min" "min -1" "the lowest number that comes out" f64::NEG_INFINITY,
        "max" "max 1" "the highest number that comes out" f64::INFINITY
    };
    "gelu_tanh", "gelu_tanh", "The usual approximation of `gelu` by a hyperbolic tangent (Hendrycks and Gimpel, 2016).", GeluTanh;
    "softsign", "softsign", "z / (1 + |z|), from -1 to 1 (Bergstra et al., 2009).", Softsign;
    "exp" or "exponential", "exp", "e^z: numbers above 0, such as rates.", Exp;
}

/// The text of a function in the language.
#[cfg(any(test, feature = "onnx"))]
pub(crate) fn text(function: Function) -> String {
    let (variant, constants) = function.parts();
    let row = FUNCTIONS.iter().find(|(kind, ..)| *kind == variant);
    let (_, word, usual) = row.expect("each activation has its word");
    let mut text = (*word).to_owned();
    for (constant, (option, usual)) in constants.into_iter().flatten().zip(*usual) {
        if constant != *usual {
            text += &format!(" {option}{}{constant}", if option.is_empty() { "" } else { " " });
        }
    }
    text
}

/// Returns the function, or a diagnostic if its constants are inconsistent.
fn checked(layer: &Use, function: Function) -> Result<Function, Diagnostic> {
    let Function::Clip(lowest, highest) = function else { return Ok(function) };
    let form = format!("write `{}`, or one of the two", layer.word.form);
    if layer.options.is_empty() {
        return Err(Diagnostic::new(layer.written, "`clip` has no ends to keep to").help(form));
    }
    if lowest < highest {
        return Ok(function);
    }
    let message = format!("nothing lies between {lowest} and {highest}: `min` must be less than `max`");
    Err(Diagnostic::new(layer.span, message).help(form))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! declare {
        ($($(#[$docs:meta])* $name:ident $(($($constant:ident: $real:ty),+))?: $($fact:expr),+;)*) => {
            const VARIANTS: &[&str] = &[$(stringify!($name)),*];
        };
    }
    netwright_abi::for_each_activation!(declare);

    #[test]
    fn every_function_has_one_word() {
        for variant in VARIANTS {
            assert_eq!(FUNCTIONS.iter().filter(|(kind, ..)| kind == variant).count(), 1, "{variant}");
        }
        assert_eq!(FUNCTIONS.len(), VARIANTS.len());
    }

    #[test]
    fn a_function_is_written_as_its_word() {
        assert_eq!(text(Function::Elu(1.0)), "elu");
        assert_eq!(text(Function::Elu(0.5)), "elu 0.5");
        assert_eq!(text(Function::GeluTanh), "gelu_tanh");
        assert_eq!(text(Function::Clip(-1.0, 0.5)), "clip min -1 max 0.5");
        assert_eq!(text(Function::Clip(f64::NEG_INFINITY, 2.0)), "clip max 2");
    }
}
