//! AVX2 with fused multiply-add: eight lanes.

use core::arch::x86_64::*;
use core::ops::Neg;

use super::{Isa, Simd, Vector, WithSimd, arithmetic, mapped};

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// Makes the token without detection.
    ///
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[inline(always)]
    pub(super) unsafe fn assume() -> Self {
        Self(())
    }
}

/// Eight elements.
#[derive(Clone, Copy, Debug)]
pub struct F32x8(__m256);

arithmetic!(F32x8, Add, add => _mm256_add_ps; Sub, sub => _mm256_sub_ps; Mul, mul => _mm256_mul_ps; Div, div => _mm256_div_ps);

impl Neg for F32x8 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: a vector is made only from a token, which proves the instructions. The same holds in this whole file.
        Self(unsafe { _mm256_xor_ps(self.0, _mm256_set1_ps(-0.0)) })
    }
}

impl Simd<f32> for Avx2 {
    const REGISTERS: usize = 16;
    const FREE_MASKS: bool = false;
    type Vector = F32x8;
    type Half = Self;

    #[inline(always)]
    fn half(self) -> Self {
        self
    }
    #[inline(always)]
    fn isa(self) -> Isa {
        Isa::Avx2(self)
    }

    #[inline(always)]
    fn call<K: WithSimd<f32>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn with_avx2<K: WithSimd<f32>>(simd: Avx2, kernel: K) -> K::Output {
            kernel.with_simd(simd)
        }
        // SAFETY: the token proves the instructions.
        unsafe { with_avx2(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> F32x8 {
        // SAFETY: the token proves the instructions.
        F32x8(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn mask(self, count: usize) -> __m256i {
        // SAFETY: the token proves the instructions.
        unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(count.min(8) as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> F32x8 {
        // SAFETY: the caller guarantees a pointer valid for eight elements.
        F32x8(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: __m256i) -> F32x8 {
        // SAFETY: the caller guarantees a pointer valid for the masked elements.
        F32x8(unsafe { _mm256_maskload_ps(from, mask) })
    }

    #[inline(always)]
    unsafe fn load_columns(self, from: *const f32, row: usize) -> [F32x8; 4] {
        // Row n in the low half, row n + 4 in the high half.
        let halves = |n: usize| {
            // SAFETY: the caller guarantees rows of four elements.
            unsafe {
                let low = _mm256_castps128_ps256(_mm_loadu_ps(from.add(n * row)));
                _mm256_insertf128_ps(low, _mm_loadu_ps(from.add((n + 4) * row)), 1)
            }
        };
        mapped(transposed([halves(0), halves(1), halves(2), halves(3)]), F32x8)
    }

    #[inline(always)]
    fn prefetch(self, from: *const f32) {
        // SAFETY: a prefetch is a hint and never faults, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }
}

impl Vector<f32> for F32x8 {
    const LANES: usize = 8;
    type Mask = __m256i;

    #[inline(always)]
    fn like(self, value: f32) -> Self {
        // SAFETY: the vector proves the instructions. The same holds in all functions below.
        Self(unsafe { _mm256_set1_ps(value) })
    }
    #[inline(always)]
    fn multiply_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, addend.0) })
    }
    #[inline(always)]
    fn at_least(self, floor: Self) -> Self {
        // `maxps` returns its second operand where either is NaN.
        // SAFETY: as above.
        Self(unsafe { _mm256_max_ps(floor.0, self.0) })
    }
    #[inline(always)]
    fn at_most(self, ceiling: Self) -> Self {
        // `minps` does the same.
        // SAFETY: as above.
        Self(unsafe { _mm256_min_ps(ceiling.0, self.0) })
    }
    #[inline(always)]
    fn where_less(self, bound: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, bound.0)) })
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        self.keep_bits(0x7fff_ffff)
    }
    #[inline(always)]
    fn keep_bits(self, mask: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_and_ps(self.0, _mm256_set1_ps(f32::from_bits(mask))) })
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as above.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
    #[inline(always)]
    fn map(self, function: impl Fn(f32) -> f32) -> Self {
        let mut lanes = [0.0; 8];
        self.store(&mut lanes);
        let lanes = mapped(lanes, function);
        // SAFETY: as above; the array has eight elements.
        Self(unsafe { _mm256_loadu_ps(lanes.as_ptr()) })
    }
    #[inline(always)]
    fn spread(self, width: usize, lane: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            // Lanes are counted modulo eight, and widths are powers of two.
            let lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
            let blocks = _mm256_andnot_si256(_mm256_set1_epi32(width as i32 - 1), lanes);
            Self(_mm256_permutevar8x32_ps(self.0, _mm256_add_epi32(blocks, _mm256_set1_epi32(lane as i32))))
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        assert!(to.len() >= 8, "a vector of 8 into a slice of {}", to.len());
        // SAFETY: the assertion above holds, so that the slice is valid for eight elements.
        unsafe { self.store_at(to.as_mut_ptr()) }
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32]) {
        // SAFETY: the vector proves the instructions; the mask selects only lanes within the slice.
        unsafe { self.store_masked(to.as_mut_ptr(), Avx2::assume().mask(to.len())) }
    }
    #[inline(always)]
    unsafe fn store_at(self, to: *mut f32) {
        // SAFETY: the caller guarantees a pointer valid for eight elements.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, mask: __m256i) {
        // SAFETY: the caller guarantees a pointer valid for the masked lanes.
        unsafe { _mm256_maskstore_ps(to, mask, self.0) }
    }
    #[inline(always)]
    unsafe fn store_columns(columns: [Self; 4], to: *mut f32, row: usize) {
        for (n, &halves) in transposed(mapped(columns, |column| column.0)).iter().enumerate() {
            // SAFETY: the caller guarantees rows of four elements.
            unsafe {
                _mm_storeu_ps(to.add(n * row), _mm256_castps256_ps128(halves));
                _mm_storeu_ps(to.add((n + 4) * row), _mm256_extractf128_ps(halves, 1));
            }
        }
    }
}

/// Transposes the 4x4 matrix in each half.
#[inline(always)]
fn transposed([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    // SAFETY: the vectors prove the instructions.
    unsafe {
        let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
        let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
        [
            _mm256_shuffle_ps(ab, cd, 0x44),
            _mm256_shuffle_ps(ab, cd, 0xee),
            _mm256_shuffle_ps(ab_high, cd_high, 0x44),
            _mm256_shuffle_ps(ab_high, cd_high, 0xee),
        ]
    }
}
