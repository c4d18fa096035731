//! Limits on how much is read, or kept, of a file's headers.

/// The remainder of a number of bytes that depends on the length of the file, so that headers never take more memory than the file is long,
/// whatever they say, and cyclic links end in an error.
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

    /// Spends `bytes` bytes of the budget.
    ///
    /// # Errors
    /// If fewer are left.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or("more objects than a file of its length has room for")?;
        Ok(())
    }
}
