//! Vectors as arrays, which the compiler maps to the vectors of the target.

use core::ops::{Add, Div, Mul, Neg, Sub};

use super::{Isa, Lane, Simd, Vector, WithSimd};

/// Declares a token and its vector of some lanes. The lanes are written out, because loops over arrays are not always vectorised.
macro_rules! portable {
    (
        $(#[$attribute:meta])*
        $token:ident, $vector:ident, $lanes:literal, [$($lane:literal)*]
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $token(());

        impl $token {
            /// Makes the token: portable code runs on every processor.
            pub const fn new() -> Self {
                Self(())
            }
        }

        /// The vector of the token with the same number of lanes.
        #[derive(Clone, Copy, Debug)]
        pub struct $vector<T>([T; $lanes]);

        impl<T: Lane + Vector<T>> Vector<T> for $vector<T> {
            const LANES: usize = $lanes;
            type Mask = usize;

            #[inline(always)]
            fn like(self, value: T) -> Self {
                Self([value; $lanes])
            }
            #[inline(always)]
            fn multiply_add(self, factor: Self, addend: Self) -> Self {
                Self([$(self.0[$lane] * factor.0[$lane] + addend.0[$lane]),*])
            }
            #[inline(always)]
            fn at_least(self, floor: Self) -> Self {
                Self([$(self.0[$lane].at_least(floor.0[$lane])),*])
            }
            #[inline(always)]
            fn where_less(self, bound: Self, yes: Self, no: Self) -> Self {
                Self([$(self.0[$lane].where_less(bound.0[$lane], yes.0[$lane], no.0[$lane])),*])
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                Self([$(self.0[$lane].magnitude()),*])
            }
            #[inline(always)]
            fn keep_bits(self, mask: T::Bits) -> Self {
                Self([$(self.0[$lane].keep_bits(mask)),*])
            }
            #[inline(always)]
            fn sum(self) -> T {
                // The second half is added to the first, until one lane is left.
                let mut lanes = self.0;
                let mut count = $lanes / 2;
                while count > 0 {
                    for i in 0..count {
                        lanes[i] = lanes[i] + lanes[i + count];
                    }
                    count /= 2;
                }
                lanes[0]
            }
            #[inline(always)]
            fn map(self, function: impl Fn(T) -> T) -> Self {
                Self([$(function(self.0[$lane])),*])
            }
            #[inline(always)]
            fn spread(self, width: usize, lane: usize) -> Self {
                Self([$(self.0[($lane / width * width + lane) % $lanes]),*])
            }
            #[inline(always)]
            fn store(self, to: &mut [T]) {
                to[..$lanes].copy_from_slice(&self.0);
            }
            #[inline(always)]
            fn store_partial(self, to: &mut [T]) {
                for (to, lane) in to.iter_mut().zip(self.0) {
                    *to = lane;
                }
            }
            #[inline(always)]
            unsafe fn store_at(self, to: *mut T) {
                // SAFETY: the caller guarantees a pointer valid for the lanes.
                unsafe { to.cast::<[T; $lanes]>().write_unaligned(self.0) }
            }
            #[inline(always)]
            unsafe fn store_masked(self, to: *mut T, mask: usize) {
                for (i, &lane) in self.0.iter().enumerate() {
                    if i < mask {
                        // SAFETY: the caller guarantees a pointer valid for the masked lanes.
                        unsafe { to.add(i).write_unaligned(lane) }
                    }
                }
            }
            #[inline(always)]
            unsafe fn store_columns([a, b, c, d]: [Self; 4], to: *mut T, row: usize) {
                let rows = [$([a.0[$lane], b.0[$lane], c.0[$lane], d.0[$lane]]),*];
                for (n, four) in rows.into_iter().enumerate() {
                    // SAFETY: the caller guarantees rows of four elements.
                    unsafe { to.add(n * row).cast::<[T; 4]>().write_unaligned(four) }
                }
            }
        }

        portable!(@operators $vector, [$($lane)*], Add add +, Sub sub -, Mul mul *, Div div /);

        impl<T: Lane> Neg for $vector<T> {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                Self([$(-self.0[$lane]),*])
            }
        }
    };
    (@operators $vector:ident, $lanes:tt, $($trait:ident $method:ident $operator:tt),*) => {
        $( portable!(@operator $vector, $lanes, $trait $method $operator); )*
    };
    (@operator $vector:ident, [$($lane:literal)*], $trait:ident $method:ident $operator:tt) => {
        impl<T: Lane> $trait for $vector<T> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self([$(self.0[$lane] $operator other.0[$lane]),*])
            }
        }
    };
}

/// Implements a token for one element type.
macro_rules! token {
    ($scalar:ty, $token:ident, $half:ident, $vector:ident, $lanes:literal, $registers:literal, [$($lane:literal)*]) => {
        impl Simd<$scalar> for $token {
            const REGISTERS: usize = $registers;
            const FREE_MASKS: bool = false;
            type Vector = $vector<$scalar>;
            type Half = $half;

            #[inline(always)]
            fn half(self) -> $half {
                $half::new()
            }
            #[inline(always)]
            fn isa(self) -> Isa {
                Isa::Portable($half::new())
            }
            #[inline]
            fn call<K: WithSimd<$scalar>>(self, kernel: K) -> K::Output {
                kernel.with_simd(self)
            }
            #[inline(always)]
            fn splat(self, value: $scalar) -> $vector<$scalar> {
                $vector([value; $lanes])
            }
            #[inline(always)]
            fn mask(self, count: usize) -> usize {
                count
            }
            #[inline(always)]
            unsafe fn load_at(self, from: *const $scalar) -> $vector<$scalar> {
                // SAFETY: the caller guarantees a pointer valid for the lanes.
                $vector(unsafe { from.cast::<[$scalar; $lanes]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn load_masked(self, from: *const $scalar, mask: usize) -> $vector<$scalar> {
                let mut lanes = [0.0; $lanes];
                for (i, lane) in lanes.iter_mut().enumerate() {
                    if i < mask {
                        // SAFETY: the caller guarantees a pointer valid for the masked elements.
                        *lane = unsafe { from.add(i).read_unaligned() };
                    }
                }
                $vector(lanes)
            }
            #[inline(always)]
            unsafe fn load_columns(self, from: *const $scalar, row: usize) -> [$vector<$scalar>; 4] {
                // SAFETY: the caller guarantees rows of four elements.
                let rows = unsafe { [$(from.add($lane * row).cast::<[$scalar; 4]>().read_unaligned()),*] };
                [0, 1, 2, 3].map(|column| $vector([$(rows[$lane][column]),*]))
            }
        }
    };
}

portable! {
    /// Portable code of four lanes: always available. For `f32`, x86-64 has these vectors by SSE2, with a quarter of the code and the same
    /// bits.
    Portable, Lanes4, 4, [0 1 2 3]
}
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
token! { f32, Portable, Portable, Lanes4, 4, 12, [0 1 2 3] }
token! { f64, Portable, Portable, Lanes4, 4, 12, [0 1 2 3] }

portable! {
    /// Portable code of sixteen lanes, with as many registers as AVX-512, to test wide kernels on any machine.
    Portable16, Lanes16, 16, [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15]
}
token! { f32, Portable16, Portable, Lanes16, 16, 32, [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15] }
token! { f64, Portable16, Portable, Lanes16, 16, 32, [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15] }
