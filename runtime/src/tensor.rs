//! Images with their sizes in the type, and the traits by which passes see them as flat slices.

use core::any::TypeId;

use crate::scalar::Precision;

/// What arrays and images can be made of: numbers, and labels. Its default is 0.
pub trait Element: Copy + Default + Send + Sync + 'static {}

macro_rules! elements {
    ($($element:ty)*) => { $(impl Element for $element {})* };
}

elements!(f32 f64 u8 u16 u32 u64 usize i8 i16 i32 i64 isize bool);

/// Elements in a row, however they are nested: one, an array of arrays, a [`Tensor`].
///
/// # Safety
/// The implementor is exactly `LENGTH` elements in a row, without padding and aligned as one of them.
pub unsafe trait Nested: Clone {
    /// What it is made of.
    type Element: Element;
    /// Of how many.
    const LENGTH: usize;
}

// SAFETY: an element is itself.
unsafe impl<T: Element> Nested for T {
    type Element = T;
    const LENGTH: usize = 1;
}

// SAFETY: an array is its elements in a row, without padding.
unsafe impl<A: Nested, const N: usize> Nested for [A; N] {
    type Element = A::Element;
    const LENGTH: usize = N * A::LENGTH;
}

// SAFETY: a `Tensor` is transparent over nested arrays.
unsafe impl<const H: usize, const W: usize, const C: usize, T: Element> Nested for Tensor<H, W, C, T> {
    type Element = T;
    const LENGTH: usize = H * W * C;
}

/// The elements of many values, contiguous.
pub(crate) fn elements_of<A: Nested>(values: &[A]) -> &[A::Element] {
    // SAFETY: `Nested` promises that these are `LENGTH` elements each, in a row.
    unsafe { core::slice::from_raw_parts(values.as_ptr().cast(), values.len() * A::LENGTH) }
}

/// The elements of many values, to change.
pub(crate) fn elements_of_mut<A: Nested>(values: &mut [A]) -> &mut [A::Element] {
    // SAFETY: as in `elements_of`; the slice is borrowed mutably, so nothing else sees it.
    unsafe { core::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len() * A::LENGTH) }
}

/// Elements seen as values; a rest too short for one is left out.
fn values_of<A: Nested>(elements: &[A::Element]) -> &[A] {
    // SAFETY: `Nested` promises that a value is `LENGTH` elements in a row, aligned as one; the count is rounded down to whole values.
    unsafe { core::slice::from_raw_parts(elements.as_ptr().cast(), elements.len().checked_div(A::LENGTH).unwrap_or(0)) }
}

/// Whether elements are `f32` or `f64`, which any bytes are, and which have no padding.
fn are_floats<T: Precision>() -> bool {
    let id = TypeId::of::<T>();
    id == TypeId::of::<f32>() || id == TypeId::of::<f64>()
}

/// The bytes of elements, as they lie in memory; none where they are neither `f32` nor `f64`.
#[cfg(feature = "std")]
pub(crate) fn bytes_of<T: Precision>(elements: &[T]) -> &[u8] {
    let len = if are_floats::<T>() { size_of_val(elements) } else { 0 };
    // SAFETY: these are the bytes of `f32` or `f64`, all of them initialised, or none.
    unsafe { core::slice::from_raw_parts(elements.as_ptr().cast(), len) }
}

/// The bytes of elements, to change; none where they are neither `f32` nor `f64`.
#[cfg(feature = "std")]
pub(crate) fn bytes_of_mut<T: Precision>(elements: &mut [T]) -> &mut [u8] {
    let len = if are_floats::<T>() { size_of_val(elements) } else { 0 };
    // SAFETY: as in `bytes_of`, borrowed mutably; whatever is written is `f32` or `f64` again.
    unsafe { core::slice::from_raw_parts_mut(elements.as_mut_ptr().cast(), len) }
}

/// Bytes seen as elements where they lie; `None` where they are not aligned, or not whole elements of `f32` or `f64`.
pub(crate) fn elements_in<T: Precision>(bytes: &[u8]) -> Option<&[T]> {
    let elements = bytes.as_ptr().cast::<T>();
    if !are_floats::<T>() || !elements.is_aligned() || !bytes.len().is_multiple_of(size_of::<T>()) {
        return None;
    }
    // SAFETY: the bytes are borrowed as long as the elements, aligned and whole, and any bytes are `f32` or `f64`.
    Some(unsafe { core::slice::from_raw_parts(elements, bytes.len() / size_of::<T>()) })
}

/// An image of `H` rows, `W` columns and `C` channels. In memory the channels of a pixel lie together.
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
    /// How many elements it holds.
    pub const LEN: usize = H * W * C;

    /// All zeros. One that is large, as 256x256x3, belongs on the heap: [`Tensor::boxed_zeros`].
    pub const fn zeros() -> Self {
        Self([[[T::ZERO; C]; W]; H])
    }

    /// All zeros, on the heap from the start: it never lies on a stack, whatever its size and however the program is compiled.
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

    /// The value at each row, column and channel, written where the image stays: on the heap.
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

    /// The elements of one image, row by row, as an image: they stay where they are, on the heap.
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
    /// [`LengthError`](crate::predictor::LengthError) where there are not exactly [`Self::LEN`].
    #[cfg(feature = "std")]
    pub fn boxed_from(elements: Vec<T>) -> Result<Box<Self>, crate::predictor::LengthError> {
        crate::memory::boxed_from(elements)
    }

    /// From rows of pixels of channels.
    pub const fn new(rows: [[[T; C]; W]; H]) -> Self {
        Self(rows)
    }

    /// The value at each row, column and channel.
    /// For a large image see [`Tensor::boxed_from_fn`].
    pub fn from_fn(mut value: impl FnMut(usize, usize, usize) -> T) -> Self {
        Self(core::array::from_fn(|y| core::array::from_fn(|x| core::array::from_fn(|c| value(y, x, c)))))
    }

    /// A copy on the heap from the start, where `clone` may take the way over the stack, also that of a `Box` or a `Vec`.
    #[cfg(feature = "std")]
    pub fn boxed_clone(&self) -> Box<Self> {
        let mut copy = Self::boxed_zeros();
        crate::memory::Stored::assign_to(self, &mut copy);
        copy
    }

    /// The elements of one image seen as an image; `None` where there are not exactly [`Self::LEN`].
    pub fn view(elements: &[T]) -> Option<&Self> {
        if elements.len() != Self::LEN {
            return None;
        }
        values_of(elements).first()
    }

    /// All elements, row by row.
    pub fn as_slice(&self) -> &[T] {
        self.0.as_flattened().as_flattened()
    }

    /// All elements, row by row.
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

/// Its size, not its elements.
impl<const H: usize, const W: usize, const C: usize, T> core::fmt::Debug for Tensor<H, W, C, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Tensor<{H}, {W}, {C}>")
    }
}

/// One input of a network: elements in a row.
pub trait Sample<T>: Nested<Element = T> + Send + Sync + 'static {
    /// How many elements.
    const LEN: usize;
    /// The elements.
    fn elements(&self) -> &[T];
    /// The elements of many, contiguous.
    fn many(samples: &[Self]) -> &[T];
}

/// One answer of a network.
pub trait Output<T>: Sample<T> + Clone {
    /// All zeros.
    fn zeros() -> Self;
    /// The elements.
    fn elements_mut(&mut self) -> &mut [T];
    /// The elements of many, contiguous.
    fn many_mut(outputs: &mut [Self]) -> &mut [T];
    /// Elements seen as answers; a rest too short for one is left out.
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
