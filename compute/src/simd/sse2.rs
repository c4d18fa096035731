//! The portable vector of four `f32` by SSE2, which every x86-64 has. Each operation gives the same bits as the portable code: no
//! multiply-add is fused, and sums are taken in the same order.

use core::arch::x86_64::*;
use core::ops::Neg;

use super::{Isa, Portable, Simd, Vector, WithSimd, arithmetic, mapped};

/// Four elements.
#[derive(Clone, Copy, Debug)]
pub struct F32x4(__m128);

arithmetic!(F32x4, Add, add => _mm_add_ps; Sub, sub => _mm_sub_ps; Mul, mul => _mm_mul_ps; Div, div => _mm_div_ps);

impl Neg for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: the target has SSE2. The same holds in this whole file.
        Self(unsafe { _mm_xor_ps(self.0, _mm_set1_ps(-0.0)) })
    }
}

impl Simd<f32> for Portable {
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
        Isa::Portable(self)
    }
    #[inline]
    fn call<K: WithSimd<f32>>(self, kernel: K) -> K::Output {
        kernel.with_simd(self)
    }
    #[inline(always)]
    fn splat(self, value: f32) -> F32x4 {
        // SAFETY: the target has SSE2.
        F32x4(unsafe { _mm_set1_ps(value) })
    }
    #[inline(always)]
    fn mask(self, count: usize) -> usize {
        count
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> F32x4 {
        // SAFETY: the caller guarantees a pointer valid for four elements.
        F32x4(unsafe { _mm_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: usize) -> F32x4 {
        // SAFETY: the caller guarantees a pointer valid for the masked elements.
        F32x4(unsafe {
            match mask {
                0 => _mm_setzero_ps(),
                1 => _mm_load_ss(from),
                2 => two(from),
                3 => _mm_movelh_ps(two(from), _mm_load_ss(from.add(2))),
                _ => _mm_loadu_ps(from),
            }
        })
    }
    #[inline(always)]
    unsafe fn load_columns(self, from: *const f32, row: usize) -> [F32x4; 4] {
        // SAFETY: the caller guarantees rows of four elements.
        let rows = mapped([0, 1, 2, 3], |n| unsafe { _mm_loadu_ps(from.add(n * row)) });
        mapped(transposed(rows), F32x4)
    }
}

impl Vector<f32> for F32x4 {
    const LANES: usize = 4;
    type Mask = usize;

    #[inline(always)]
    fn like(self, value: f32) -> Self {
        // SAFETY: the target has SSE2. The same holds in all functions below.
        Self(unsafe { _mm_set1_ps(value) })
    }
    #[inline(always)]
    fn multiply_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }
    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        // `maxps` returns its second operand where either is NaN.
        // SAFETY: as above.
        Self(unsafe { _mm_max_ps(floor.0, self.0) })
    }
    #[inline(always)]
    fn at_most(self, ceiling: Self) -> Self {
        // `minps` does the same.
        // SAFETY: as above.
        Self(unsafe { _mm_min_ps(ceiling.0, self.0) })
    }
    #[inline(always)]
    fn where_less(self, bound: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            let is_less = _mm_cmplt_ps(self.0, bound.0);
            Self(_mm_or_ps(_mm_and_ps(is_less, yes.0), _mm_andnot_ps(is_less, no.0)))
        }
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        self.keep_bits(0x7fff_ffff)
    }
    #[inline(always)]
    fn keep_bits(self, mask: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm_and_ps(self.0, _mm_set1_ps(f32::from_bits(mask))) })
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as above.
        unsafe {
            let two = _mm_add_ps(self.0, _mm_movehl_ps(self.0, self.0));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
    #[inline(always)]
    fn map(self, function: impl Fn(f32) -> f32) -> Self {
        let mut lanes = [0.0; 4];
        self.store(&mut lanes);
        let lanes = mapped(lanes, function);
        // SAFETY: as above; the array has four elements.
        Self(unsafe { _mm_loadu_ps(lanes.as_ptr()) })
    }
    #[inline(always)]
    fn spread(self, width: usize, lane: usize) -> Self {
        let mut lanes = [0.0; 4];
        self.store(&mut lanes);
        let lanes = mapped([0, 1, 2, 3], |n| lanes[(n / width * width + lane) % 4]);
        // SAFETY: as above; the array has four elements.
        Self(unsafe { _mm_loadu_ps(lanes.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        assert!(to.len() >= 4, "a vector of 4 into a slice of {}", to.len());
        // SAFETY: the assertion above holds, so that the slice is valid for four elements.
        unsafe { self.store_at(to.as_mut_ptr()) }
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32]) {
        // SAFETY: the mask selects only lanes within the slice.
        unsafe { self.store_masked(to.as_mut_ptr(), to.len()) }
    }
    #[inline(always)]
    unsafe fn store_at(self, to: *mut f32) {
        // SAFETY: the caller guarantees a pointer valid for four elements.
        unsafe { _mm_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: usize) {
        // SAFETY: the caller guarantees a pointer valid for the masked lanes.
        unsafe {
            match mask {
                0 => {}
                1 => _mm_store_ss(to, self.0),
                2 => _mm_storel_epi64(to.cast(), _mm_castps_si128(self.0)),
                3 => {
                    _mm_storel_epi64(to.cast(), _mm_castps_si128(self.0));
                    _mm_store_ss(to.add(2), _mm_movehl_ps(self.0, self.0));
                }
                _ => _mm_storeu_ps(to, self.0),
            }
        }
    }
    #[inline(always)]
    unsafe fn store_columns(columns: [Self; 4], to: *mut f32, row: usize) {
        for (n, &four) in transposed(mapped(columns, |column| column.0)).iter().enumerate() {
            // SAFETY: the caller guarantees rows of four elements.
            unsafe { _mm_storeu_ps(to.add(n * row), four) }
        }
    }
}

/// Loads two elements; the other two lanes are zero.
///
/// # Safety
/// `from` is valid for reads of two elements.
#[inline(always)]
unsafe fn two(from: *const f32) -> __m128 {
    // SAFETY: the caller guarantees two elements at `from`.
    unsafe { _mm_castsi128_ps(_mm_loadl_epi64(from.cast())) }
}

/// Transposes four rows of four.
#[inline(always)]
fn transposed([a, b, c, d]: [__m128; 4]) -> [__m128; 4] {
    // SAFETY: the target has SSE2.
    unsafe {
        let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
        let (ab_high, cd_high) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
        [_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab), _mm_movelh_ps(ab_high, cd_high), _mm_movehl_ps(cd_high, ab_high)]
    }
}
