//! What the processor and its memory can do at most.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use netwright_compute::simd::{Isa, Simd, Vector, WithSimd};
use netwright_runtime::memory::Buffer;

/// Multiply-adds of vectors side by side: enough to hide what one takes, few enough for the registers of AVX2.
const CHAINS: usize = 12;

/// Turns of a measurement: about a millisecond.
const TURNS: usize = 200_000;

/// How long a peak is looked for.
const LONG: Duration = Duration::from_millis(150);

/// Multiply-adds in registers alone. Its output is the number of lanes, and a sum that nobody can do without.
struct MultiplyAdds;

impl WithSimd<f32> for MultiplyAdds {
    type Output = (usize, f32);

    #[inline(always)]
    fn with_simd<S: Simd<f32>>(self, simd: S) -> (usize, f32) {
        let (factor, addend) = (simd.splat(black_box(0.75)), simd.splat(black_box(0.5)));
        let mut chains = [simd.splat(black_box(1.0)); CHAINS];
        for _ in 0..TURNS {
            for chain in &mut chains {
                *chain = chain.multiply_add(factor, addend);
            }
        }
        (S::LANES, chains.iter().map(|chain| chain.sum()).sum())
    }
}

/// The most that `threads` threads compute in single precision, in GFLOP/s: multiply-adds in registers, two operations each, with the widest
/// instruction set that kernels use. The best of several turns, so that a moment's disturbance does not lower it.
pub fn peak(threads: usize) -> f64 {
    let isa = Isa::detect();
    let barrier = Barrier::new(threads);
    let alone = || {
        barrier.wait();
        let (start, mut best) = (Instant::now(), 0.0_f64);
        while start.elapsed() < LONG {
            let turn = Instant::now();
            let (lanes, sum) = isa.dispatch(MultiplyAdds);
            black_box(sum);
            best = best.max((2 * lanes * CHAINS * TURNS) as f64 / turn.elapsed().as_secs_f64() / 1e9);
        }
        best
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(alone)).collect();
        let own = alone();
        own + others.into_iter().map(|other| other.join().unwrap_or(0.0)).sum::<f64>()
    })
}

/// The speed at which one thread reads memory that no cache holds, in gigabytes per second: a buffer as weights lie in one.
pub fn memory() -> f64 {
    let mut elements = Buffer::<f32>::zeros(64 << 20);
    elements.fill(1.0);
    let mut best = 0.0_f64;
    for _ in 0..8 {
        let start = Instant::now();
        black_box(Isa::detect().dispatch(Sum(black_box(&elements))));
        best = best.max((4 * elements.len()) as f64 / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}

/// Stretches that are read side by side: more than one, so that their pages are looked up and fetched ahead side by side too.
const STRETCHES: usize = 4;

/// The sum of a slice, in as many chains as a core can follow.
struct Sum<'a>(&'a [f32]);

impl WithSimd<f32> for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd<f32>>(self, simd: S) -> f32 {
        let mut sums = [[simd.splat(0.0); 2]; STRETCHES];
        let stretch = self.0.len() / STRETCHES;
        let stretches: [&[f32]; STRETCHES] = core::array::from_fn(|place| &self.0[place * stretch..][..stretch]);
        for at in (0..stretch / (2 * S::LANES)).map(|step| 2 * step * S::LANES) {
            for (sums, stretch) in sums.iter_mut().zip(stretches) {
                let [low, high] = sums;
                *low = *low + simd.load(&stretch[at..at + S::LANES]);
                *high = *high + simd.load(&stretch[at + S::LANES..at + 2 * S::LANES]);
            }
        }
        sums.as_flattened().iter().map(|sum| sum.sum()).sum()
    }
}
