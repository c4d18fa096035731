//! Flat, aligned buffers: one for parameters, one for gradients, one for each workspace; and values that are made on the heap, since
//! an image may be larger than a stack.

use std::sync::{Mutex, OnceLock};

use crate::prediction_weights::Stretch;
use crate::predictor::LengthError;
use crate::scalar::Precision;
use crate::tensor::{Nested, elements_of, elements_of_mut};

/// `count` values of zeros. They never lie on a stack, whatever their size and however the program is compiled.
///
/// ```
/// use netwright_runtime::memory::zeros;
/// let mut masks: Vec<[u8; 512 * 512]> = zeros(20);
/// masks[3][17] = 1;
/// ```
pub fn zeros<A: Nested>(count: usize) -> Vec<A> {
    let elements = vec![A::Element::default(); count.saturating_mul(A::LENGTH)];
    whole(elements.into_boxed_slice(), count).into_vec()
}

/// Zeros on the heap: of `[u8; 262144]`, say.
pub fn boxed_zeros<A: Nested>() -> Box<A> {
    one(vec![A::Element::default(); A::LENGTH].into_boxed_slice())
}

/// Elements seen as the values that they are, contiguous. They stay where they are.
///
/// ```
/// use netwright_runtime::{Tensor, memory::values_from};
/// let images: Vec<Tensor<2, 2, 1>> = values_from(vec![0.0; 12])?;
/// assert_eq!(images.len(), 3);
/// # Ok::<(), netwright_runtime::predictor::LengthError>(())
/// ```
///
/// # Errors
/// [`LengthError`] where they are not whole values.
pub fn values_from<A: Nested>(elements: Vec<A::Element>) -> Result<Vec<A>, LengthError> {
    let (count, found) = (elements.len().checked_div(A::LENGTH).unwrap_or(0), elements.len());
    if count * A::LENGTH != found {
        return Err(LengthError { what: "whole values", expected: (count + 1) * A::LENGTH, found });
    }
    Ok(whole(elements.into_boxed_slice(), count).into_vec())
}

/// Elements seen as the one value that they are. They stay where they are.
///
/// # Errors
/// [`LengthError`] where they are more or fewer.
pub fn boxed_from<A: Nested>(elements: Vec<A::Element>) -> Result<Box<A>, LengthError> {
    if elements.len() != A::LENGTH {
        return Err(LengthError { what: "one value", expected: A::LENGTH, found: elements.len() });
    }
    Ok(one(elements.into_boxed_slice()))
}

fn whole<A: Nested>(elements: Box<[A::Element]>, count: usize) -> Box<[A]> {
    assert_eq!(elements.len(), count * A::LENGTH, "whole values");
    let elements = Box::into_raw(elements).cast::<A>();
    // SAFETY: `Nested` promises that a value is `LENGTH` elements in a row, without padding and aligned as one, so that the memory has the
    // size and alignment of `count` values. All of them are initialised, and the box that owned them has been given up.
    unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(elements, count)) }
}

fn one<A: Nested>(elements: Box<[A::Element]>) -> Box<A> {
    assert_eq!(elements.len(), A::LENGTH, "one value");
    // SAFETY: as in `whole`, for a single value.
    unsafe { Box::from_raw(Box::into_raw(elements).cast::<A>()) }
}

/// What can be copied from one place on the heap to another: inputs and targets. A clone takes the way over the stack where nothing is
/// optimised, which numbers, arrays and images of them do not need to. For a type of one's own, whose clones are small,
/// `impl Stored for Own {}` will do.
#[diagnostic::on_unimplemented(
    message = "a set of `{Self}` cannot be copied from place to place",
    note = "numbers, labels, arrays and images of them can be; for a type of your own write `impl netwright::memory::Stored for {Self} {{}}`"
)]
pub trait Stored: Clone {
    /// Copies the value behind others.
    fn append_to(&self, values: &mut Vec<Self>) {
        values.push(self.clone());
    }

    /// Copies the value over another.
    fn assign_to(&self, value: &mut Self) {
        value.clone_from(self);
    }
}

impl<A: Nested> Stored for A {
    fn append_to(&self, values: &mut Vec<Self>) {
        values.reserve(1);
        // SAFETY: there is room for one value more behind those there are, and `Nested` promises that a value is nothing but elements,
        // which are `Copy`.
        unsafe {
            values.as_mut_ptr().add(values.len()).copy_from_nonoverlapping(self, 1);
            values.set_len(values.len() + 1);
        }
    }

    fn assign_to(&self, value: &mut Self) {
        elements_of_mut(core::slice::from_mut(value)).copy_from_slice(elements_of(core::slice::from_ref(self)));
    }
}

impl<T: Clone> Stored for Vec<T> {}

