//! AVX-512 F, BW, DQ and VL, which every processor with AVX-512 has except Xeon Phi: sixteen lanes.

use core::arch::x86_64::*;
use core::ops::Neg;

use super::{Avx2, Isa, Simd, Vector, WithSimd, arithmetic, mapped};

/// Proof that the processor has AVX-512 F, BW, DQ and VL, AVX2 and FMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    /// Makes the token without detection.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW, DQ and VL, AVX2 and FMA.
    #[inline(always)]
    pub(super) unsafe fn assume() -> Self {
        Self(())
    }
}

/// Sixteen elements.
#[derive(Clone, Copy, Debug)]
pub struct F32x16(__m512);

arithmetic!(F32x16, Add, add => _mm512_add_ps; Sub, sub => _mm512_sub_ps; Mul, mul => _mm512_mul_ps; Div, div => _mm512_div_ps);

impl Neg for F32x16 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: a vector is made only from a token, which proves the instructions.
        Self(unsafe { _mm512_xor_ps(self.0, _mm512_set1_ps(-0.0)) })
    }
}

impl Simd<f32> for Avx512 {
    const REGISTERS: usize = 32;
    const FREE_MASKS: bool = true;
    type Vector = F32x16;
    type Half = Avx2;

    #[inline(always)]
    fn half(self) -> Avx2 {
        // SAFETY: this token proves AVX2 and FMA too.
        unsafe { Avx2::assume() }
    }
    #[inline(always)]
    fn isa(self) -> Isa {
        Isa::Avx512(self)
    }

