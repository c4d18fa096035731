//! The structural words, and the options of every layer; `lower/` implements them.

use crate::words::{Argument, Choice, Example, OptionWord};

/// A structural word.
#[derive(Clone, Copy, Debug)]
pub struct StructureWord {
    /// The spelling.
    pub name: &'static str,
    /// The syntax.
    pub form: &'static str,
    /// A description.
    pub summary: &'static str,
    /// Valid stages.
    pub examples: &'static [Example],
}

/// Every structural word. `block` is an item beside networks; the others start a stage.
pub const STRUCTURE: &[StructureWord] = &[
    StructureWord {
        name: "add",
        form: "add { … } { … }` or `add name",
        summary: "The sum of branches of one shape. Each branch starts from what comes in, and `{ }` is that itself. With the name of a `tap`, adds what was tapped.",
        examples: &[
            Example { input: "6x6x4", stage: "add { conv 3x3x4 same } { conv 1x1x4 }" },
            Example { input: "8", stage: "tap start; dense 8 tanh; add start" },
        ],
    },
    StructureWord {
        name: "concat",
        form: "concat { … } { … }` or `concat name",
        summary: "Branches side by side along the channels, in the order written. Each branch starts from what comes in, and `{ }` is that itself. With the name of a `tap`, puts what was tapped behind what comes in.",
        examples: &[Example { input: "6x6x4", stage: "concat { conv 1x1x2 } { conv 3x3x3 same } { }" }],
    },
    StructureWord {
        name: "mul",
        form: "mul { … } { … }` or `mul name",
        summary: "The product of branches, element by element: gates. The branches have one shape, or some are rows of features with a number for each channel of the others, as `globalavgpool` and `dense` make them. Each branch starts from what comes in, and `{ }` is that itself.",
        examples: &[
            Example { input: "6x6x4", stage: "mul { conv 1x1x4 sigmoid } { }" },
            Example { input: "6x6x4", stage: "mul { } { globalavgpool; dense 2 relu; dense 4 sigmoid }" },
        ],
    },
    StructureWord {
        name: "residual",
        form: "residual { … }",
        summary: "What comes in plus what the stages make of it (He et al., 2016): `add { … } { }`.",
        examples: &[Example { input: "6x6x4", stage: "residual { conv 3x3x4 same relu; conv 3x3x4 same } relu" }],
    },
    StructureWord {
        name: "tap",
        form: "tap name",
        summary: "Names what passes here, for a later `add name`, `concat name` or `mul name`: a long skip, as in a U-Net.",
        examples: &[Example { input: "8", stage: "tap start; dense 8 tanh; add start" }],
    },
    StructureWord {
        name: "repeat",
        form: "repeat 3 { … }",
        summary: "The same stages several times in a row, each time with weights of their own. A single stage with all its words is repeated by `3 *` before it: `3 * conv 3x3x16 same relu`, `3 * name(64)`.",
        examples: &[
            Example { input: "6x6x4", stage: "repeat 2 { conv 3x3x4 same relu }" },
            Example { input: "6x6x4", stage: "2 * conv 3x3x4 same relu" },
        ],
    },
];

/// The names of [`STRUCTURE`].
pub(crate) const NAMES: &[&str] = &{
    let mut names = [""; STRUCTURE.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = STRUCTURE[index].name;
        index += 1;
    }
    names
};

/// The options that every layer accepts.
pub static SHARED: &[OptionWord] = &[
    OptionWord {
        name: "as",
        form: "as name",
        argument: Argument::None,
        summary: "names the layer; behind branches, what they come to",
    },
    OptionWord {
        name: "tied",
        form: "tied name",
        argument: Argument::None,
        summary: "shares the weights of the layer of that name",
    },
    OptionWord {
        name: "init",
        form: "init he",
        argument: Argument::None,
        summary: "how weights start: `lecun` unless said, `he` before a rectifier",
    },
    OptionWord {
        name: "bias",
        form: "bias 0.1",
        argument: Argument::Required,
        summary: "what the biases start at: a number (or `constant 0.1`, `zeros`), or `bias normal 0.1` and `bias uniform 0.1` to draw them",
    },
    OptionWord {
        name: "from",
        form: "from \"features.0\"",
        argument: Argument::None,
        summary: "what another library calls the layer whose weights it takes; behind the call of a block or a repeat, what the names in it begin with. `{}` counts the repeat around it from 0, `{1..}` from 1, `{0,2,5}` lists what stands there each time",
    },
    OptionWord {
        name: "frozen",
        form: "frozen",
        argument: Argument::None,
        summary: "freezes the stage, the call of a block, the repeat or the branches before it: training leaves the weights as they are and computes no gradient of them, nor of anything before the first layer that is trained; batch normalisation uses its moving statistics",
    },
];

/// The options between the parentheses of a network and its braces.
pub static NETWORK: &[OptionWord] = &[OptionWord {
    name: "memory",
    form: "memory least",
    argument: Argument::OneOf(&[Choice {
        name: "least",
        summary: "the kernels that ask for the least memory, of several the fastest",
        needs: "",
    }]),
    summary: "plans predictions for memory instead of speed, as they are without the feature `std`",
}];

/// The arguments of `init`. D is the fan-in: the number of inputs of one output.
pub static INITS: &[OptionWord] = &[
    rule("lecun", "lecun", "N(0, 1/D): the default"),
    rule("he", "he", "N(0, 2/D): the default before a rectifier"),
    rule("glorot", "glorot", "N(0, 2/(D + fan-out)), also spelt `xavier`"),
    rule("lecun_uniform", "lecun_uniform", "uniform with the variance 1/D"),
    rule("he_uniform", "he_uniform", "uniform with the variance 2/D"),
    rule("glorot_uniform", "glorot_uniform", "uniform with the variance 2/(D + fan-out)"),
    rule("orthogonal", "orthogonal", "orthonormal rows or columns (Saxe et al., 2014)"),
    rule("zeros", "zeros", "all zero"),
    OptionWord {
        name: "normal",
        form: "normal 0.01",
        argument: Argument::Required,
        summary: "normal with this standard deviation",
    },
    OptionWord {
        name: "uniform",
        form: "uniform 0.05",
        argument: Argument::Required,
        summary: "uniform, from minus this number to plus this number",
    },
    OptionWord { name: "constant", form: "constant 0.1", argument: Argument::Required, summary: "all this number" },
    rule("xavier", "xavier", "another name of `glorot`"),
];

const fn rule(name: &'static str, form: &'static str, summary: &'static str) -> OptionWord {
    OptionWord { name, form, argument: Argument::None, summary }
}
