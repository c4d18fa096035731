//! `distance 10`

use netwright_grammar::Diagnostic;

use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::ops::{Distance, Reshape};
use crate::shape::Shape;
use crate::words::{Argument, Example, OptionWord, Tensors, Use, Word, WordPosition};

/// The maximum number of elements of all patterns together: they are constants in the program.
const MOST_NUMBERS: usize = 1 << 16;

/// Squared distances to fixed patterns.
pub(super) static DISTANCE: Word = Word {
    name: "distance",
    aliases: &[],
    position: WordPosition::Start,
    tensors: Tensors::None,
    form: "distance N",
    summary: "The output layer of LeNet-5 (LeCun et al., 1998): the squared distance of its input to each of N fixed patterns; the smallest wins. It has no trained numbers. Without `to`, the patterns are of ±1 chosen at random, once and for all. `distance 10 scale -1 softmax` makes probabilities of the distances.",
    argument: Argument::Required,
    options: &[OptionWord {
        name: "to",
        form: "to \"#.# .#.\" \"### ###\"` or `to (1, -1, 0.5) (0, 1, 1)",
        argument: Argument::Patterns,
        summary: "the patterns: a picture each, in which `#` is 1 and `.` is -1, or a list of numbers each",
    }],
    examples: &[
        Example { input: "6", stage: "distance 3" },
        Example { input: "2x3x1", stage: "distance 2 to \"#.# .#.\" \"### ...\"" },
        Example { input: "3", stage: "distance 2 to (1, -1, 0.5) (0, 2, -0.25)" },
    ],
    lower,
};

fn lower(layer: &Use, lowering: &mut Lowering<'_>, mut input: ValueId) -> Result<ValueId, Diagnostic> {
    let count = layer.count("the number of patterns")?;
    if !matches!(lowering.shape(input), Shape::Flat(_)) {
        input = lowering.push(layer, Reshape { to: None }, &[input])?;
    }
    let units = lowering.shape(input).len();
    if count.saturating_mul(units) > MOST_NUMBERS {
        return Err(Diagnostic::new(layer.span, format!("{count} patterns of {units} numbers are too many"))
            .help(format!("together they may have {MOST_NUMBERS} numbers: put a `dense` layer before")));
    }
    let lists = layer.lists_of("to");
    if !lists.is_empty() && lists.len() != count {
        return Err(Diagnostic::new(layer.span, format!("`distance {count}` has {} patterns", lists.len()))
            .help(format!("give it {count} patterns, or write `distance {}`", lists.len())));
    }
    let patterns: Vec<Vec<f64>> = match lists {
        [] => (0..count).map(|pattern| (0..units).map(|unit| random_sign(pattern, unit)).collect()).collect(),
        lists => lists.iter().map(|list| list.numbers.iter().map(|number| number.value).collect()).collect(),
    };
    let output = lowering.push(layer, Distance { patterns }, &[input])?;
    lowering.shape_is_certain(output);
    Ok(output)
}

/// Returns 1 or -1, from the top bit of SplitMix64.
fn random_sign(pattern: usize, unit: usize) -> f64 {
    let mut z = ((pattern as u64) << 32 | unit as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    if (z ^ (z >> 31)) >> 63 == 0 { 1.0 } else { -1.0 }
}
