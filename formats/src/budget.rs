//! How much may still be read, or kept, of a file's headers.

/// What is left of a number of bytes that follows from the length of the file, so that no header takes more than it is long, whatever it says,
/// and links in a circle end as an error.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    pub(crate) fn of(bytes: usize) -> Self {
        Self { left: bytes }
    }

    #[cfg(test)]
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// # Errors
    /// That there are no so many bytes left.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or("more objects than a file of its length has room for")?;
        Ok(())
    }
}
