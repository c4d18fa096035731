//! Whom items are written for.

/// Who reads what is emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A compiler: it wants the networks alone.
    Rustc,
    /// An editor's language server: it also wants to know what each word means and came to.
    Editor,
}
