//! `kernel gemm`: which kernel computes a layer, where the text overrules the compiler.

use netwright_grammar::Diagnostic;

use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::Op;
use crate::suggest;
use crate::words::{Argument, Choice, OptionWord, Use};

/// The option of convolutions.
pub(super) const OF_CONV: OptionWord = option(&[
    DIRECT,
    GEMM,
    Choice {
        name: "winograd",
        summary: "Winograd's algorithm F(4x4, 3x3), when predicting; it rounds a little more",
        needs: "3x3 windows with stride 1, channels and filters in sixteens, and no groups",
    },
    Choice { name: "grouped", summary: "all groups in one kernel", needs: "several groups" },
    Choice {
        name: "depthwise",
        summary: "each channel by itself, channels side by side in the vector",
        needs: "a group for each channel",
    },
]);

/// The option of dense layers and of convolutions of single pixels.
pub(super) const OF_PRODUCT: OptionWord = option(&[DIRECT, GEMM]);

const DIRECT: Choice =
    Choice { name: "direct", summary: "reads windows and filters where they lie, without scratch memory", needs: "" };
const GEMM: Choice =
    Choice { name: "gemm", summary: "products of matrices; predictions pack the filters once", needs: "" };

const fn option(choices: &'static [Choice]) -> OptionWord {
    OptionWord {
        name: "kernel",
        form: "kernel gemm",
        argument: Argument::OneOf(choices),
        summary: "takes this kernel in every pass that it has one for, also where another is estimated faster",
    }
}

/// The kernel that the text asks for.
///
/// # Errors
/// Where it is unknown or cannot compute `op`: those that can.
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
    // A layer that does not fit its input says so when it is pushed.
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
