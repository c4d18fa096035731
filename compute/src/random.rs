//! Random numbers, the same on every platform: by key for draws that must not depend on their order, and in sequence for all others.
//!
//! Both use integer arithmetic, and [`Random::normal`] a fixed formula with `libm`'s logarithm, so that a seed gives the same numbers on
//! every platform and in every version with the same first version number.

/// Returns the key of the draws of one image in one layer at one step, for [`bits`].
#[inline]
pub const fn key(seed: u64, step: u64, layer: u64, image: u64) -> u64 {
    let mut key = mix(seed);
    key = mix(key ^ step);
    key = mix(key ^ layer);
    mix(key ^ image)
}

/// Returns 32 uniformly distributed bits for an index under a key. It is a hash, so that draws need no order and no state.
#[inline(always)]
pub const fn bits(key: u64, index: u32) -> u32 {
    // Two multiply-shift rounds of 32 bits (Wellons' lowbias32), which vectorise; half of the key enters before each.
    let mut x = index ^ key as u32;
    x = lowbias(x);
    lowbias(x.wrapping_add((key >> 32) as u32))
}

#[inline(always)]
const fn lowbias(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// One step of splitmix64 (Steele et al. 2014).
const fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A sequence of random numbers: xoshiro256++ (Blackman and Vigna 2019), seeded by splitmix64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// Returns the sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        Self {
            state: [
                mix(seed),
                mix(seed.wrapping_add(STEP)),
                mix(seed.wrapping_add(STEP.wrapping_mul(2))),
                mix(seed.wrapping_add(STEP.wrapping_mul(3))),
            ],
        }
    }

    /// Returns the state of the sequence, for a checkpoint.
    pub const fn state(&self) -> [u64; 4] {
        self.state
    }

    /// Continues a sequence from its [`state`](Self::state). Four zeros, a state that no sequence reaches, give the sequence of seed 0.
    pub const fn from_state(state: [u64; 4]) -> Self {
        match state {
            [0, 0, 0, 0] => Self::new(0),
            _ => Self { state },
        }
    }

    /// Returns 64 uniformly distributed bits.
    pub const fn next_u64(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let (s2, s3) = (s2 ^ s0, s3 ^ s1);
        self.state = [s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17), s3.rotate_left(45)];
        result
    }

    /// Returns a value of the uniform distribution over [0, 1), with 53 bits.
    pub const fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Returns a value of N(0, 1), by the inverse of its distribution function (Wichura 1988, AS 241), with one draw per value.
    pub fn normal(&mut self) -> f64 {
        let middle = ((self.next_u64() >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0);
        normal_quantile(middle)
    }

    /// Returns an integer of the uniform distribution over 0..n, without bias (Lemire 2019); 0 for n = 0.
    pub const fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let reject_below = n.wrapping_neg() % n;
        loop {
            let product = self.next_u64() as u128 * n as u128;
            if product as u64 >= reject_below {
                return (product >> 64) as u64;
            }
        }
    }

    /// Shuffles a slice into a uniformly distributed random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for i in (1..slice.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            slice.swap(i, j);
        }
    }
}

