//! Why a file is not read, before it is said of which.

use std::io;

use netwright_runtime::Error;
use netwright_runtime::storage::Contents;

use crate::format;

/// What was found, or what the system said.
#[derive(Debug)]
pub(crate) enum Trouble {
    Found(String),
    Io(io::Error),
}

impl Trouble {
    /// Puts what was found in other words.
    #[cfg(feature = "hdf5")]
    pub(crate) fn map(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Found(found) => Self::Found(words(found)),
            Self::Io(error) => Self::Io(error),
        }
    }

    /// The error: of these contents, where something else was expected.
    pub(crate) fn of(self, contents: &Contents, expected: &str) -> Error {
        match self {
            Self::Found(found) => format(contents.origin(), expected, found),
            Self::Io(error) => contents.io(error),
        }
    }
}

impl From<String> for Trouble {
    fn from(found: String) -> Self {
        Self::Found(found)
    }
}

impl From<&str> for Trouble {
    fn from(found: &str) -> Self {
        Self::Found(found.to_owned())
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
