//! Flat, aligned buffers for parameters, gradients and workspaces; and values that are created on the heap, since
//! an image may be larger than the stack.

use std::sync::{Mutex, OnceLock};

use crate::prediction_weights::Stretch;
use crate::predictor::LengthError;
use crate::scalar::Precision;
use crate::tensor::{Nested, elements_of, elements_of_mut};

/// Returns `count` values of zeros. They are never on the stack, whatever their size and however the program is compiled.
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

/// Returns a value of zeros on the heap, such as a `[u8; 262144]`.
pub fn boxed_zeros<A: Nested>() -> Box<A> {
    one(vec![A::Element::default(); A::LENGTH].into_boxed_slice())
}

/// Converts elements into values, contiguous, without copying.
///
/// ```
/// use netwright_runtime::{Tensor, memory::values_from};
/// let images: Vec<Tensor<2, 2, 1>> = values_from(vec![0.0; 12])?;
/// assert_eq!(images.len(), 3);
/// # Ok::<(), netwright_runtime::predictor::LengthError>(())
/// ```
///
/// # Errors
/// [`LengthError`] where they are not a whole number of values.
pub fn values_from<A: Nested>(elements: Vec<A::Element>) -> Result<Vec<A>, LengthError> {
    let (count, found) = (elements.len().checked_div(A::LENGTH).unwrap_or(0), elements.len());
    if count * A::LENGTH != found {
        return Err(LengthError { what: "whole values", expected: (count + 1) * A::LENGTH, found });
    }
    Ok(whole(elements.into_boxed_slice(), count).into_vec())
}

/// Converts elements into one value on the heap, without copying.
///
/// # Errors
/// [`LengthError`] where there are more or fewer elements than the value has.
pub fn boxed_from<A: Nested>(elements: Vec<A::Element>) -> Result<Box<A>, LengthError> {
    if elements.len() != A::LENGTH {
        return Err(LengthError { what: "one value", expected: A::LENGTH, found: elements.len() });
    }
    Ok(one(elements.into_boxed_slice()))
}

fn whole<A: Nested>(elements: Box<[A::Element]>, count: usize) -> Box<[A]> {
    assert_eq!(elements.len(), count * A::LENGTH, "whole values");
    let elements = Box::into_raw(elements).cast::<A>();
    // SAFETY: `Nested` promises that a value is `LENGTH` contiguous elements, without padding and aligned as one, so the allocation of
    // `count * LENGTH` elements has the size and alignment of `count` values. All are initialised, and the box that owned them is consumed.
    unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(elements, count)) }
}

fn one<A: Nested>(elements: Box<[A::Element]>) -> Box<A> {
    assert_eq!(elements.len(), A::LENGTH, "one value");
    // SAFETY: as in `whole`, for a single value: the length was checked and the box that owned the elements is consumed.
    unsafe { Box::from_raw(Box::into_raw(elements).cast::<A>()) }
}

/// Values that can be copied directly from one location on the heap to another: inputs and targets. Without optimisation a clone goes through
/// the stack, which is not necessary for numbers, arrays and images of them. For a type of your own whose clones are small,
/// `impl Stored for Own {}` is enough.
#[diagnostic::on_unimplemented(
    message = "a set of `{Self}` cannot be copied from place to place",
    note = "numbers, labels, arrays and images of them can be; for a type of your own write `impl netwright::memory::Stored for {Self} {{}}`"
)]
pub trait Stored: Clone {
    /// Appends a copy of the value to `values`.
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
        // SAFETY: `reserve` made room for one more value behind the last, which does not overlap `self`. `Nested` promises that a value
        // consists of nothing but elements, which are `Copy`, so a bitwise copy is a valid value.
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

/// Returns copies of values, contiguous; see [`Stored`].
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

/// Asks the system for pages of 2 MiB instead of 4 KiB for `memory`, if it is large enough and not yet touched: weights that exceed the caches
/// are read twice as fast, since there are fewer TLB misses. The system may ignore the request; contents do not depend on it.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T>(memory: &mut [core::mem::MaybeUninit<T>]) {
    use core::ffi::{c_int, c_void};
    // SAFETY: this is the signature of POSIX' `madvise`, which every libc of Linux has.
    unsafe extern "C" {
        fn madvise(start: *mut c_void, len: usize, advice: c_int) -> c_int;
    }
    const PAGE: usize = 2 << 20;
    const MADV_HUGEPAGE: c_int = 14;
    let start = memory.as_mut_ptr().cast::<u8>();
    let before = start.align_offset(PAGE);
    let len = size_of_val(memory).saturating_sub(before) / PAGE * PAGE;
    if len > 0 {
        // SAFETY: the range is the whole pages between `before` and the end of `memory`, which is borrowed mutably here. The call keeps the
        // contents; it only advises on the size of the pages.
        unsafe { madvise(start.wrapping_add(before).cast(), len, MADV_HUGEPAGE) };
    }
}

/// Does nothing: other systems choose the page size themselves.
#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_: &mut [core::mem::MaybeUninit<T>]) {}

/// Sixteen elements, aligned to a cache line, so that buffers made of them are aligned too.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line<T>([T; 16]);

/// A buffer of fixed length, initialised to zeros and aligned to 64 bytes.
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    lines: Vec<Line<T>>,
    len: usize,
}

impl<T: Precision> Buffer<T> {
    /// Allocates `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let count = len.div_ceil(16);
        let mut lines = Vec::with_capacity(count);
        ask_for_huge_pages(lines.spare_capacity_mut());
        lines.resize(count, Line([T::ZERO; 16]));
        Self { lines, len }
    }

    /// Keeps the elements in the ranges `kept`, which are in order and do not overlap, and frees the memory of the others.
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
        // SAFETY: `lines` has at least `len` contiguous elements: a `Line` is sixteen of them without padding, since 16 elements of 4
        // or 8 bytes fill a multiple of its alignment. All are initialised.
        unsafe { core::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T> core::ops::DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `lines` is borrowed mutably for as long as the result.
        unsafe { core::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Elements that are computed from weights when they are first needed, and invalidated when the weights change. The memory is reused.
#[derive(Debug)]
pub struct Prepared<T> {
    computed: OnceLock<Buffer<T>>,
    idle: Mutex<Option<Buffer<T>>>,
}

impl<T: Precision> Prepared<T> {
    pub(crate) const fn new() -> Self {
        Self { computed: OnceLock::new(), idle: Mutex::new(None) }
    }

    /// Returns the `len` elements that `compute` writes; it is called once for all callers.
    pub(crate) fn get_or_compute(&self, len: usize, compute: &dyn Fn(&mut [T])) -> &[T] {
        self.computed.get_or_init(|| {
            let idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            let mut buffer = idle.unwrap_or_else(|| Buffer::zeros(len));
            compute(&mut buffer);
            buffer
        })
    }

    /// Returns the computed elements; an empty buffer where nothing was computed.
    pub(crate) fn into_buffer(self) -> Buffer<T> {
        self.computed.into_inner().unwrap_or_else(|| Buffer::zeros(0))
    }

    pub(crate) fn forget(&mut self) {
        if let Some(buffer) = self.computed.take() {
            *self.idle.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(buffer);
        }
    }
}

/// Workspaces that are not in use. A prediction takes one and returns it, so that `predict` needs no `&mut` and
/// allocates only when more predictions run at once than ever before.
#[derive(Debug)]
pub struct WorkspacePool<T>(Mutex<Vec<Buffer<T>>>);

impl<T: Precision> WorkspacePool<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Calls `work` with at least `len` elements of workspace.
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
