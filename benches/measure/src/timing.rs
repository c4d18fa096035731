//! Times of kernels that are compared within one run.

use std::time::{Duration, Instant};

/// The time this thread has had on a processor, where Linux tells it; so that a busy machine disturbs less.
fn processor_time() -> Option<Duration> {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    line.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// The time of one call, in seconds.
fn time(call: &mut dyn FnMut()) -> f64 {
    let (start, before) = (Instant::now(), processor_time());
    let mut calls = 0u32;
    while start.elapsed() < Duration::from_millis(40) {
        call();
        calls += 1;
    }
    // The scheduler's account moves with its tick: yield, so that it is up to date.
    std::thread::yield_now();
    let taken = match (before, processor_time()) {
        (Some(before), Some(after)) if after > before => after - before,
        _ => start.elapsed(),
    };
    taken.as_secs_f64() / f64::from(calls)
}

/// The best time of one call of each, in seconds: all are timed in turn, several rounds, so that none profits from a quieter moment.
pub fn best<const N: usize>(mut calls: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut seconds = [f64::INFINITY; N];
    for _ in 0..5 {
        for (seconds, call) in seconds.iter_mut().zip(&mut calls) {
            *seconds = seconds.min(time(*call));
        }
    }
    seconds
}
