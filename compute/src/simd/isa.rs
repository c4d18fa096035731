//! Detection of the processor's instruction set.

use core::fmt;

#[cfg(target_arch = "x86_64")]
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
use super::Neon;
use super::Portable;
#[cfg(test)]
use super::Portable16;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use super::Wasm128;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use super::{Lane, WithSimd};

/// An instruction set that this processor has. It is detected once and passed to the kernels.
///
/// ```
/// # use netwright_compute::simd::{Lane, Isa, Simd, Vector, WithSimd};
/// struct Dot<'a>(&'a [f32], &'a [f32]);
///
/// impl WithSimd<f32> for Dot<'_> {
///     type Output = f32;
///     #[inline(always)]
///     fn with_simd<S: Simd<f32>>(self, simd: S) -> f32 {
///         let mut sums = simd.splat(0.0);
///         for (a, b) in self.0.chunks(S::LANES).zip(self.1.chunks(S::LANES)) {
///             sums = simd.load_partial(a).multiply_add(simd.load_partial(b), sums);
///         }
///         sums.sum()
///     }
/// }
/// let elements = [2.0; 19];
/// assert_eq!(Isa::detect().dispatch(Dot(&elements, &elements)), 76.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Portable code for the target.
    Portable(Portable),
    /// Portable code of sixteen lanes, to test wide kernels on any machine.
    #[cfg(test)]
    Portable16(Portable16),
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// NEON.
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    Neon(Neon),
    /// WebAssembly's 128-bit vectors.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Wasm128(Wasm128),
}

/// The name of an instruction set, which the processor may lack; [`Isa::of`] checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// Portable code for the target: the same bits on every machine.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// NEON.
    Neon,
    /// WebAssembly's 128-bit vectors.
    Wasm128,
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable code",
            Self::Avx2 => "AVX2 with FMA",
            Self::Avx512 => "AVX-512 (F, BW, DQ, VL)",
            Self::Neon => "NEON",
            Self::Wasm128 => "WebAssembly SIMD",
        })
    }
}

/// The error for an instruction set that the processor lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MissingInstructions {
    /// The instruction set that was requested.
    pub expected: InstructionSet,
    /// The widest instruction set of the processor.
    pub found: InstructionSet,
}

impl fmt::Display for MissingInstructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, found } = self;
        write!(f, "{expected} is expected, where the widest instruction set found is {found}")
    }
}

/// Prints the sentence of `Display`, because `main` prints its error by `Debug`.
impl fmt::Debug for MissingInstructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for MissingInstructions {}

/// Whether the processor has some features; without the standard library, whether the target guarantees them.
#[cfg(target_arch = "x86_64")]
macro_rules! has {
    ($($feature:tt)*) => {{
        #[cfg(feature = "std")]
        let has = true $(&& std::arch::is_x86_feature_detected!($feature))*;
        #[cfg(not(feature = "std"))]
        let has = cfg!(all($(target_feature = $feature),*));
        has
    }};
}

impl Isa {
    /// Returns the widest instruction set of this processor; without the standard library, the widest that the target guarantees.
    #[inline]
    pub fn detect() -> Self {
        #[cfg(test)]
        if let Some(isa) = super::tests::forced_isa() {
            return isa;
        }
        Self::widest()
    }

    #[inline]
    #[allow(unreachable_code)]
    fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            // 0: not detected yet.
            static FOUND: AtomicU8 = AtomicU8::new(0);
            let mut found = FOUND.load(Relaxed);
            if found == 0 {
                found = if Self::avx512().is_some() { 3 } else { 1 + u8::from(Self::avx2().is_some()) };
                FOUND.store(found, Relaxed);
            }
            // SAFETY: `found` is 3 or 2 only where `avx512()` or `avx2()` detected these instructions.
            unsafe {
                match found {
                    3 => return Self::Avx512(Avx512::assume()),
                    2 => return Self::Avx2(Avx2::assume()),
                    _ => {}
                }
            }
        }
        #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
        return Self::Neon(Neon::new());
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return Self::Wasm128(Wasm128::new());
        Self::Portable(Portable::new())
    }

    /// Returns the instruction set of a name, for example one narrower than the widest of the processor.
    ///
    /// # Errors
    /// [`MissingInstructions`] where the processor lacks it, or, without the standard library, where the target does not guarantee it.
    pub fn of(expected: InstructionSet) -> Result<Self, MissingInstructions> {
        let found = match expected {
            InstructionSet::Portable => Some(Self::Portable(Portable::new())),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => Self::avx2().map(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => Self::avx512().map(Self::Avx512),
            _ => Some(Self::widest()).filter(|widest| widest.name() == expected),
        };
        found.ok_or_else(|| MissingInstructions { expected, found: Self::widest().name() })
    }

    /// Returns its name.
    pub const fn name(self) -> InstructionSet {
        match self {
            Self::Portable(_) => InstructionSet::Portable,
            #[cfg(test)]
            Self::Portable16(_) => InstructionSet::Portable,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => InstructionSet::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => InstructionSet::Avx512,
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Self::Neon(_) => InstructionSet::Neon,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Wasm128(_) => InstructionSet::Wasm128,
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn avx2() -> Option<Avx2> {
        // SAFETY: the processor has them.
        has!("avx2" "fma").then(|| unsafe { Avx2::assume() })
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn avx512() -> Option<Avx512> {
        // SAFETY: the processor has them.
        has!("avx512f" "avx512bw" "avx512dq" "avx512vl" "avx2" "fma").then(|| unsafe { Avx512::assume() })
    }

    /// Runs an algorithm with the vectors of this instruction set; double precision always runs with portable vectors.
    #[inline]
    pub fn dispatch<T: Lane, K: WithSimd<T>>(self, kernel: K) -> K::Output {
        T::dispatch(self, kernel)
    }

    /// Returns every instruction set that this processor can run, and the names of all others.
    #[cfg(test)]
    pub(crate) fn all() -> (std::vec::Vec<Self>, std::vec::Vec<&'static str>) {
        let (mut all, mut skipped) =
            (std::vec![Self::Portable(Portable::new()), Self::Portable16(Portable16::new())], std::vec![]);
        #[cfg(target_arch = "x86_64")]
        {
            Self::avx2().map_or_else(|| skipped.push("AVX2"), |simd| all.push(Self::Avx2(simd)));
            Self::avx512().map_or_else(|| skipped.push("AVX-512"), |simd| all.push(Self::Avx512(simd)));
        }
        #[cfg(not(target_arch = "x86_64"))]
        skipped.extend(["AVX2", "AVX-512"]);
        #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
        all.push(Self::Neon(Neon::new()));
        #[cfg(not(all(target_arch = "aarch64", target_feature = "neon")))]
        skipped.push("NEON");
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        all.push(Self::Wasm128(Wasm128::new()));
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        skipped.push("WebAssembly SIMD");
        (all, skipped)
    }
}
