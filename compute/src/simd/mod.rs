//! The vector layer: the one place that knows instruction sets.
//!
//! A *token* ([`Portable`], and where the target has them `Avx2`, `Avx512`, `Neon`, `Wasm128`) proves that the processor
//! has an instruction set: it can be made only where detection found it. A vector can be made only from a token, so that
//! everything computed from vectors is safe; only loads and stores by raw pointer, at the edges of a register tile, are not.
//!
//! | to write | use |
//! |---|---|
//! | an algorithm over vectors of any width | [`WithSimd`], generic over [`Simd`], run by [`Isa::dispatch`] |
//! | a plain loop that the compiler vectorises | `vectorised!` |
//! | a loop over sums in registers | `unrolled!` |
//!
//! [`Isa::detect`] finds the instruction set; a kernel is given it with its context. Double precision, which is for checks, has the portable
//! code alone: every instance costs each user build time.
//!
//! Two crates were tried first, with Rust 1.95, each built clean in release beside this crate, which took 23 s of processor time then:
//!
//! | crate | builds in | what it lacks for these kernels |
//! |---|---|---|
//! | `pulp` 0.22 | 13.0 s, ten packages | a vector wider than the processor's to test wide kernels with, a minimum Rust version, the loads of transposed rows |
//! | `fearless_simd` 1.2 | 7.0 s, one package | loads and stores of part of a vector, a fallback of sixteen lanes; AVX-512 only on processors with all thirty extensions of Ice Lake |
//!
//! Each costs more than the fifth that vectors may add to the build before the first kernel is compiled, for integers, complex
//! numbers and shuffles that no kernel here needs. This layer has what they need. It depends on nothing of the crate around it.

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
/// `with_simd`, and the functions it calls with vectors, are `#[inline(always)]`, so that they are compiled inside the one function that
/// has the instructions: [`Simd::call`]. A closure that is not inlined would be compiled without them.
pub trait WithSimd<T: Lane> {
    /// What it computes.
    type Output;

    /// Whether vectors wider than AVX2's make it faster. What waits for memory, and is not compiled for them, takes those.
    const GAINS_BY_WIDTH: bool = true;

    /// Computes.
    fn with_simd<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// A token: proof that the processor has an instruction set, and the maker of its vectors of `T`.
pub trait Simd<T: Lane>: Copy + Debug + Send + Sync + 'static {
    /// Elements of a vector.
    const LANES: usize = <Self::Vector as Vector<T>>::LANES;
    /// Vectors that fit into registers at once.
    const REGISTERS: usize;
    /// Whether part of a vector is loaded and stored as fast as a whole one.
    const FREE_MASKS: bool;

    /// A vector of [`Simd::LANES`] elements.
    type Vector: Vector<T>;
    /// The same instruction set with a narrower vector, or the same.
    type Half: Simd<T>;

    /// Its token.
    fn half(self) -> Self::Half;

    /// What it proves, for the loops that an algorithm calls besides its vectors.
    fn isa(self) -> Isa;

    /// Runs an algorithm in a function of its own that has the instructions.
    fn call<K: WithSimd<T>>(self, kernel: K) -> K::Output;

    /// `value` in every lane.
    fn splat(self, value: T) -> Self::Vector;

    /// The first `count` lanes, all where there are fewer.
    fn mask(self, count: usize) -> <Self::Vector as Vector<T>>::Mask;

    /// The first elements of `from`.
    ///
    /// # Panics
    /// Where `from` is shorter than a vector.
    #[inline(always)]
    fn load(self, from: &[T]) -> Self::Vector {
        assert!(from.len() >= Self::LANES, "a vector of {} from a slice of {}", Self::LANES, from.len());
        // SAFETY: the slice is long enough.
        unsafe { self.load_at(from.as_ptr()) }
    }

    /// The first elements of `from`, and zeros where it is shorter than a vector.
    #[inline(always)]
    fn load_partial(self, from: &[T]) -> Self::Vector {
        // SAFETY: the mask leaves out what the slice has not.
        unsafe { self.load_masked(from.as_ptr(), self.mask(from.len())) }
    }

