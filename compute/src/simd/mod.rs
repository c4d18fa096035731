//! The vector layer: the only module with code for particular instruction sets.
//!
//! A *token* ([`Portable`], and where the target has them `Avx2`, `Avx512`, `Neon`, `Wasm128`) is proof that the processor has an
//! instruction set: only detection makes one. A vector is made only from a token, so that arithmetic on vectors is safe. Only loads and
//! stores by raw pointer, at the edges of a register tile, are `unsafe`.
//!
//! | to write | use |
//! |---|---|
//! | an algorithm over vectors of any width | [`WithSimd`], generic over [`Simd`], run by [`Isa::dispatch`] |
//! | a plain loop that the compiler vectorises | `vectorised!` |
//! | a loop over accumulators in registers | `unrolled!` |
//!
//! [`Isa::detect`] detects the instruction set, and a kernel receives it with its context. Double precision, which is for checks, has
//! portable code only: every instance costs each user build time.
//!
//! Two crates were tried first, with Rust 1.95. Each was built clean in release mode, as was this crate, which then took 23 s of processor
//! time:
//!
//! | crate | build time | what it lacks for these kernels |
//! |---|---|---|
//! | `pulp` 0.22 | 13.0 s, ten packages | a vector wider than the processor's to test wide kernels with, a minimum Rust version, the loads of transposed rows |
//! | `fearless_simd` 1.2 | 7.0 s, one package | loads and stores of part of a vector, a fallback of sixteen lanes; AVX-512 only on processors with all thirty extensions of Ice Lake |
//!
//! Each costs more than the fifth that vectors may add to the build time, before the first kernel is compiled, for integers, complex
//! numbers and shuffles that no kernel here needs. This layer has only what the kernels need. It depends on nothing else of the crate.

#![allow(unsafe_code)]

use core::fmt::Debug;
use core::ops::{Add, Div, Mul, Neg, Sub};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod isa;
mod lane;
mod loops;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
mod portable;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm128;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use isa::{InstructionSet, Isa, MissingInstructions};
pub use lane::Lane;
pub(crate) use loops::{mapped, unrolled, vectorised};
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
pub use neon::Neon;
pub use portable::{Portable, Portable16};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use wasm128::Wasm128;

/// An algorithm that is generic over the instruction set.
///
/// `with_simd`, and the functions it calls with vectors, are `#[inline(always)]`, so that they are compiled inside [`Simd::call`], the one
/// function with the target feature enabled. A closure that is not inlined would be compiled without the feature.
pub trait WithSimd<T: Lane> {
    /// The type of the result.
    type Output;

    /// Whether vectors wider than AVX2's make it faster. A memory-bound algorithm says `false`: it is not compiled for wider vectors and
    /// runs with AVX2's.
    const GAINS_BY_WIDTH: bool = true;

    /// Runs the algorithm with the vectors of `simd`.
    fn with_simd<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// A token: proof that the processor has an instruction set. It makes that set's vectors of `T`.
pub trait Simd<T: Lane>: Copy + Debug + Send + Sync + 'static {
    /// The number of elements in a vector.
    const LANES: usize = <Self::Vector as Vector<T>>::LANES;
    /// The number of vector registers that a kernel may use.
    const REGISTERS: usize;
    /// Whether masked loads and stores are as fast as whole ones.
    const FREE_MASKS: bool;

    /// A vector of [`Simd::LANES`] elements.
    type Vector: Vector<T>;
    /// The token of an instruction set with vectors of half the width that this token also proves; the same token where there is none.
    type Half: Simd<T>;

    /// Returns the token of [`Simd::Half`].
    fn half(self) -> Self::Half;

    /// Returns the instruction set, for the plain loops that an algorithm runs besides its vector code.
    fn isa(self) -> Isa;

    /// Runs an algorithm inside a function that is compiled with the instructions.
    fn call<K: WithSimd<T>>(self, kernel: K) -> K::Output;

    /// Returns a vector with `value` in every lane.
    fn splat(self, value: T) -> Self::Vector;

    /// Returns the mask of the first `count` lanes, or of all lanes where `count` is larger.
    fn mask(self, count: usize) -> <Self::Vector as Vector<T>>::Mask;

    /// Loads a vector from the first elements of `from`.
    ///
    /// # Panics
    /// Where `from` is shorter than a vector.
    #[inline(always)]
    fn load(self, from: &[T]) -> Self::Vector {
        assert!(from.len() >= Self::LANES, "a vector of {} from a slice of {}", Self::LANES, from.len());
        // SAFETY: the assertion above holds, so that the slice is valid for a whole vector.
        unsafe { self.load_at(from.as_ptr()) }
    }

    /// Loads a vector from the first elements of `from`; lanes beyond its end are zero.
    #[inline(always)]
    fn load_partial(self, from: &[T]) -> Self::Vector {
        // SAFETY: the mask selects only lanes within the slice.
        unsafe { self.load_masked(from.as_ptr(), self.mask(from.len())) }
    }

    /// Loads a vector from `from`, which need not be aligned.
    ///
    /// # Safety
    /// `from` is valid for reads of [`Simd::LANES`] elements.
    unsafe fn load_at(self, from: *const T) -> Self::Vector;

