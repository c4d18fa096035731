//! The peak arithmetic and memory bandwidth of the machine.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use netwright_compute::simd::{Isa, Simd, Vector, WithSimd};
use netwright_runtime::memory::Buffer;

/// Independent multiply-adds of vectors: enough to hide the latency of one, few enough for the registers of AVX2.
const CHAINS: usize = 12;

/// Iterations of a measurement: about a millisecond.
const TURNS: usize = 200_000;

/// The time over which the peak is measured.
const LONG: Duration = Duration::from_millis(150);

/// Multiply-adds in registers only. Its output is the number of lanes, and a sum that keeps the compiler from removing the loop.
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

/// Returns the peak of `threads` threads in single precision, in GFLOP/s: multiply-adds in registers, two operations each, with the widest
/// instruction set that kernels use. It is the best of several measurements, so that a short disturbance does not lower it.
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

/// Returns the speed at which one thread reads memory that no cache holds, in gigabytes per second, from a buffer like that of weights.
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

/// Streams that are read in parallel: more than one, so that their page walks and prefetches overlap.
const STREAMS: usize = 4;

/// The sum of a slice, with as many independent chains as a core can execute in parallel.
struct Sum<'a>(&'a [f32]);

impl WithSimd<f32> for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd<f32>>(self, simd: S) -> f32 {
        let mut sums = [[simd.splat(0.0); 2]; STREAMS];
        let stream = self.0.len() / STREAMS;
        let streams: [&[f32]; STREAMS] = core::array::from_fn(|index| &self.0[index * stream..][..stream]);
        for at in (0..stream / (2 * S::LANES)).map(|step| 2 * step * S::LANES) {
            for (sums, stream) in sums.iter_mut().zip(streams) {
                let [low, high] = sums;
                *low = *low + simd.load(&stream[at..at + S::LANES]);
                *high = *high + simd.load(&stream[at + S::LANES..at + 2 * S::LANES]);
            }
        }
        sums.as_flattened().iter().map(|sum| sum.sum()).sum()
    }
}
