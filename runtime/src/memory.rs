//! Flat, aligned buffers: one for parameters, one for gradients, one for each workspace.

use std::sync::Mutex;

use crate::scalar::Scalar;

/// Sixteen numbers that start a cache line, so that buffers made of them do.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line<T>([T; 16]);

/// A fixed number of zeros to begin with, aligned to 64 bytes.
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    lines: Vec<Line<T>>,
    len: usize,
}

impl<T: Scalar> Buffer<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([T::ZERO; 16]); len.div_ceil(16)], len }
    }
}

impl<T> core::ops::Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: `lines` holds at least `len` numbers in a row: a `Line` is sixteen of them without padding (16 numbers of 4
        // or 8 bytes fill whole multiples of its alignment).
        unsafe { core::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T> core::ops::DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; the lines are borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Workspaces not in use at the moment. Whoever predicts takes one and puts it back, so that `predict` needs no `&mut` and
/// allocates only when more threads predict at once than ever before.
#[derive(Debug)]
pub(crate) struct WorkspacePool<T>(Mutex<Vec<Buffer<T>>>);

impl<T: Scalar> WorkspacePool<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Runs `work` with at least `len` numbers of workspace.
    pub(crate) fn with<R>(&self, len: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
        let idle = |pool: &Self| pool.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let mut workspace = match idle(self) {
            Some(workspace) if workspace.len() >= len => workspace,
            _ => Buffer::zeros(len),
        };
        let result = work(&mut workspace);
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(workspace);
        result
    }
}
