//! Images with their sizes in the type, and the traits by which passes access them as flat slices.

use core::any::TypeId;

use crate::scalar::Precision;

/// The element types of arrays and images: numbers and labels. The default is 0.
pub trait Element: Copy + Default + Send + Sync + 'static {}

macro_rules! elements {
    ($($element:ty)*) => { $(impl Element for $element {})* };
}

elements!(f32 f64 u8 u16 u32 u64 usize i8 i16 i32 i64 isize bool);

/// A contiguous sequence of elements, however it is nested: a single element, an array of arrays, a [`Tensor`].
///
/// # Safety
/// The implementor consists of exactly `LENGTH` elements, contiguous, without padding, and with the alignment of one of them.
pub unsafe trait Nested: Clone {
    /// The element type.
    type Element: Element;
    /// The number of elements.
    const LENGTH: usize;
}

// SAFETY: a single element is one element with its own size and alignment.
unsafe impl<T: Element> Nested for T {
    type Element = T;
    const LENGTH: usize = 1;
}

// SAFETY: an array stores its items contiguously, without padding, with the alignment of an item, and each item is `A::LENGTH` elements.
unsafe impl<A: Nested, const N: usize> Nested for [A; N] {
    type Element = A::Element;
    const LENGTH: usize = N * A::LENGTH;
}

// SAFETY: `Tensor` is `repr(transparent)` over nested arrays of `T`, for which the case above holds.
unsafe impl<const H: usize, const W: usize, const C: usize, T: Element> Nested for Tensor<H, W, C, T> {
    type Element = T;
    const LENGTH: usize = H * W * C;
}

/// Returns the elements of many values, contiguous.
pub(crate) fn elements_of<A: Nested>(values: &[A]) -> &[A::Element] {
    // SAFETY: `Nested` promises that each value is `LENGTH` contiguous elements, so that the slice covers exactly the memory of `values`.
    unsafe { core::slice::from_raw_parts(values.as_ptr().cast(), values.len() * A::LENGTH) }
}

/// Returns the elements of many values, mutable.
pub(crate) fn elements_of_mut<A: Nested>(values: &mut [A]) -> &mut [A::Element] {
    // SAFETY: as in `elements_of`; `values` is borrowed mutably for as long as the result, so nothing else accesses it.
    unsafe { core::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len() * A::LENGTH) }
}

/// Returns elements as values; a remainder too short for a value is left out.
fn values_of<A: Nested>(elements: &[A::Element]) -> &[A] {
    // SAFETY: `Nested` promises that a value is `LENGTH` contiguous elements, aligned as one; the count is rounded down to whole values, so
    // that they lie within `elements`.
    unsafe { core::slice::from_raw_parts(elements.as_ptr().cast(), elements.len().checked_div(A::LENGTH).unwrap_or(0)) }
}

/// Returns whether elements are `f32` or `f64`, which have no padding and for which all bit patterns are valid.
fn are_floats<T: Precision>() -> bool {
    let id = TypeId::of::<T>();
    id == TypeId::of::<f32>() || id == TypeId::of::<f64>()
}

/// Returns the bytes of elements in native order; an empty slice where they are neither `f32` nor `f64`.
#[cfg(feature = "std")]
pub(crate) fn bytes_of<T: Precision>(elements: &[T]) -> &[u8] {
    let len = if are_floats::<T>() { size_of_val(elements) } else { 0 };
    // SAFETY: `len` is the size of `elements` in bytes, or 0. Elements are `f32` or `f64` then, which have no padding, so all bytes are initialised.
    unsafe { core::slice::from_raw_parts(elements.as_ptr().cast(), len) }
}

/// Returns the bytes of elements, mutable; an empty slice where they are neither `f32` nor `f64`.
#[cfg(feature = "std")]
pub(crate) fn bytes_of_mut<T: Precision>(elements: &mut [T]) -> &mut [u8] {
    let len = if are_floats::<T>() { size_of_val(elements) } else { 0 };
    // SAFETY: as in `bytes_of`, with `elements` borrowed mutably; any bytes written are valid `f32` or `f64`.
    unsafe { core::slice::from_raw_parts_mut(elements.as_mut_ptr().cast(), len) }
}

