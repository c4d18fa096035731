//! The element types of vectors.

use core::fmt::Debug;
use core::ops::{Add, Div, Mul, Neg, Sub};

use super::{Isa, Portable, Simd, Vector, WithSimd};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The type of a lane, `f32` or `f64`. It is also a vector of one lane, so that one generic function serves scalars and vectors.
pub trait Lane:
    sealed::Sealed
    + Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// The unsigned integer with the same bits.
    type Bits: Copy;

    /// Runs an algorithm with the vectors of this type of an instruction set.
    #[doc(hidden)]
    fn dispatch<K: WithSimd<Self>>(isa: Isa, kernel: K) -> K::Output;

    /// Returns the AVX2 token where `vectorised!` loops run their AVX2 instance.
    #[doc(hidden)]
    #[cfg(target_arch = "x86_64")]
    fn loops_with_avx2(isa: Isa) -> Option<super::Avx2>;
}

impl Lane for f32 {
    type Bits = u32;

    #[inline(never)]
    fn dispatch<K: WithSimd<Self>>(isa: Isa, kernel: K) -> K::Output {
        match isa {
            Isa::Portable(simd) => simd.call(kernel),
            #[cfg(test)]
            Isa::Portable16(simd) => simd.call(kernel),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(simd) => simd.call(kernel),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(simd) => simd.call(kernel),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Isa::Neon(simd) => simd.call(kernel),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Wasm128(simd) => simd.call(kernel),
        }
    }

    #[inline]
    #[cfg(target_arch = "x86_64")]
    fn loops_with_avx2(isa: Isa) -> Option<super::Avx2> {
        match isa {
            Isa::Avx2(simd) => Some(simd),
            Isa::Avx512(simd) => Some(Simd::<f32>::half(simd)),
            _ => None,
        }
    }
}

impl Lane for f64 {
    type Bits = u64;

    #[inline(never)]
    fn dispatch<K: WithSimd<Self>>(_isa: Isa, kernel: K) -> K::Output {
        Portable::new().call(kernel)
    }

    #[inline]
    #[cfg(target_arch = "x86_64")]
    fn loops_with_avx2(_isa: Isa) -> Option<super::Avx2> {
        None
    }
}

/// Implements [`Vector`] for a scalar as a vector of one lane.
macro_rules! one_lane {
    ($type:ty) => {
        impl Vector<$type> for $type {
            const LANES: usize = 1;
            type Mask = bool;

            #[inline(always)]
            fn like(self, value: $type) -> Self {
                value
            }
            #[inline(always)]
            fn multiply_add(self, factor: Self, addend: Self) -> Self {
                self * factor + addend
            }
            #[inline(always)]
            fn at_least(self, floor: Self) -> Self {
                if self < floor { floor } else { self }
            }
            #[inline(always)]
            fn where_less(self, bound: Self, yes: Self, no: Self) -> Self {
                if self < bound { yes } else { no }
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn keep_bits(self, mask: <$type as Lane>::Bits) -> Self {
                <$type>::from_bits(self.to_bits() & mask)
            }
            #[inline(always)]
            fn sum(self) -> $type {
                self
            }
            #[inline(always)]
            fn map(self, function: impl Fn($type) -> $type) -> Self {
                function(self)
            }
            #[inline(always)]
            fn spread(self, _width: usize, _lane: usize) -> Self {
                self
            }
            #[inline(always)]
            fn store(self, to: &mut [$type]) {
                to[0] = self;
            }
            #[inline(always)]
            fn store_partial(self, to: &mut [$type]) {
                if let Some(to) = to.first_mut() {
                    *to = self;
                }
            }
            #[inline(always)]
            unsafe fn store_at(self, to: *mut $type) {
                // SAFETY: the caller guarantees a pointer valid for one element.
                unsafe { to.write_unaligned(self) }
            }
            #[inline(always)]
            unsafe fn store_masked(self, to: *mut $type, mask: bool) {
                if mask {
                    // SAFETY: the caller guarantees a pointer valid for the selected lane.
                    unsafe { to.write_unaligned(self) }
                }
            }
            #[inline(always)]
            unsafe fn store_columns(columns: [Self; 4], to: *mut $type, _row: usize) {
                // SAFETY: the caller guarantees that `to` is valid for one row of four elements.
                unsafe { to.cast::<[$type; 4]>().write_unaligned(columns) }
            }
        }
    };
}

one_lane!(f32);
one_lane!(f64);
