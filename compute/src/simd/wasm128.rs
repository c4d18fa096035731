//! WebAssembly's 128-bit vectors, where the target is built with them: four lanes.

use core::arch::wasm32::*;
use core::ops::Neg;

use super::{Isa, Simd, Vector, WithSimd, arithmetic};

/// Proof that the engine has 128-bit vectors: an engine without them refuses the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wasm128(());

impl Wasm128 {
    /// Makes the token: the target has the vectors.
    pub const fn new() -> Self {
        Self(())
    }
}

/// Four elements.
#[derive(Clone, Copy, Debug)]
pub struct F32x4(v128);

arithmetic!(F32x4, Add, add => f32x4_add; Sub, sub => f32x4_sub; Mul, mul => f32x4_mul; Div, div => f32x4_div);

impl Neg for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(f32x4_neg(self.0))
    }
}

impl Simd<f32> for Wasm128 {
    // As for portable code: engines compile for processors of sixteen registers, and products take one.
    const REGISTERS: usize = 12;
    const FREE_MASKS: bool = false;
    type Vector = F32x4;
    type Half = Self;

    #[inline(always)]
    fn half(self) -> Self {
        self
    }
    #[inline(always)]
    fn isa(self) -> Isa {
        Isa::Wasm128(self)
    }
    #[inline]
    fn call<K: WithSimd<f32>>(self, kernel: K) -> K::Output {
        kernel.with_simd(self)
    }
    #[inline(always)]
    fn splat(self, value: f32) -> F32x4 {
        F32x4(f32x4_splat(value))
    }
    #[inline(always)]
    fn mask(self, count: usize) -> usize {
        count
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> F32x4 {
        // SAFETY: the caller guarantees a pointer valid for four elements.
        F32x4(unsafe { v128_load(from.cast()) })
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
        F32x4::from_lanes(lanes)
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
        Self(f32x4_splat(value))
    }
    #[inline(always)]
    fn multiply_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }
    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        // `pmax` returns its first operand unless that is less than the second: NaN stays.
        Self(f32x4_pmax(self.0, floor.0))
    }
    #[inline(always)]
    fn where_less(self, bound: Self, yes: Self, no: Self) -> Self {
        Self(v128_bitselect(yes.0, no.0, f32x4_lt(self.0, bound.0)))
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        Self(f32x4_abs(self.0))
    }
    #[inline(always)]
    fn keep_bits(self, mask: u32) -> Self {
        Self(v128_and(self.0, u32x4_splat(mask)))
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        let [a, b, c, d] = self.lanes();
        (a + c) + (b + d)
    }
    #[inline(always)]
    fn map(self, function: impl Fn(f32) -> f32) -> Self {
        Self::from_lanes(self.lanes().map(function))
    }
    #[inline(always)]
    fn spread(self, width: usize, lane: usize) -> Self {
        let lanes = self.lanes();
        Self::from_lanes([0, 1, 2, 3].map(|n| lanes[(n / width * width + lane) % 4]))
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
        unsafe { v128_store(to.cast(), self.0) }
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
    fn from_lanes([a, b, c, d]: [f32; 4]) -> Self {
        Self(f32x4(a, b, c, d))
    }
    #[inline(always)]
    fn lanes(self) -> [f32; 4] {
        let Self(v) = self;
        [f32x4_extract_lane::<0>(v), f32x4_extract_lane::<1>(v), f32x4_extract_lane::<2>(v), f32x4_extract_lane::<3>(v)]
    }
}

#[inline(always)]
fn transposed([a, b, c, d]: [F32x4; 4]) -> [F32x4; 4] {
    let (ab, cd) = (i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0), i32x4_shuffle::<0, 4, 1, 5>(c.0, d.0));
    let (ab_high, cd_high) = (i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0), i32x4_shuffle::<2, 6, 3, 7>(c.0, d.0));
    [
        i64x2_shuffle::<0, 2>(ab, cd),
        i64x2_shuffle::<1, 3>(ab, cd),
        i64x2_shuffle::<0, 2>(ab_high, cd_high),
        i64x2_shuffle::<1, 3>(ab_high, cd_high),
    ]
    .map(F32x4)
}
