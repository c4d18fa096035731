//! The consumers of emitted items.

/// The consumer of emitted code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A compiler: it needs only the networks.
    Rustc,
    /// An editor's language server: it also needs the meaning and the result of each word.
    Editor,
}
