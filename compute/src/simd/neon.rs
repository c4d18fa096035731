//! NEON, which every 64-bit ARM processor has: four lanes.

use core::arch::aarch64::*;
use core::ops::Neg;

use super::{Isa, Simd, Vector, WithSimd, arithmetic};

/// Proof that the processor has NEON: the target guarantees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neon(());

impl Neon {
    /// Makes the token: the target guarantees NEON.
    pub const fn new() -> Self {
        Self(())
    }
}

/// Four elements.
#[derive(Clone, Copy, Debug)]
pub struct F32x4(float32x4_t);

arithmetic!(F32x4, Add, add => vaddq_f32; Sub, sub => vsubq_f32; Mul, mul => vmulq_f32; Div, div => vdivq_f32);

// SAFETY of the intrinsics in this file: the target has NEON.
#[allow(unused_unsafe)]
mod instance {
    use super::*;

    impl Neg for F32x4 {
        type Output = Self;
        #[inline(always)]
        fn neg(self) -> Self {
            // SAFETY: the target has NEON. The same holds in all functions below.
            Self(unsafe { vnegq_f32(self.0) })
        }
    }

    impl Simd<f32> for Neon {
        const REGISTERS: usize = 32;
        const FREE_MASKS: bool = false;
        type Vector = F32x4;
        type Half = Self;

        #[inline(always)]
        fn half(self) -> Self {
            self
        }
        #[inline(always)]
        fn isa(self) -> Isa {
            Isa::Neon(self)
        }
        #[inline]
        fn call<K: WithSimd<f32>>(self, kernel: K) -> K::Output {
            kernel.with_simd(self)
        }
        #[inline(always)]
        fn splat(self, value: f32) -> F32x4 {
            // SAFETY: as above.
            F32x4(unsafe { vdupq_n_f32(value) })
        }
        #[inline(always)]
        fn mask(self, count: usize) -> usize {
            count
        }
        #[inline(always)]
        unsafe fn load_at(self, from: *const f32) -> F32x4 {
            // SAFETY: the caller guarantees a pointer valid for four elements.
            F32x4(unsafe { vld1q_f32(from) })
        }
        #[inline(always)]
        unsafe fn load_masked(self, from: *const f32, mask: usize) -> F32x4 {
            let mut lanes = [0.0; 4];
            for (i, lane) in lanes.iter_mut().enumerate() {
                if i < mask {
                    // SAFETY: the caller guarantees a pointer valid for the masked elements.
                    *lane = unsafe { *from.add(i) };
                }
            }
            // SAFETY: four elements.
            unsafe { self.load_at(lanes.as_ptr()) }
        }
        #[inline(always)]
        unsafe fn load_columns(self, from: *const f32, row: usize) -> [F32x4; 4] {
            // SAFETY: the caller guarantees rows of four elements.
            transposed([0, 1, 2, 3].map(|n| unsafe { self.load_at(from.add(n * row)) }))
        }
    }

    impl Vector<f32> for F32x4 {
        const LANES: usize = 4;
        type Mask = usize;

        #[inline(always)]
        fn like(self, value: f32) -> Self {
            // SAFETY: as above.
            Self(unsafe { vdupq_n_f32(value) })
        }
        #[inline(always)]
        fn multiply_add(self, factor: Self, addend: Self) -> Self {
            // SAFETY: as above.
            Self(unsafe { vfmaq_f32(addend.0, self.0, factor.0) })
        }
        #[inline(always)]
        fn at_least(self, floor: Self) -> Self {
            self.where_less(floor, floor, self)
        }
        #[inline(always)]
        fn where_less(self, bound: Self, yes: Self, no: Self) -> Self {
            // SAFETY: as above.
            Self(unsafe { vbslq_f32(vcltq_f32(self.0, bound.0), yes.0, no.0) })
        }
        #[inline(always)]
        fn magnitude(self) -> Self {
            // SAFETY: as above.
            Self(unsafe { vabsq_f32(self.0) })
        }
        #[inline(always)]
        fn keep_bits(self, mask: u32) -> Self {
            // SAFETY: as above.
            Self(unsafe { vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(self.0), vdupq_n_u32(mask))) })
        }
        #[inline(always)]
        fn sum(self) -> f32 {
            let [a, b, c, d] = self.lanes();
            (a + c) + (b + d)
        }
        #[inline(always)]
        fn map(self, function: impl Fn(f32) -> f32) -> Self {
            let lanes = self.lanes().map(function);
            // SAFETY: four elements.
            unsafe { Neon(()).load_at(lanes.as_ptr()) }
        }
        #[inline(always)]
        fn spread(self, width: usize, lane: usize) -> Self {
            let lanes = self.lanes();
            let lanes = [0, 1, 2, 3].map(|n| lanes[(n / width * width + lane) % 4]);
            // SAFETY: four elements.
            unsafe { Neon(()).load_at(lanes.as_ptr()) }
        }
        #[inline(always)]
        fn store(self, to: &mut [f32]) {
            to[..4].copy_from_slice(&self.lanes());
        }
        #[inline(always)]
        fn store_partial(self, to: &mut [f32]) {
            for (to, lane) in to.iter_mut().zip(self.lanes()) {
                *to = lane;
            }
        }
        #[inline(always)]
        unsafe fn store_at(self, to: *mut f32) {
            // SAFETY: the caller guarantees a pointer valid for four elements.
            unsafe { vst1q_f32(to, self.0) }
        }
        #[inline(always)]
        unsafe fn store_masked(self, to: *mut f32, mask: usize) {
            for (i, lane) in self.lanes().into_iter().enumerate() {
                if i < mask {
                    // SAFETY: the caller guarantees a pointer valid for the masked lanes.
                    unsafe { *to.add(i) = lane }
                }
            }
        }
        #[inline(always)]
        unsafe fn store_columns(columns: [Self; 4], to: *mut f32, row: usize) {
            for (n, four) in transposed(columns).into_iter().enumerate() {
                // SAFETY: the caller guarantees rows of four elements.
                unsafe { four.store_at(to.add(n * row)) }
            }
        }
    }

    impl F32x4 {
        #[inline(always)]
        fn lanes(self) -> [f32; 4] {
            let mut lanes = [0.0; 4];
            // SAFETY: the array has four elements.
            unsafe { self.store_at(lanes.as_mut_ptr()) };
            lanes
        }
    }

    #[inline(always)]
    fn transposed([a, b, c, d]: [F32x4; 4]) -> [F32x4; 4] {
        // SAFETY: as above.
        unsafe {
            let (ac, ac_high) = (vzip1q_f32(a.0, c.0), vzip2q_f32(a.0, c.0));
            let (bd, bd_high) = (vzip1q_f32(b.0, d.0), vzip2q_f32(b.0, d.0));
            [vzip1q_f32(ac, bd), vzip2q_f32(ac, bd), vzip1q_f32(ac_high, bd_high), vzip2q_f32(ac_high, bd_high)]
                .map(F32x4)
        }
    }
}
