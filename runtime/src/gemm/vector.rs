//! Vectors of the processor at hand: one body of a kernel, compiled once for each instruction set, chosen at run time.

use crate::scalar::Scalar;

/// The instruction sets a kernel is compiled for, from plain to wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Whatever the target has.
    Baseline,
    /// AVX2 and fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Level {
    /// The widest that this processor has; without the standard library, the widest that the target promises.
    #[inline]
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            #[cfg(feature = "std")]
            let avx2 = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
            #[cfg(not(feature = "std"))]
            let avx2 = cfg!(all(target_feature = "avx2", target_feature = "fma"));
            if avx2 {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// Every level that this processor can run.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let levels = [Self::Baseline, Self::Avx2];
        #[cfg(not(target_arch = "x86_64"))]
        let levels = [Self::Baseline];
        levels.into_iter().filter(|&level| level <= Self::detect())
    }
}

/// The body of a kernel, generic over the vector. `run` must be `#[inline(always)]`, so that it is compiled inside the
/// function that has the instruction set.
pub(crate) trait Body<T: Scalar> {
    /// Computes.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    unsafe fn run<V: Vector<T>>(self);
}

/// Runs the body with the vectors of a level that [`Level::detect`] has found. Double precision, which is for checks, has the
/// plain ones alone: every instance costs each user build time.
#[inline]
pub(crate) fn run<T: Scalar>(level: Level, body: impl Body<T>) {
    #[cfg(target_arch = "x86_64")]
    if T::VECTORISED && level == Level::Avx2 {
        // SAFETY: the level was detected.
        return unsafe { x86::run_avx2(body) };
    }
    let _ = level;
    // SAFETY: plain code.
    unsafe { body.run::<Plain<T>>() }
}

/// A few numbers computed at once.
///
/// # Safety of all methods
/// The processor has the vector's instructions; pointers are good for the `LANES` (or, with a mask, the masked) numbers.
#[allow(clippy::missing_safety_doc)]
pub(crate) trait Vector<T: Scalar>: Copy {
    /// How many numbers.
    const LANES: usize;
    /// A narrower vector of the same level, or the same.
    type Half: Vector<T>;
    /// Which lanes a partial load or store touches.
    type Mask: Copy;

    /// The first `count` lanes; `count` at most `LANES`.
    unsafe fn mask(count: usize) -> Self::Mask;
    unsafe fn splat(value: T) -> Self;
    unsafe fn load(from: *const T) -> Self;
    unsafe fn store(self, to: *mut T);
    /// Asks for the cache line at `from`, which may be anywhere: nothing is read.
    unsafe fn prefetch(from: *const T);
    /// Zeros in the lanes left out.
    unsafe fn load_masked(from: *const T, mask: Self::Mask) -> Self;
    unsafe fn store_masked(self, to: *mut T, mask: Self::Mask);
    unsafe fn add(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once where the processor can.
    unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self;
    /// The numbers, or those of `floor` where these are larger; NaN stays.
    unsafe fn at_least(self, floor: Self) -> Self;
    /// The sum of the lanes.
    unsafe fn sum(self) -> T;
    /// The columns of a matrix of `LANES` rows of four numbers, which start `row` apart.
    unsafe fn load_columns(from: *const T, row: usize) -> [Self; 4];
    /// Writes such a matrix.
    unsafe fn store_columns(columns: [Self; 4], to: *mut T, row: usize);
}

/// Four numbers in plain code, which the compiler turns into whatever vectors the target has.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T>([T; 4]);

impl<T: Scalar> Vector<T> for Plain<T> {
    const LANES: usize = 4;
    type Half = Self;
    type Mask = usize;