    /// The elements at `from`, which need not be aligned.
    ///
    /// # Safety
    /// The pointer is good for a vector.
    unsafe fn load_at(self, from: *const T) -> Self::Vector;

    /// The elements at `from` that the mask lets through, and zeros.
    ///
    /// # Safety
    /// The pointer is good for these elements.
    unsafe fn load_masked(self, from: *const T, mask: <Self::Vector as Vector<T>>::Mask) -> Self::Vector;

    /// [`Simd::load_masked`] where a vector is partial, else [`Simd::load_at`].
    ///
    /// # Safety
    /// As theirs.
    #[inline(always)]
    unsafe fn load_edge(
        self,
        from: *const T,
        is_partial: bool,
        mask: <Self::Vector as Vector<T>>::Mask,
    ) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { if is_partial { self.load_masked(from, mask) } else { self.load_at(from) } }
    }

    /// The columns of a matrix of [`Simd::LANES`] rows of four elements, which start `row` apart.
    ///
    /// # Safety
    /// The pointer is good for the rows.
    unsafe fn load_columns(self, from: *const T, row: usize) -> [Self::Vector; 4];

    /// Asks for the cache line at `from`, which may be anywhere: nothing is read.
    #[inline(always)]
    fn prefetch(self, from: *const T) {
        let _ = from;
    }
}

/// A few elements computed at once: a vector of an instruction set, or a single `f32` or `f64`.
///
/// Every operation but [`Vector::multiply_add`], [`Vector::quotient`] and [`Vector::sum`] gives the same bits for every instruction set.
pub trait Vector<T: Lane>:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// Its elements.
    const LANES: usize;
    /// Which lanes a partial load or store touches.
    type Mask: Copy;

    /// `value` in every lane of a vector like this one.
    fn like(self, value: T) -> Self;

    /// `self * factor + addend`, rounded once where the processor can.
    fn multiply_add(self, factor: Self, addend: Self) -> Self;

    /// `self / divisor`, at most a unit in the last place off, where these two, their quotient and 1 / `divisor` are normal, or the first is zero, which
    /// may lose its sign: by a reciprocal where a processor takes longer to divide than for all the rest of a function.
    #[inline(always)]
    fn quotient(self, divisor: Self) -> Self {
        self / divisor
    }

    /// The elements, or those of `floor` where these are larger; NaN stays.
    fn at_least(self, floor: Self) -> Self;

    /// The elements, or those of `ceiling` where these are smaller; NaN stays.
    #[inline(always)]
    fn at_most(self, ceiling: Self) -> Self {
        ceiling.where_less(self, ceiling, self)
    }

    /// `yes` where the elements are less than those of `bound`, else `no`; NaN is less than nothing.
    fn where_less(self, bound: Self, yes: Self, no: Self) -> Self;

    /// |x|
    fn magnitude(self) -> Self;

    /// The bits of the elements that `mask` has, and zeros.
    fn keep_bits(self, mask: T::Bits) -> Self;

    /// The sum of the lanes.
    fn sum(self) -> T;

    /// A function of each element by itself.
    fn map(self, function: impl Fn(T) -> T) -> Self;

    /// In each block of `width` lanes, a power of two, all of them are what lane number `lane` of the block was. Blocks are no larger than the
    /// vector.
    #[must_use]
    fn spread(self, width: usize, lane: usize) -> Self;

    /// Writes to the first elements of `to`.
    ///
    /// # Panics
    /// Where `to` is shorter than the vector.
    fn store(self, to: &mut [T]);

    /// Writes to the first elements of `to`, as many as it has.
    fn store_partial(self, to: &mut [T]);

    /// Writes to `to`, which need not be aligned.
    ///
    /// # Safety
    /// The pointer is good for the vector.
    unsafe fn store_at(self, to: *mut T);

    /// Writes the lanes that the mask lets through.
    ///
    /// # Safety
    /// The pointer is good for these lanes.
    unsafe fn store_masked(self, to: *mut T, mask: Self::Mask);

    /// Writes what [`Simd::load_columns`] reads.
    ///
    /// # Safety
    /// The pointer is good for the rows.
    unsafe fn store_columns(columns: [Self; 4], to: *mut T, row: usize);
}

/// Arithmetic of a vector type that wraps a register, by intrinsics.
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