/// Returns Φ⁻¹(p) for 0 < p < 1, with a relative error of at most 1e-15.
#[allow(clippy::excessive_precision)]
fn normal_quantile(p: f64) -> f64 {
    /// Evaluates a polynomial by Horner's method; `coefficients` begin with the highest power.
    fn polynomial(x: f64, coefficients: [f64; 8]) -> f64 {
        coefficients.into_iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(
            r,
            [
                2.509_080_928_730_122_672_7e3,
                3.343_057_558_358_812_810_5e4,
                6.726_577_092_700_870_085_3e4,
                4.592_195_393_154_987_145_7e4,
                1.373_169_376_550_946_112_5e4,
                1.971_590_950_306_551_442_7e3,
                1.331_416_678_917_843_774_5e2,
                3.387_132_872_796_366_608,
            ],
        ) / polynomial(
            r,
            [
                5.226_495_278_852_854_561e3,
                2.872_908_573_572_194_267_4e4,
                3.930_789_580_009_271_061e4,
                2.121_379_430_158_659_586_7e4,
                5.394_196_021_424_751_107_7e3,
                6.871_870_074_920_579_083e2,
                4.231_333_070_160_091_125_2e1,
                1.0,
            ],
        );
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let x = if r <= 5.0 {
        let r = r - 1.6;
        polynomial(
            r,
            [
                7.745_450_142_783_414_076_4e-4,
                2.272_384_498_926_918_458_33e-2,
                2.417_807_251_774_506_117_7e-1,
                1.270_458_252_452_368_382_58,
                3.647_848_324_763_204_605_04,
                5.769_497_221_460_691_405_5,
                4.630_337_846_156_545_295_9,
                1.423_437_110_749_683_577_34,
            ],
        ) / polynomial(
            r,
            [
                1.050_750_071_644_416_843_24e-9,
                5.475_938_084_995_344_946e-4,
                1.519_866_656_361_645_719_66e-2,
                1.481_039_764_274_800_745_9e-1,
                6.897_673_349_851_000_045_5e-1,
                1.676_384_830_183_803_849_4,
                2.053_191_626_637_758_821_87,
                1.0,
            ],
        )
    } else {
        let r = r - 5.0;
        polynomial(
            r,
            [
                2.010_334_399_292_288_132_65e-7,
                2.711_555_568_743_487_578_15e-5,
                1.242_660_947_388_078_438_6e-3,
                2.653_218_952_657_612_309_3e-2,
                2.965_605_718_285_048_912_3e-1,
                1.784_826_539_917_291_335_8,
                5.463_784_911_164_114_369_9,
                6.657_904_643_501_103_777_2,
            ],
        ) / polynomial(
            r,
            [
                2.044_263_103_389_939_785_64e-15,
                1.421_511_758_316_445_888_7e-7,
                1.846_318_317_510_054_681_8e-5,
                7.868_691_311_456_132_591e-4,
                1.487_536_129_085_061_485_25e-2,
                1.369_298_809_227_358_053_1e-1,
                5.998_322_065_558_879_376_9e-1,
                1.0,
            ],
        )
    };
    if q < 0.0 { -x } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_from_version_to_version() {
        // The first outputs of splitmix64 and of xoshiro256++ by their authors' programs.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        let mut random = Random::from_state([1, 2, 3, 4]);
        assert_eq!(
            [(); 4].map(|()| random.next_u64()),
            [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]
        );
        assert_eq!(bits(key(1, 2, 3, 4), 5), 3_910_734_423);
        assert_eq!(Random::new(1).normal(), 0.8838527949761759);
    }

    #[test]
    fn a_state_continues_its_sequence() {
        let mut random = Random::new(5);
        random.normal();
        let mut copy = Random::from_state(random.state());
        assert_eq!([(); 5].map(|()| copy.next_u64()), [(); 5].map(|()| random.next_u64()));
    }

    #[test]
    fn the_state_of_zeros_does_not_stand_still() {
        let mut random = Random::from_state([0; 4]);
        assert_ne!(random.next_u64(), random.next_u64());
    }

    #[test]
    fn uniform_numbers_are_even_in_0_to_1() {
        let mut random = Random::new(2);
        let numbers: Vec<f64> = (0..100_000).map(|_| random.uniform()).collect();
        assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)));
        for tenth in 0..10 {
            let count = numbers.iter().filter(|&&x| (x * 10.0) as usize == tenth).count() as f64;
            assert!((count - 10_000.0).abs() < 500.0, "{count} in tenth {tenth}");
        }
    }

    #[test]
    fn normal_numbers_have_the_moments_and_tails_of_the_normal_distribution() {
        let mut random = Random::new(3);
        let numbers: Vec<f64> = (0..200_000).map(|_| random.normal()).collect();
        let moment = |n: i32| numbers.iter().map(|x| x.powi(n)).sum::<f64>() / 200_000.0;
        assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02);
        assert!(moment(3).abs() < 0.04 && (moment(4) - 3.0).abs() < 0.1);
        let beyond_3 = numbers.iter().filter(|x| x.abs() > 3.0).count() as f64;
        assert!((beyond_3 - 540.0).abs() < 120.0, "{beyond_3}");
    }

    #[test]
    fn quantiles_invert_the_distribution_function() {
        let distribution = |x: f64| 0.5 * libm::erfc(-x * core::f64::consts::FRAC_1_SQRT_2);
        for p in [1e-16, 1e-12, 1e-5, 0.01, 0.07, 0.08, 0.3, 0.5, 0.9, 0.93, 0.999] {
            let error = distribution(normal_quantile(p)) / p - 1.0;
            assert!(error.abs() < 1e-13, "{p}: {error:e}");
        }
    }

    #[test]
    fn below_is_even_and_stays_below() {
        let mut random = Random::new(4);
        let mut counts = [0; 7];
        for _ in 0..70_000 {
            counts[random.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|&count: &i32| (count - 10_000).abs() < 500), "{counts:?}");
        assert_eq!([random.below(0), random.below(1)], [0, 0]);
        assert!((0..100).all(|_| random.below(u64::MAX) < u64::MAX));
    }

    #[test]
    fn a_shuffle_is_an_even_permutation() {
        let mut random = Random::new(5);
        let mut first = [0; 4];
        for _ in 0..40_000 {
            let mut order = [0, 1, 2, 3];
            random.shuffle(&mut order);
            first[order[0]] += 1;
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3]);
        }
        assert!(first.iter().all(|&count: &i32| (count - 10_000).abs() < 500), "{first:?}");
    }
}