    #[inline(always)]
    unsafe fn mask(count: usize) -> usize {
        count
    }
    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's pointer is good for four numbers.
        Self(unsafe { from.cast::<[T; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's pointer is good for four numbers.
        unsafe { to.cast::<[T; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn prefetch(_from: *const T) {}
    #[inline(always)]
    unsafe fn load_masked(from: *const T, mask: usize) -> Self {
        let mut lanes = [T::ZERO; 4];
        for (i, lane) in lanes.iter_mut().enumerate() {
            if i < mask {
                // SAFETY: the caller's pointer is good for the masked numbers.
                *lane = unsafe { *from.add(i) };
            }
        }
        Self(lanes)
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut T, mask: usize) {
        for (i, &lane) in self.0.iter().enumerate() {
            if i < mask {
                // SAFETY: the caller's pointer is good for the masked numbers.
                unsafe { *to.add(i) = lane }
            }
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a + e, b + f, c + g, d + h])
    }
    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h], [i, j, k, l]) = (self.0, factor.0, addend.0);
        Self([a * e + i, b * f + j, c * g + k, d * h + l])
    }
    #[inline(always)]
    unsafe fn at_least(self, floor: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, floor.0);
        let at_least = |number: T, floor: T| if number < floor { floor } else { number };
        Self([at_least(a, e), at_least(b, f), at_least(c, g), at_least(d, h)])
    }
    #[inline(always)]
    unsafe fn sum(self) -> T {
        let [a, b, c, d] = self.0;
        (a + c) + (b + d)
    }
    #[inline(always)]
    unsafe fn load_columns(from: *const T, row: usize) -> [Self; 4] {
        // SAFETY: the caller's rows are good for four numbers.
        let [a, b, c, d] = unsafe {
            [Self::load(from), Self::load(from.add(row)), Self::load(from.add(2 * row)), Self::load(from.add(3 * row))]
        };
        Self::transposed([a, b, c, d])
    }
    #[inline(always)]
    unsafe fn store_columns(columns: [Self; 4], to: *mut T, row: usize) {
        let [a, b, c, d] = Self::transposed(columns);
        // SAFETY: the caller's rows are good for four numbers.
        unsafe {
            a.store(to);
            b.store(to.add(row));
            c.store(to.add(2 * row));
            d.store(to.add(3 * row));
        }
    }
}

impl<T: Copy> Plain<T> {
    #[inline(always)]
    fn transposed([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        let ([a, e, i, m], [b, f, j, n], [c, g, k, o], [d, h, l, p]) = (a.0, b.0, c.0, d.0);
        [Self([a, b, c, d]), Self([e, f, g, h]), Self([i, j, k, l]), Self([m, n, o, p])]
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::V256;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;
    use core::marker::PhantomData;
    use core::mem::{size_of, transmute_copy};

    use super::{Body, Vector};
    use crate::scalar::Scalar;

    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn run_avx2<T: Scalar>(body: impl Body<T>) {
        // SAFETY: this function has the instructions.
        unsafe { body.run::<V256<T>>() }
    }

    /// Whether the numbers are `f32`; `Scalar` is sealed, else they are `f64`.
    const fn single<T>() -> bool {
        size_of::<T>() == 4
    }

    /// 256 bits.
    #[derive(Clone, Copy)]
    pub(crate) struct V256<T>(__m256, PhantomData<T>);

    impl<T> V256<T> {
        #[inline(always)]
        fn double(self) -> __m256d {
            // SAFETY: both are 256 bits of any value.
            unsafe { core::mem::transmute(self.0) }
        }
        #[inline(always)]
        fn from_double(value: __m256d) -> Self {
            // SAFETY: both are 256 bits of any value.
            Self(unsafe { core::mem::transmute::<__m256d, __m256>(value) }, PhantomData)
        }
        #[inline(always)]
        fn from_single(value: __m256) -> Self {
            Self(value, PhantomData)
        }
    }

    /// One of two computations, by the kind of number.
    macro_rules! by_precision {
        ($type:ty, $single:expr, $double:expr) => {
            // SAFETY: the caller promises the instructions and the pointers; `Scalar` is sealed, so that the numbers are `f32`
            // where they have four bytes and `f64` otherwise.
            unsafe { if single::<$type>() { $single } else { $double } }
        };
    }

    impl<T: Scalar> Vector<T> for V256<T> {
        const LANES: usize = 32 / size_of::<T>();
        type Half = Self;
        type Mask = __m256i;

        #[inline(always)]
        unsafe fn mask(count: usize) -> __m256i {
            by_precision!(
                T,
                _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
                _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), _mm256_setr_epi64x(0, 1, 2, 3))
            )
        }
        #[inline(always)]
        unsafe fn splat(value: T) -> Self {
            by_precision!(
                T,
                Self::from_single(_mm256_set1_ps(transmute_copy(&value))),
                Self::from_double(_mm256_set1_pd(value.to_f64()))
            )
        }
        #[inline(always)]
        unsafe fn load(from: *const T) -> Self {
            by_precision!(
                T,
                Self::from_single(_mm256_loadu_ps(from.cast())),
                Self::from_double(_mm256_loadu_pd(from.cast()))
            )
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut T) {
            by_precision!(T, _mm256_storeu_ps(to.cast(), self.0), _mm256_storeu_pd(to.cast(), self.double()))
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const T) {
            // SAFETY: a hint, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const T, mask: __m256i) -> Self {
            by_precision!(
                T,
                Self::from_single(_mm256_maskload_ps(from.cast(), mask)),
                Self::from_double(_mm256_maskload_pd(from.cast(), mask))
            )
        }
        #[inline(always)]
        unsafe fn store_masked(self, to: *mut T, mask: __m256i) {
            by_precision!(
                T,
                _mm256_maskstore_ps(to.cast(), mask, self.0),
                _mm256_maskstore_pd(to.cast(), mask, self.double())
            )
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            by_precision!(
                T,
                Self::from_single(_mm256_add_ps(self.0, other.0)),
                Self::from_double(_mm256_add_pd(self.double(), other.double()))
            )
        }
        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
            by_precision!(
                T,
                Self::from_single(_mm256_fmadd_ps(self.0, factor.0, addend.0)),
                Self::from_double(_mm256_fmadd_pd(self.double(), factor.double(), addend.double()))
            )
        }
        #[inline(always)]
        unsafe fn at_least(self, floor: Self) -> Self {
            // The second operand is the result where either is NaN.
            by_precision!(
                T,
                Self::from_single(_mm256_max_ps(floor.0, self.0)),
                Self::from_double(_mm256_max_pd(floor.double(), self.double()))
            )
        }
        #[inline(always)]
        unsafe fn sum(self) -> T {
            let mut lanes = [T::ZERO; 8];
            // SAFETY: the caller promises the instructions, and there is room for eight numbers.
            unsafe { self.store(lanes.as_mut_ptr()) };
            let [a, b, c, d, e, f, g, h] = lanes;
            ((a + e) + (c + g)) + ((b + f) + (d + h))
        }
        #[inline(always)]
        unsafe fn load_columns(from: *const T, row: usize) -> [Self; 4] {
            // SAFETY: the caller promises the instructions, and rows that are good for four numbers.
            unsafe {
                if !single::<T>() {
                    return transposed_doubles([
                        Self::load(from),
                        Self::load(from.add(row)),
                        Self::load(from.add(2 * row)),
                        Self::load(from.add(3 * row)),
                    ]);
                }
                let [a, b, c, d] = transposed_halves([
                    load_halves(from.cast(), 4 * row),
                    load_halves(from.add(row).cast(), 4 * row),
                    load_halves(from.add(2 * row).cast(), 4 * row),
                    load_halves(from.add(3 * row).cast(), 4 * row),
                ]);
                [Self::from_single(a), Self::from_single(b), Self::from_single(c), Self::from_single(d)]
            }
        }
        #[inline(always)]
        unsafe fn store_columns([a, b, c, d]: [Self; 4], to: *mut T, row: usize) {
            // SAFETY: the caller promises the instructions, and rows that are good for four numbers.
            unsafe {
                if !single::<T>() {
                    let [a, b, c, d] = transposed_doubles([a, b, c, d]);
                    a.store(to);
                    b.store(to.add(row));
                    c.store(to.add(2 * row));
                    return d.store(to.add(3 * row));
                }
                let [a, b, c, d] = transposed_halves([a.0, b.0, c.0, d.0]);
                store_halves(a, to.cast(), 4 * row);
                store_halves(b, to.add(row).cast(), 4 * row);
                store_halves(c, to.add(2 * row).cast(), 4 * row);
                store_halves(d, to.add(3 * row).cast(), 4 * row);
            }
        }
    }

