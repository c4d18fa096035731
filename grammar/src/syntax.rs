//! The syntax tree: what was written, and where. No layer and no shape is known here.

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

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The same bytes as a range, to index the source with.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A word and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The word; without its `r#`, which the text at `span` still has.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Everything in one `network! { … }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Blocks and networks in the order written.
    pub items: Vec<Item>,
    /// The names of networks that could not be read: a type of that name is expected all the same.
    pub unreadable: Vec<Name>,
    /// Blocks without a body, which has been reported: to call them is no mistake of its own.
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

/// A network whose layers stand in a file: `pub Model = onnx "model.onnx" embed;`
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    /// What stands before the `=`: a network without input and stages.
    pub network: Network,
    /// The kind of file: `onnx`.
    pub format: Name,
    /// The file, as its text means it.
    pub path: Name,
    /// Words behind it, each with the text that follows it: `output "probabilities"`.
    pub options: Vec<(Name, Option<Name>)>,
}

/// `block cell(width, stride = 1) { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The block's name.
    pub name: Name,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// What it stands for.
    pub body: Body,
    /// From `block` to the closing parenthesis.
    pub header: Span,
}

/// One parameter of a block.
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
    /// The attributes, documentation included, each as written: `#[doc = "…"]`.
    pub attributes: Vec<Span>,
    /// `pub`, `pub(crate)`, `pub(in path)`, as written.
    pub visibility: Option<Span>,
    /// The name of the type.
    pub name: Name,
    /// What stands between the parentheses after the name; `None` where there are no parentheses. A comma or semicolon
    /// in there is a stray atom.
    pub input: Option<Vec<Atom>>,
    /// The words between the parentheses and the braces: what is asked of the network as a whole.
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
    /// The braces included.
    pub span: Span,
}

/// A name with arguments, up to its separator: a flat run of atoms. Which word takes which value is not known here.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// At least one.
    pub atoms: Vec<Atom>,
    /// What ended it.
    pub separator: Separator,
    /// From the first atom to the last.
    pub span: Span,
}

/// What stands after a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `;`, or nothing before the closing brace.
    Proper,
    /// A comma, where a semicolon belongs.
    Comma(Span),
}

/// The smallest part of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// What it is.
    pub kind: AtomKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of atom.
#[derive(Clone, Debug, PartialEq)]
pub enum AtomKind {
    /// `conv`; `type` for `r#type`.
    Word(String),
    /// `5x5x6`, `2`, `0.5`, `-3`, `3x3x(2*width)`: one or more numbers joined by `x`. Has two or more
    /// entries, or one that is a plain number; a lone `(…)` is [`AtomKind::Parentheses`].
    Numbers(Vec<Expression>),
    /// `(64, 2)`, `(stride)`, `(64, stride = 2)`, `()`. A comma after the last value adds none.
    Parentheses(Vec<Expression>),
    /// `{ … }`
    Braces(Body),
    /// `*`, as in `3 * identity(64)`
    Times,
    /// Anything that belongs to no rule of the language: `=`, `50%`, `"text"`, `[1]`, `2X2`.
    Stray(String),
}

/// A number, or arithmetic over a block's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where it stands; parentheses around it are not part of it.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// A literal, as written (`1_000`, `0.5`, `1e-3`): its meaning is asked with [`Expression`] evaluation in the compiler.
    Number(String),
    /// A parameter of the block.
    Name(String),
    /// `in.channels`: a part of something that has a name.
    Field(Name, Name),
    /// `-a`
    Negative(Box<Expression>),
    /// `a + b` and its like.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `stride = 2`, among the arguments of a call.
    Named(Name, Box<Expression>),
    /// What is no expression, as written: the compiler reports it. `,` where a value is missing before a comma.
    Stray(String),
}

/// Arithmetic: `*` and `/` bind tighter than `+` and `-`, all from the left.
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
