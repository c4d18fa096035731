//! `kernel gemm`: selects the kernel of a layer, overriding the compiler's estimate.

use netwright_grammar::Diagnostic;

use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{CHOICES, DIRECT, GEMM, Op};
use crate::suggest;
use crate::words::{Argument, Choice, OptionWord, Use};

/// The option for convolutions.
pub(super) const OF_CONV: OptionWord = option(CHOICES);

/// The option for dense layers.
pub(super) const OF_DENSE: OptionWord = option(&[DIRECT, GEMM]);

const fn option(choices: &'static [Choice]) -> OptionWord {
    OptionWord {
        name: "kernel",
        form: "kernel gemm",
        argument: Argument::OneOf(choices),
        summary: "takes this kernel in every pass that it has one for, also where another is estimated faster",
    }
}

/// The kernel that the text selects.
///
/// # Errors
/// A diagnostic if the kernel is unknown or cannot compute `op`, with those that can.
pub(super) fn asked(
    layer: &Use,
    lowering: &Lowering<'_>,
    op: impl Into<Op>,
    input: ValueId,
) -> Result<Option<&'static str>, Diagnostic> {
    let Some(option) = layer.option("kernel") else { return Ok(None) };
    let (Some((word, span)), Argument::OneOf(choices)) = (&option.choice, option.option.argument) else {
        return Ok(None);
    };
    let (op, shape) = (op.into(), lowering.shape(input));
    // If the layer does not fit its input, `push` reports the error.
    let Ok(output) = op.infer(&[shape]) else { return Ok(None) };
    let fitting = op.kernels(&[shape], output);
    if let Some(kernel) = fitting.iter().find(|kernel| *kernel == word) {
        return Ok(Some(kernel));
    }
    let listed: Vec<String> = fitting.iter().map(|kernel| format!("`kernel {kernel}`")).collect();
    let listed = format!("these fit this layer: {}", listed.join(", "));
    if let Some(choice) = choices.iter().find(|choice| choice.name == word) {
        let message = format!("`kernel {word}` needs {}; this layer makes {output} of {shape}", choice.needs);
        return Err(Diagnostic::new(*span, message).help(listed));
    }
    let diagnostic = Diagnostic::new(*span, format!("no kernel of `{}` is called `{word}`", layer.word.name));
    Err(match suggest::nearest(word, fitting.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `kernel {near}`? Of all, {listed}")),
        None => diagnostic.help(listed),
    })
}
