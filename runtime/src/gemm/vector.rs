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
    /// AVX-512 F and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The widest that this processor has; without the standard library, the widest that the target promises.
    #[inline]
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            #[cfg(feature = "std")]
            let (avx512, avx2) = (
                std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                    && std::arch::is_x86_feature_detected!("fma"),
                std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma"),
            );
            #[cfg(not(feature = "std"))]
            let (avx512, avx2) = (
                cfg!(all(target_feature = "avx512f", target_feature = "avx512vl", target_feature = "fma")),
                cfg!(all(target_feature = "avx2", target_feature = "fma")),
            );
            if avx512 {
                return Self::Avx512;
            }
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
        let levels = [Self::Baseline, Self::Avx2, Self::Avx512];
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

/// Runs the body with the vectors of a level that [`Level::detect`] has found.
#[inline]
pub(crate) fn run<T: Scalar>(level: Level, body: impl Body<T>) {
    match level {
        // SAFETY: plain code.
        Level::Baseline => unsafe { body.run::<Plain<T>>() },
        // SAFETY: the level was detected.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::run_avx2(body) },
        // SAFETY: the level was detected.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::run_avx512(body) },
    }
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
    /// Zeros in the lanes left out.
    unsafe fn load_masked(from: *const T, mask: Self::Mask) -> Self;
    unsafe fn store_masked(self, to: *mut T, mask: Self::Mask);
    unsafe fn add(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once where the processor can.
    unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self;
    /// The sum of the lanes.
    unsafe fn sum(self) -> T;
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
    unsafe fn sum(self) -> T {
        let [a, b, c, d] = self.0;
        (a + c) + (b + d)
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{V256, V512};

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
        unsafe { body.run::<V256<T, false>>() }
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512vl")]
    pub(super) unsafe fn run_avx512<T: Scalar>(body: impl Body<T>) {
        // SAFETY: this function has the instructions.
        unsafe { body.run::<V512<T>>() }
    }

    /// Whether the numbers are `f32`; `Scalar` is sealed, else they are `f64`.
    const fn single<T>() -> bool {
        size_of::<T>() == 4
    }

    /// 512 bits.
    #[derive(Clone, Copy)]
    pub(crate) struct V512<T>(__m512, PhantomData<T>);

    impl<T> V512<T> {
        #[inline(always)]
        fn double(self) -> __m512d {
            // SAFETY: both are 512 bits of any value.
            unsafe { core::mem::transmute(self.0) }
        }
        #[inline(always)]
        fn from_double(value: __m512d) -> Self {
            // SAFETY: both are 512 bits of any value.
            Self(unsafe { core::mem::transmute::<__m512d, __m512>(value) }, PhantomData)
        }
        #[inline(always)]
        fn from_single(value: __m512) -> Self {
            Self(value, PhantomData)
        }
    }

    // SAFETY of every block below: the caller promises the instructions and the pointers; `T` is `f32` where it has four
    // bytes and `f64` otherwise.
    #[allow(clippy::undocumented_unsafe_blocks)]
    impl<T: Scalar> Vector<T> for V512<T> {
        const LANES: usize = 64 / size_of::<T>();
        type Half = V256<T, true>;
        type Mask = u16;

        #[inline(always)]
        unsafe fn mask(count: usize) -> u16 {
            ((1u32 << count) - 1) as u16
        }
        #[inline(always)]
        unsafe fn splat(value: T) -> Self {
            unsafe {
                if single::<T>() {
                    Self::from_single(_mm512_set1_ps(transmute_copy(&value)))
                } else {
                    Self::from_double(_mm512_set1_pd(value.to_f64()))
                }
            }
        }
        #[inline(always)]
        unsafe fn load(from: *const T) -> Self {
            unsafe { Self::from_single(_mm512_loadu_ps(from.cast())) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut T) {
            unsafe { _mm512_storeu_ps(to.cast(), self.0) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const T, mask: u16) -> Self {
            unsafe {
                if single::<T>() {
                    Self::from_single(_mm512_maskz_loadu_ps(mask, from.cast()))
                } else {
                    Self::from_double(_mm512_maskz_loadu_pd(mask as u8, from.cast()))
                }
            }
        }
        #[inline(always)]
        unsafe fn store_masked(self, to: *mut T, mask: u16) {
            unsafe {
                if single::<T>() {
                    _mm512_mask_storeu_ps(to.cast(), mask, self.0);
                } else {
                    _mm512_mask_storeu_pd(to.cast(), mask as u8, self.double());
                }
            }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            unsafe {
                if single::<T>() {
                    Self::from_single(_mm512_add_ps(self.0, other.0))
                } else {
                    Self::from_double(_mm512_add_pd(self.double(), other.double()))
                }
            }
        }
        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
            unsafe {
                if single::<T>() {
                    Self::from_single(_mm512_fmadd_ps(self.0, factor.0, addend.0))
                } else {
                    Self::from_double(_mm512_fmadd_pd(self.double(), factor.double(), addend.double()))
                }
            }
        }
        #[inline(always)]
        unsafe fn sum(self) -> T {
            unsafe {
                if single::<T>() {
                    transmute_copy(&_mm512_reduce_add_ps(self.0))
                } else {
                    transmute_copy(&_mm512_reduce_add_pd(self.double()))
                }
            }
        }
    }

    /// 256 bits; `MASKS`: with the masks of AVX-512 VL, whose partial stores are cheap.
    #[derive(Clone, Copy)]
    pub(crate) struct V256<T, const MASKS: bool>(__m256, PhantomData<T>);

    impl<T, const MASKS: bool> V256<T, MASKS> {
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

    // SAFETY of every block below: the caller promises the instructions and the pointers; `T` is `f32` where it has four
    // bytes and `f64` otherwise.
    #[allow(clippy::undocumented_unsafe_blocks)]
    impl<T: Scalar, const MASKS: bool> Vector<T> for V256<T, MASKS> {
        const LANES: usize = 32 / size_of::<T>();
        type Half = Self;
        type Mask = (__m256i, u8);

        #[inline(always)]
        unsafe fn mask(count: usize) -> (__m256i, u8) {
            unsafe {
                let lanes = if single::<T>() {
                    _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
                } else {
                    _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), _mm256_setr_epi64x(0, 1, 2, 3))
                };
                (lanes, ((1u32 << count) - 1) as u8)
            }
        }
        #[inline(always)]
        unsafe fn splat(value: T) -> Self {
            unsafe {
                if single::<T>() {
                    Self::from_single(_mm256_set1_ps(transmute_copy(&value)))
                } else {
                    Self::from_double(_mm256_set1_pd(value.to_f64()))
                }
            }
        }
        #[inline(always)]
        unsafe fn load(from: *const T) -> Self {
            unsafe { Self::from_single(_mm256_loadu_ps(from.cast())) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut T) {
            unsafe { _mm256_storeu_ps(to.cast(), self.0) }
        }
        #[inline(always)]
        unsafe fn load_masked(from: *const T, (lanes, bits): (__m256i, u8)) -> Self {
            unsafe {
                match (single::<T>(), MASKS) {
                    (true, false) => Self::from_single(_mm256_maskload_ps(from.cast(), lanes)),
                    (false, false) => Self::from_double(_mm256_maskload_pd(from.cast(), lanes)),
                    (true, true) => Self::from_single(_mm256_maskz_loadu_ps(bits, from.cast())),
                    (false, true) => Self::from_double(_mm256_maskz_loadu_pd(bits, from.cast())),
                }
            }
        }
        #[inline(always)]
        unsafe fn store_masked(self, to: *mut T, (lanes, bits): (__m256i, u8)) {
            unsafe {
                match (single::<T>(), MASKS) {
                    (true, false) => _mm256_maskstore_ps(to.cast(), lanes, self.0),
                    (false, false) => _mm256_maskstore_pd(to.cast(), lanes, self.double()),
                    (true, true) => _mm256_mask_storeu_ps(to.cast(), bits, self.0),
                    (false, true) => _mm256_mask_storeu_pd(to.cast(), bits, self.double()),
                }
            }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            unsafe {
                if single::<T>() {
                    Self::from_single(_mm256_add_ps(self.0, other.0))
                } else {
                    Self::from_double(_mm256_add_pd(self.double(), other.double()))
                }
            }
        }
        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
            unsafe {
                if single::<T>() {
                    Self::from_single(_mm256_fmadd_ps(self.0, factor.0, addend.0))
                } else {
                    Self::from_double(_mm256_fmadd_pd(self.double(), factor.double(), addend.double()))
                }
            }
        }
        #[inline(always)]
        unsafe fn sum(self) -> T {
            let mut lanes = [T::ZERO; 8];
            unsafe { self.store(lanes.as_mut_ptr()) };
            let [a, b, c, d, e, f, g, h] = lanes;
            ((a + e) + (c + g)) + ((b + f) + (d + h))
        }
    }
}
