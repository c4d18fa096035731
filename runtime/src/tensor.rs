//! Images with their sizes in the type, and the traits by which passes see them as flat slices.

use crate::scalar::Scalar;

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

impl<const H: usize, const W: usize, const C: usize, T: Scalar> Tensor<H, W, C, T> {
    /// How many numbers it holds.
    pub const LEN: usize = H * W * C;

    /// All zeros.
    pub const fn zeros() -> Self {
        Self([[[T::ZERO; C]; W]; H])
    }

    /// From rows of pixels of channels.
    pub const fn new(rows: [[[T; C]; W]; H]) -> Self {
        Self(rows)
    }

    /// The value at each row, column and channel.
    pub fn from_fn(mut value: impl FnMut(usize, usize, usize) -> T) -> Self {
        Self(core::array::from_fn(|y| core::array::from_fn(|x| core::array::from_fn(|c| value(y, x, c)))))
    }

    /// The numbers of one image seen as an image; `None` where there are not exactly [`Self::LEN`].
    pub fn view(numbers: &[T]) -> Option<&Self> {
        if numbers.len() != Self::LEN {
            return None;
        }
        // SAFETY: a `Tensor` is `LEN` numbers in a row, without padding, and aligned as one; the length was just compared.
        Some(unsafe { &*numbers.as_ptr().cast::<Self>() })
    }

    /// All numbers, row by row.
    pub fn as_slice(&self) -> &[T] {
        self.0.as_flattened().as_flattened()
    }

    /// All numbers, row by row.
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

impl<const H: usize, const W: usize, const C: usize, T: Scalar> Default for Tensor<H, W, C, T> {
    fn default() -> Self {
        Self::zeros()
    }
}

/// Its size, not its numbers.
impl<const H: usize, const W: usize, const C: usize, T> core::fmt::Debug for Tensor<H, W, C, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Tensor<{H}, {W}, {C}>")
    }
}

/// One input of a network: numbers in a row.
pub trait Sample<T>: Sized + Send + Sync + 'static {
    /// How many numbers.
    const LEN: usize;
    /// The numbers.
    fn numbers(&self) -> &[T];
    /// The numbers of many, one behind the other.
    fn many(samples: &[Self]) -> &[T];
}

/// One answer of a network.
pub trait Output<T>: Sample<T> + Clone {
    /// All zeros.
    fn zeros() -> Self;
    /// The numbers.
    fn numbers_mut(&mut self) -> &mut [T];
    /// The numbers of many, one behind the other.
    fn many_mut(outputs: &mut [Self]) -> &mut [T];
    /// Numbers seen as answers; a rest too short for one is left out.
    fn views(numbers: &[T]) -> &[Self];
}

impl<T: Scalar, const N: usize> Sample<T> for [T; N] {
    const LEN: usize = N;
    fn numbers(&self) -> &[T] {
        self
    }
    fn many(samples: &[Self]) -> &[T] {
        samples.as_flattened()
    }
}

impl<T: Scalar, const N: usize> Output<T> for [T; N] {
    fn zeros() -> Self {
        [T::ZERO; N]
    }
    fn numbers_mut(&mut self) -> &mut [T] {
        self
    }
    fn many_mut(outputs: &mut [Self]) -> &mut [T] {
        outputs.as_flattened_mut()
    }
    fn views(numbers: &[T]) -> &[Self] {
        numbers.as_chunks().0
    }
}

impl<T: Scalar, const H: usize, const W: usize, const C: usize> Sample<T> for Tensor<H, W, C, T> {
    const LEN: usize = H * W * C;
    fn numbers(&self) -> &[T] {
        self.as_slice()
    }
    fn many(samples: &[Self]) -> &[T] {
        // SAFETY: `Tensor` is transparent over nested arrays of `T`: `samples` is `samples.len() * LEN` numbers in a row.
        unsafe { core::slice::from_raw_parts(samples.as_ptr().cast(), samples.len() * H * W * C) }
    }
}

impl<T: Scalar, const H: usize, const W: usize, const C: usize> Output<T> for Tensor<H, W, C, T> {
    fn zeros() -> Self {
        Self::zeros()
    }
    fn numbers_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
    fn many_mut(outputs: &mut [Self]) -> &mut [T] {
        // SAFETY: as in `many`; the slice is borrowed mutably, so nothing else sees it.
        unsafe { core::slice::from_raw_parts_mut(outputs.as_mut_ptr().cast(), outputs.len() * H * W * C) }
    }
    fn views(numbers: &[T]) -> &[Self] {
        // SAFETY: a `Tensor` is `H * W * C` numbers in a row, aligned as one; the count is rounded down to whole tensors.
        unsafe { core::slice::from_raw_parts(numbers.as_ptr().cast(), numbers.len() / (H * W * C)) }
    }
}
