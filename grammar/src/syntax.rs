//! The syntax tree, with spans. It knows no layers and no shapes.

use core::ops::Range;

/// A range of bytes in the source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span of the bytes `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that contains both.
    pub fn to(self, other: Span) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The range of bytes, to index the source.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A word with its span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The word without `r#`, which the text at `span` still contains.
    pub text: String,
    /// The span.
    pub span: Span,
}

/// Everything in one `network! { … }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Blocks and networks in the order written.
    pub items: Vec<Item>,
    /// The names of networks that could not be parsed: types of these names are expected nevertheless.
    pub unreadable: Vec<Name>,
    /// Blocks without a body, which has been reported: a call of such a block is no further error.
    pub unreadable_blocks: Vec<Block>,
}

/// A block or a network.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `block name(parameters) { … }`
    Block(Block),
    /// `attributes visibility Name(shape) { … }`
    Network(Network),
    /// `attributes visibility Name = format "path" options;`
    Foreign(Foreign),
}

/// A network whose layers are defined in a file: `pub Model = onnx "model.onnx" embed;`
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    /// The part before the `=`: a network without input and stages.
    pub network: Network,
    /// The format of the file: `onnx`.
    pub format: Name,
    /// The literal of the path, as written: the compiler decodes it.
    pub path: Name,
    /// The options after the path, each with the literal that follows it: `output "probabilities"`.
    pub options: Vec<(Name, Option<Name>)>,
}

/// `block cell(width, stride = 1) { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The block's name.
    pub name: Name,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The body that calls insert.
    pub body: Body,
    /// From `block` to the closing parenthesis.
    pub header: Span,
}

/// A parameter of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// `= 1`
    pub default: Option<Expression>,
}

/// `/// doc  pub LeNet5(28x28x1) { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The attributes, including documentation, as written: `#[doc = "…"]`.
    pub attributes: Vec<Span>,
    /// `pub`, `pub(crate)`, `pub(in path)`, as written.
    pub visibility: Option<Span>,
    /// The name of the type.
    pub name: Name,
    /// The atoms in the parentheses after the name; `None` without parentheses. A comma or semicolon in them is a stray atom.
    pub input: Option<Vec<Atom>>,
    /// The words between the parentheses and the braces: options of the whole network.
    pub options: Vec<Atom>,
    /// From the name to the closing parenthesis.
    pub header: Span,
    /// The stages.
    pub body: Body,
}

/// The stages between two braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The stages, in order. Empty stages (`;;`) are left out.
    pub stages: Vec<Stage>,
    /// The span, including the braces.
    pub span: Span,
}

/// A sequence of atoms up to a separator. The assignment of values to words is not known here.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// At least one.
    pub atoms: Vec<Atom>,
    /// Its separator.
    pub separator: Separator,
    /// The span from the first atom to the last.
    pub span: Span,
}

/// The separator after a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `;`, or nothing before the closing brace.
    Proper,
    /// A comma in place of a semicolon.
    Comma(Span),
}

/// The smallest part of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// The kind.
    pub kind: AtomKind,
    /// The span.
    pub span: Span,
}

/// The kinds of atom.
#[derive(Clone, Debug, PartialEq)]
pub enum AtomKind {
    /// `conv`; `type` for `r#type`.
    Word(String),
    /// `5x5x6`, `2`, `0.5`, `-3`, `3x3x(2*width)`: one or more numbers joined by `x`. Has two or more entries, or one that is a plain
    /// number; a lone `(…)` is [`AtomKind::Parentheses`].
    Numbers(Vec<Expression>),
    /// `(64, 2)`, `(stride)`, `(64, stride = 2)`, `()`. A trailing comma adds no value.
    Parentheses(Vec<Expression>),
    /// `{ … }`
    Braces(Body),
    /// `*`, as in `3 * identity(64)`
    Times,
    /// Text that matches no rule of the grammar: `=`, `50%`, `"text"`, `[1]`, `2X2`.
    Stray(String),
}

/// A number, or arithmetic with a block's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// The kind.
    pub kind: ExpressionKind,
    /// The span, without enclosing parentheses.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// A literal as written (`1_000`, `0.5`, `1e-3`); the compiler evaluates it.
    Number(String),
    /// A parameter of the block.
    Name(String),
    /// `in.channels`: a field of a named value.
    Field(Name, Name),
    /// `-a`
    Negative(Box<Expression>),
    /// `a + b` and the other operators.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `stride = 2`, among the arguments of a call.
    Named(Name, Box<Expression>),
    /// Text that is no expression; the compiler reports it. `,` stands for a missing value before a comma.
    Stray(String),
}

/// The arithmetic operators: `*` and `/` bind tighter than `+` and `-`, and all are left-associative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl Operator {
    /// Its sign, as written.
    pub fn sign(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
        }
    }
}