/// Copies of values, contiguous; see [`Stored`].
///
/// ```
/// use netwright_runtime::{Tensor, memory::copies};
/// let image = Tensor::<1024, 1024, 3>::boxed_zeros();
/// assert_eq!(copies([&*image, &*image]).len(), 2);
/// ```
pub fn copies<'a, X: Stored + 'a>(values: impl IntoIterator<Item = &'a X>) -> Vec<X> {
    let values = values.into_iter();
    let mut copies = Vec::with_capacity(values.size_hint().0);
    for value in values {
        value.append_to(&mut copies);
    }
    copies
}

/// Asks the system for pages of 2 MiB in place of 4 KiB, where `memory` that nobody has touched yet has room for them: weights that no cache
/// holds are read twice as fast, since fewer addresses are looked up. It may not listen; contents do not depend on it.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T>(memory: &mut [core::mem::MaybeUninit<T>]) {
    use core::ffi::{c_int, c_void};
    // SAFETY: the signature of POSIX' `madvise`, which every libc of Linux has.
    unsafe extern "C" {
        fn madvise(start: *mut c_void, len: usize, advice: c_int) -> c_int;
    }
    const PAGE: usize = 2 << 20;
    const MADV_HUGEPAGE: c_int = 14;
    let start = memory.as_mut_ptr().cast::<u8>();
    let before = start.align_offset(PAGE);
    let len = size_of_val(memory).saturating_sub(before) / PAGE * PAGE;
    if len > 0 {
        // SAFETY: whole pages between `before` and the end of memory that is borrowed here mutably. The call keeps contents as they are, and
        // only says how large the pages should be.
        unsafe { madvise(start.wrapping_add(before).cast(), len, MADV_HUGEPAGE) };
    }
}

/// Other systems choose pages themselves.
#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_: &mut [core::mem::MaybeUninit<T>]) {}

/// Sixteen elements that start a cache line, so that buffers made of them do.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line<T>([T; 16]);

/// A fixed number of zeros to begin with, aligned to 64 bytes.
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    lines: Vec<Line<T>>,
    len: usize,
}

impl<T: Precision> Buffer<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let count = len.div_ceil(16);
        let mut lines = Vec::with_capacity(count);
        ask_for_huge_pages(lines.spare_capacity_mut());
        lines.resize(count, Line([T::ZERO; 16]));
        Self { lines, len }
    }

    /// Leaves those at `kept`, which are in order and do not overlap, and gives the memory of the others back.
    pub(crate) fn keep(&mut self, kept: &[Stretch]) {
        let mut end = 0;
        for &[first, last] in kept {
            self.copy_within(first..last, end);
            end += last - first;
        }
        self.len = end;
        self.lines.truncate(end.div_ceil(16));
        self.lines.shrink_to_fit();
    }
}

impl<T> core::ops::Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: `lines` holds at least `len` elements in a row: a `Line` is sixteen of them without padding (16 elements of 4
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

/// What is computed from weights when it is first needed, and forgotten when they change. Its memory is kept for the next time.
#[derive(Debug)]
pub struct Prepared<T> {
    computed: OnceLock<Buffer<T>>,
    idle: Mutex<Option<Buffer<T>>>,
}

impl<T: Precision> Prepared<T> {
    pub(crate) const fn new() -> Self {
        Self { computed: OnceLock::new(), idle: Mutex::new(None) }
    }

    /// The `len` elements that `compute` writes, once for all callers.
    pub(crate) fn get_or_compute(&self, len: usize, compute: &dyn Fn(&mut [T])) -> &[T] {
        self.computed.get_or_init(|| {
            let idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            let mut buffer = idle.unwrap_or_else(|| Buffer::zeros(len));
            compute(&mut buffer);
            buffer
        })
    }

    /// What was computed; nothing where nothing was.
    pub(crate) fn into_buffer(self) -> Buffer<T> {
        self.computed.into_inner().unwrap_or_else(|| Buffer::zeros(0))
    }

    pub(crate) fn forget(&mut self) {
        if let Some(buffer) = self.computed.take() {
            *self.idle.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(buffer);
        }
    }
}

/// Workspaces not in use at the moment. Whoever predicts takes one and puts it back, so that `predict` needs no `&mut` and
/// allocates only when more threads predict at once than ever before.
#[derive(Debug)]
pub struct WorkspacePool<T>(Mutex<Vec<Buffer<T>>>);

impl<T: Precision> WorkspacePool<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Runs `work` with at least `len` elements of workspace.
    pub(crate) fn with(&self, len: usize, work: &mut dyn FnMut(&mut [T])) {
        let idle = |pool: &Self| pool.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let mut workspace = match idle(self) {
            Some(workspace) if workspace.len() >= len => workspace,
            _ => Buffer::zeros(len),
        };
        work(&mut workspace);
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(workspace);
    }
}