/// Returns bytes as elements in place; `None` where they are not aligned, or not a whole number of `f32` or `f64`.
pub(crate) fn elements_in<T: Precision>(bytes: &[u8]) -> Option<&[T]> {
    let elements = bytes.as_ptr().cast::<T>();
    if !are_floats::<T>() || !elements.is_aligned() || !bytes.len().is_multiple_of(size_of::<T>()) {
        return None;
    }
    // SAFETY: the result borrows `bytes` and covers no more than them. The address is aligned, and any bytes are a valid `f32` or `f64`.
    Some(unsafe { core::slice::from_raw_parts(elements, bytes.len() / size_of::<T>()) })
}

/// An image of `H` rows, `W` columns and `C` channels, stored row by row; the channels of a pixel are contiguous.
///
/// ```
/// use netwright_runtime::Tensor;
/// let mut image = Tensor::<28, 28, 1>::zeros();
/// image[[3, 4, 0]] = 1.0;
/// assert_eq!(image.as_slice()[3 * 28 + 4], 1.0);
/// ```
#[derive(Clone, Copy, PartialEq)]
#[repr(transparent)]
pub struct Tensor<const H: usize, const W: usize, const C: usize, T = f32>([[[T; C]; W]; H]);

impl<const H: usize, const W: usize, const C: usize, T: Precision> Tensor<H, W, C, T> {
    /// The number of elements.
    pub const LEN: usize = H * W * C;

    /// Creates an image of zeros. A large one, such as 256x256x3, belongs on the heap: [`Tensor::boxed_zeros`].
    pub const fn zeros() -> Self {
        Self([[[T::ZERO; C]; W]; H])
    }

    /// Creates an image of zeros on the heap. It is never on the stack, whatever its size and however the program is compiled.
    ///
    /// ```
    /// use netwright_runtime::Tensor;
    /// let mut image = Tensor::<1024, 1024, 3>::boxed_zeros();
    /// image[[1023, 0, 2]] = 1.0;
    /// ```
    #[cfg(feature = "std")]
    pub fn boxed_zeros() -> Box<Self> {
        crate::memory::boxed_zeros()
    }

    /// Creates an image on the heap and sets each element to `value(row, column, channel)`, in place.
    #[cfg(feature = "std")]
    pub fn boxed_from_fn(mut value: impl FnMut(usize, usize, usize) -> T) -> Box<Self> {
        let mut image = Self::boxed_zeros();
        for (y, row) in image.0.iter_mut().enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                pixel.iter_mut().enumerate().for_each(|(c, element)| *element = value(y, x, c));
            }
        }
        image
    }

    /// Converts the elements of one image, row by row, into an image on the heap, without copying.
    ///
    /// ```
    /// use netwright_runtime::Tensor;
    /// let image = Tensor::<2, 2, 1>::boxed_from(vec![1.0, 2.0, 3.0, 4.0])?;
    /// assert_eq!(image[[1, 0, 0]], 3.0);
    /// assert!(Tensor::<2, 2, 1>::boxed_from(vec![1.0, 2.0]).is_err());
    /// # Ok::<(), netwright_runtime::predictor::LengthError>(())
    /// ```
    ///
    /// # Errors
    /// [`LengthError`](crate::predictor::LengthError) where there are not exactly [`Self::LEN`] elements.
    #[cfg(feature = "std")]
    pub fn boxed_from(elements: Vec<T>) -> Result<Box<Self>, crate::predictor::LengthError> {
        crate::memory::boxed_from(elements)
    }

    /// Creates an image from rows of pixels of channels.
    pub const fn new(rows: [[[T; C]; W]; H]) -> Self {
        Self(rows)
    }

    /// Creates an image whose elements are `value(row, column, channel)`.
    /// For a large image see [`Tensor::boxed_from_fn`].
    pub fn from_fn(mut value: impl FnMut(usize, usize, usize) -> T) -> Self {
        Self(core::array::from_fn(|y| core::array::from_fn(|x| core::array::from_fn(|c| value(y, x, c)))))
    }

    /// Copies the image directly to the heap. `clone` may go through the stack, also that of a `Box` or a `Vec`.
    #[cfg(feature = "std")]
    pub fn boxed_clone(&self) -> Box<Self> {
        let mut copy = Self::boxed_zeros();
        crate::memory::Stored::assign_to(self, &mut copy);
        copy
    }

    /// Returns the elements of one image as an image, without copying; `None` where there are not exactly [`Self::LEN`] elements.
    pub fn view(elements: &[T]) -> Option<&Self> {
        if elements.len() != Self::LEN {
            return None;
        }
        values_of(elements).first()
    }

    /// Returns all elements, row by row.
    pub fn as_slice(&self) -> &[T] {
        self.0.as_flattened().as_flattened()
    }

    /// Returns all elements, row by row, mutable.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.0.as_flattened_mut().as_flattened_mut()
    }
}