    /// Four numbers at `from`, and four that lie `apart`.
    ///
    /// # Safety
    /// The processor has AVX2, and the pointer is good for them.
    #[inline(always)]
    unsafe fn load_halves(from: *const f32, apart: usize) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from)), _mm_loadu_ps(from.add(apart)), 1) }
    }

    /// Writes what [`load_halves`] reads.
    ///
    /// # Safety
    /// The processor has AVX2, and the pointer is good for them.
    #[inline(always)]
    unsafe fn store_halves(values: __m256, to: *mut f32, apart: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            _mm_storeu_ps(to, _mm256_castps256_ps128(values));
            _mm_storeu_ps(to.add(apart), _mm256_extractf128_ps(values, 1));
        }
    }

    /// Transposes the four numbers of each half.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn transposed_halves([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            [
                _mm256_shuffle_ps(ab, cd, 0x44),
                _mm256_shuffle_ps(ab, cd, 0xee),
                _mm256_shuffle_ps(ab_high, cd_high, 0x44),
                _mm256_shuffle_ps(ab_high, cd_high, 0xee),
            ]
        }
    }

    /// Transposes four vectors of four numbers.
    ///
    /// # Safety
    /// The processor has AVX2, and the numbers are `f64`.
    #[inline(always)]
    unsafe fn transposed_doubles<T>([a, b, c, d]: [V256<T>; 4]) -> [V256<T>; 4] {
        let [a, b, c, d] = [a.double(), b.double(), c.double(), d.double()];
        // SAFETY: the caller's promise.
        unsafe {
            let (ab, cd) = (_mm256_unpacklo_pd(a, b), _mm256_unpacklo_pd(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_pd(a, b), _mm256_unpackhi_pd(c, d));
            [
                V256::from_double(_mm256_permute2f128_pd(ab, cd, 0x20)),
                V256::from_double(_mm256_permute2f128_pd(ab_high, cd_high, 0x20)),
                V256::from_double(_mm256_permute2f128_pd(ab, cd, 0x31)),
                V256::from_double(_mm256_permute2f128_pd(ab_high, cd_high, 0x31)),
            ]
        }
    }
}