    /// Loads the lanes that the mask selects from `from`; the others are zero.
    ///
    /// # Safety
    /// `from` is valid for reads of the selected elements.
    unsafe fn load_masked(self, from: *const T, mask: <Self::Vector as Vector<T>>::Mask) -> Self::Vector;

    /// Calls [`Simd::load_masked`] for a partial vector, else [`Simd::load_at`].
    ///
    /// # Safety
    /// As for the function that is called.
    #[inline(always)]
    unsafe fn load_edge(
        self,
        from: *const T,
        is_partial: bool,
        mask: <Self::Vector as Vector<T>>::Mask,
    ) -> Self::Vector {
        // SAFETY: the caller guarantees the contract of the function that is called.
        unsafe { if is_partial { self.load_masked(from, mask) } else { self.load_at(from) } }
    }

    /// Loads the four columns of a matrix of [`Simd::LANES`] rows of four elements. The starts of the rows are `row` elements apart.
    ///
    /// # Safety
    /// `from` is valid for reads of four elements at the start of each row.
    unsafe fn load_columns(self, from: *const T, row: usize) -> [Self::Vector; 4];

    /// Prefetches the cache line at `from`, which may be any address: nothing is read.
    #[inline(always)]
    fn prefetch(self, from: *const T) {
        let _ = from;
    }
}

/// A vector of an instruction set, or a single `f32` or `f64` as a vector of one lane.
///
/// Every operation but [`Vector::multiply_add`], [`Vector::quotient`] and [`Vector::sum`] gives the same bits for every instruction set.
pub trait Vector<T: Lane>:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The number of its elements.
    const LANES: usize;
    /// The lanes that a masked load or store accesses.
    type Mask: Copy;

    /// Returns a vector of the same type with `value` in every lane.
    fn like(self, value: T) -> Self;

    /// `self * factor + addend`, fused where the processor has fused multiply-add.
    fn multiply_add(self, factor: Self, addend: Self) -> Self;

    /// `self / divisor`, with an error of at most one unit in the last place, where both, their quotient and 1 / `divisor` are normal, or
    /// where `self` is zero, which may lose its sign. It multiplies by a reciprocal on processors whose division takes longer than all
    /// other operations of a function.
    #[inline(always)]
    fn quotient(self, divisor: Self) -> Self {
        self / divisor
    }

    /// The larger of the elements and those of `floor`; NaN elements stay NaN.
    fn at_least(self, floor: Self) -> Self;

    /// The smaller of the elements and those of `ceiling`; NaN elements stay NaN.
    #[inline(always)]
    fn at_most(self, ceiling: Self) -> Self {
        ceiling.where_less(self, ceiling, self)
    }

    /// Selects `yes` where an element is less than that of `bound`, else `no`; NaN selects `no`.
    fn where_less(self, bound: Self, yes: Self, no: Self) -> Self;

    /// |x|
    fn magnitude(self) -> Self;

    /// The bitwise AND of each element with `mask`.
    fn keep_bits(self, mask: T::Bits) -> Self;

    /// The sum of the lanes.
    fn sum(self) -> T;

    /// Applies a function to each element.
    fn map(self, function: impl Fn(T) -> T) -> Self;

    /// Broadcasts lane `lane` of each block of `width` lanes to the whole block. `width` is a power of two, and at most the width of the
    /// vector.
    #[must_use]
    fn spread(self, width: usize, lane: usize) -> Self;

    /// Stores the vector to the first elements of `to`.
    ///
    /// # Panics
    /// Where `to` is shorter than the vector.
    fn store(self, to: &mut [T]);

    /// Stores the first lanes of the vector to the first elements of `to`, as many as `to` has.
    fn store_partial(self, to: &mut [T]);

    /// Stores the vector to `to`, which need not be aligned.
    ///
    /// # Safety
    /// `to` is valid for writes of the whole vector.
    unsafe fn store_at(self, to: *mut T);

    /// Stores the lanes that the mask selects.
    ///
    /// # Safety
    /// `to` is valid for writes of the selected lanes.
    unsafe fn store_masked(self, to: *mut T, mask: Self::Mask);

    /// Stores four columns as rows: the inverse of [`Simd::load_columns`].
    ///
    /// # Safety
    /// `to` is valid for writes of four elements at the start of each row.
    unsafe fn store_columns(columns: [Self; 4], to: *mut T, row: usize);
}

/// Implements the operators of a vector type that wraps a register, by intrinsics.
macro_rules! arithmetic {
    ($vector:ident, $($trait:ident, $method:ident => $intrinsic:path);* $(;)?) => {
        $(
            impl core::ops::$trait for $vector {
                type Output = Self;
                #[inline(always)]
                fn $method(self, other: Self) -> Self {
                    #[allow(unused_unsafe)]
                    // SAFETY: a vector is made only from a token, which proves the instructions.
                    Self(unsafe { $intrinsic(self.0, other.0) })
                }
            }
        )*
    };
}
#[allow(unused_imports)]
pub(crate) use arithmetic;