impl<const H: usize, const W: usize, const C: usize, T> core::ops::Index<[usize; 3]> for Tensor<H, W, C, T> {
    type Output = T;
    fn index(&self, [row, column, channel]: [usize; 3]) -> &T {
        &self.0[row][column][channel]
    }
}

impl<const H: usize, const W: usize, const C: usize, T> core::ops::IndexMut<[usize; 3]> for Tensor<H, W, C, T> {
    fn index_mut(&mut self, [row, column, channel]: [usize; 3]) -> &mut T {
        &mut self.0[row][column][channel]
    }
}

impl<const H: usize, const W: usize, const C: usize, T: Precision> Default for Tensor<H, W, C, T> {
    fn default() -> Self {
        Self::zeros()
    }
}

/// Prints the size, not the elements.
impl<const H: usize, const W: usize, const C: usize, T> core::fmt::Debug for Tensor<H, W, C, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Tensor<{H}, {W}, {C}>")
    }
}

/// One input of a network: contiguous elements.
pub trait Sample<T>: Nested<Element = T> + Send + Sync + 'static {
    /// The number of elements.
    const LEN: usize;
    /// Returns the elements.
    fn elements(&self) -> &[T];
    /// Returns the elements of many samples, contiguous.
    fn many(samples: &[Self]) -> &[T];
}

/// One answer of a network: contiguous elements.
pub trait Output<T>: Sample<T> + Clone {
    /// Creates an answer of zeros.
    fn zeros() -> Self;
    /// Returns the elements, mutable.
    fn elements_mut(&mut self) -> &mut [T];
    /// Returns the elements of many answers, contiguous and mutable.
    fn many_mut(outputs: &mut [Self]) -> &mut [T];
    /// Returns elements as answers; a remainder too short for an answer is left out.
    fn views(elements: &[T]) -> &[Self];
}

macro_rules! sample {
    ([$($sizes:tt)*] $sample:ty, $zeros:expr) => {
        impl<T: Precision, $($sizes)*> Sample<T> for $sample {
            const LEN: usize = Self::LENGTH;
            fn elements(&self) -> &[T] {
                elements_of(core::slice::from_ref(self))
            }
            fn many(samples: &[Self]) -> &[T] {
                elements_of(samples)
            }
        }

        impl<T: Precision, $($sizes)*> Output<T> for $sample {
            fn zeros() -> Self {
                $zeros
            }
            fn elements_mut(&mut self) -> &mut [T] {
                elements_of_mut(core::slice::from_mut(self))
            }
            fn many_mut(outputs: &mut [Self]) -> &mut [T] {
                elements_of_mut(outputs)
            }
            fn views(elements: &[T]) -> &[Self] {
                values_of(elements)
            }
        }
    };
}

sample!([const N: usize] [T; N], [T::ZERO; N]);
sample!([const H: usize, const W: usize, const C: usize] Tensor<H, W, C, T>, Tensor::zeros());
