//! How a page ends that could not go on.

use core::fmt;

/// An error in words: what `main` returns is printed by its `Debug`.
pub(crate) struct Failure(netwright::Error);

impl From<netwright::Error> for Failure {
    fn from(error: netwright::Error) -> Self {
        Self(error)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
