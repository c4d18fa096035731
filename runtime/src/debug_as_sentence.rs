//! Errors whose `{:?}`, which `main` and `unwrap` print, reads as well as `{}`.

use core::fmt::{Formatter, Result};
use std::error::Error;

/// Implements `Debug` of errors by [`write_sentence`].
macro_rules! debug_as_sentence {
    ($($error:ty),*) => {$(
        impl ::core::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::debug_as_sentence::write_sentence(self, f)
            }
        }
    )*};
}
pub(crate) use debug_as_sentence;

/// Writes the error's sentence, then each cause on a line of its own, unless the sentence before already ends with it.
pub(crate) fn write_sentence(error: &(dyn Error + 'static), f: &mut Formatter<'_>) -> Result {
    let mut previous = error.to_string();
    f.write_str(&previous)?;
    let mut next = error.source();
    while let Some(cause) = next {
        let sentence = cause.to_string();
        if !previous.ends_with(&sentence) {
            write!(f, "\n  caused by: {sentence}")?;
        }
        (previous, next) = (sentence, cause.source());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::pass::PassError;
    use crate::predictor::LengthError;

    #[test]
    fn an_error_is_one_sentence_by_debug_as_by_display() {
        let system = std::io::Error::other("the disk is full");
        let io = Error::io(std::path::Path::new("a.csv"), "write")(system);
        assert_eq!(format!("{io:?}"), "a.csv: cannot write: the disk is full");
        let pass = Error::from(PassError::Batch { expected: 3, found: 2 });
        assert_eq!(format!("{pass:?}"), "2 images, where 3 were sent forward");
        let length = LengthError { what: "parameters", expected: 3, found: 2 };
        assert_eq!(format!("{length:?}"), length.to_string());
    }

    #[test]
    fn causes_that_the_sentence_does_not_name_follow_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("the camera is off")]
        struct Camera(#[source] std::fmt::Error);
        let error = Error::other(Camera(std::fmt::Error));
        let cause = std::fmt::Error.to_string();
        assert_eq!(format!("{error:?}"), format!("the camera is off\n  caused by: {cause}"));
    }
}
