//! Errors of reading a file, before the name of the file is added.

use std::io;

use netwright_runtime::Error;
use netwright_runtime::storage::Contents;

use crate::format;

/// A problem in the file, or an error of the operating system.
#[derive(Debug)]
pub(crate) enum ReadError {
    Found(String),
    Io(io::Error),
}

impl ReadError {
    /// Changes the description of a problem in the file.
    #[cfg(feature = "hdf5")]
    pub(crate) fn map(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Found(found) => Self::Found(words(found)),
            Self::Io(error) => Self::Io(error),
        }
    }

    /// Converts it to an error about these contents, where `expected` was expected.
    pub(crate) fn of(self, contents: &Contents, expected: &str) -> Error {
        match self {
            Self::Found(found) => format(contents.origin(), expected, found),
            Self::Io(error) => contents.io(error),
        }
    }
}

impl From<String> for ReadError {
    fn from(found: String) -> Self {
        Self::Found(found)
    }
}

impl From<&str> for ReadError {
    fn from(found: &str) -> Self {
        Self::Found(found.to_owned())
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