    #[inline(always)]
    fn call<K: WithSimd<f32>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn with_avx512<K: WithSimd<f32>>(simd: Avx512, kernel: K) -> K::Output {
            kernel.with_simd(simd)
        }
        if const { !K::GAINS_BY_WIDTH } {
            return Simd::<f32>::half(self).call(kernel);
        }
        // SAFETY: the token proves the instructions.
        unsafe { with_avx512(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> F32x16 {
        // SAFETY: the token proves the instructions.
        F32x16(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    fn mask(self, count: usize) -> __mmask16 {
        if count >= 16 { !0 } else { (1 << count) - 1 }
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> F32x16 {
        // SAFETY: the caller guarantees a pointer valid for sixteen elements.
        F32x16(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: __mmask16) -> F32x16 {
        // SAFETY: the caller guarantees a pointer valid for the masked elements.
        F32x16(unsafe { _mm512_maskz_loadu_ps(mask, from) })
    }

    #[inline(always)]
    unsafe fn load_columns(self, from: *const f32, row: usize) -> [F32x16; 4] {
        // Row n in the lowest quarter, then rows n + 4, n + 8 and n + 12.
        let quarters = |n: usize| {
            // SAFETY: the caller guarantees rows of four elements.
            unsafe {
                let four = |quarter: usize| _mm_loadu_ps(from.add((n + 4 * quarter) * row));
                let two = _mm512_insertf32x4::<1>(_mm512_castps128_ps512(four(0)), four(1));
                _mm512_insertf32x4::<3>(_mm512_insertf32x4::<2>(two, four(2)), four(3))
            }
        };
        mapped(transposed([quarters(0), quarters(1), quarters(2), quarters(3)]), F32x16)
    }

    #[inline(always)]
    fn prefetch(self, from: *const f32) {
        Simd::<f32>::prefetch(self.half(), from);
    }
}

impl Vector<f32> for F32x16 {
    const LANES: usize = 16;
    type Mask = __mmask16;

    #[inline(always)]
    fn like(self, value: f32) -> Self {
        // SAFETY: the vector proves the instructions. The same holds in all functions below.
        Self(unsafe { _mm512_set1_ps(value) })
    }
    #[inline(always)]
    fn multiply_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }
    /// Takes the reciprocal to fourteen bits, refines it to twenty-eight by one step of Newton's method, and corrects the quotient by its
    /// remainder.
    #[inline(always)]
    fn quotient(self, divisor: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            let (one, divisor) = (_mm512_set1_ps(1.0), divisor.0);
            let nearly = _mm512_rcp14_ps(divisor);
            let reciprocal = _mm512_fmadd_ps(_mm512_fnmadd_ps(divisor, nearly, one), nearly, nearly);
            let quotient = _mm512_mul_ps(self.0, reciprocal);
            Self(_mm512_fmadd_ps(_mm512_fnmadd_ps(divisor, quotient, self.0), reciprocal, quotient))
        }
    }
    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        // `vmaxps` returns its second operand where either is NaN.
        // SAFETY: as above.
        Self(unsafe { _mm512_max_ps(floor.0, self.0) })
    }
    #[inline(always)]
    fn at_most(self, ceiling: Self) -> Self {
        // `vminps` does the same.
        // SAFETY: as above.
        Self(unsafe { _mm512_min_ps(ceiling.0, self.0) })
    }
    #[inline(always)]
    fn where_less(self, bound: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, bound.0), no.0, yes.0) })
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        self.keep_bits(0x7fff_ffff)
    }
    #[inline(always)]
    fn keep_bits(self, mask: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_and_ps(self.0, _mm512_set1_ps(f32::from_bits(mask))) })
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as above.
        unsafe {
            let eight = _mm256_add_ps(_mm512_castps512_ps256(self.0), _mm512_extractf32x8_ps::<1>(self.0));
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
    #[inline(always)]
    fn map(self, function: impl Fn(f32) -> f32) -> Self {
        let mut lanes = [0.0; 16];
        self.store(&mut lanes);
        let lanes = mapped(lanes, function);
        // SAFETY: as above; the array has sixteen elements.
        Self(unsafe { _mm512_loadu_ps(lanes.as_ptr()) })
    }
    #[inline(always)]
    fn spread(self, width: usize, lane: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            // Lanes are counted modulo sixteen, and widths are powers of two.
            let lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
            let blocks = _mm512_andnot_si512(_mm512_set1_epi32(width as i32 - 1), lanes);
            Self(_mm512_permutexvar_ps(_mm512_add_epi32(blocks, _mm512_set1_epi32(lane as i32)), self.0))
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        assert!(to.len() >= 16, "a vector of 16 into a slice of {}", to.len());
        // SAFETY: the assertion above holds, so that the slice is valid for sixteen elements.
        unsafe { self.store_at(to.as_mut_ptr()) }
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32]) {
        // SAFETY: the vector proves the instructions; the mask selects only lanes within the slice.
        unsafe { self.store_masked(to.as_mut_ptr(), Avx512::assume().mask(to.len())) }
    }
    #[inline(always)]
    unsafe fn store_at(self, to: *mut f32) {
        // SAFETY: the caller guarantees a pointer valid for sixteen elements.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: __mmask16) {
        // SAFETY: the caller guarantees a pointer valid for the masked lanes.
        unsafe { _mm512_mask_storeu_ps(to, mask, self.0) }
    }
    #[inline(always)]
    unsafe fn store_columns(columns: [Self; 4], to: *mut f32, row: usize) {
        for (n, &quarters) in transposed(mapped(columns, |column| column.0)).iter().enumerate() {
            // SAFETY: the caller guarantees rows of four elements.
            unsafe {
                _mm_storeu_ps(to.add(n * row), _mm512_castps512_ps128(quarters));
                _mm_storeu_ps(to.add((n + 4) * row), _mm512_extractf32x4_ps::<1>(quarters));
                _mm_storeu_ps(to.add((n + 8) * row), _mm512_extractf32x4_ps::<2>(quarters));
                _mm_storeu_ps(to.add((n + 12) * row), _mm512_extractf32x4_ps::<3>(quarters));
            }
        }
    }
}

/// Transposes the 4x4 matrix in each quarter.
#[inline(always)]
fn transposed([a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
    // SAFETY: the vectors prove the instructions.
    unsafe {
        let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        let (ab_high, cd_high) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        [
            _mm512_shuffle_ps::<0x44>(ab, cd),
            _mm512_shuffle_ps::<0xee>(ab, cd),
            _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
        ]
    }
}
