//! The times of kernels that are compared within one run.

use std::time::{Duration, Instant};

/// Returns the processor time of this thread, where Linux reports it, so that other processes disturb less.
fn processor_time() -> Option<Duration> {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    line.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Returns the time of one call, in seconds.
fn time(call: &mut dyn FnMut()) -> f64 {
    let (start, before) = (Instant::now(), processor_time());
    let mut calls = 0u32;
    while start.elapsed() < Duration::from_millis(40) {
        call();
        calls += 1;
    }
    // The scheduler updates its accounting at its tick: a yield brings it up to date.
    std::thread::yield_now();
    let taken = match (before, processor_time()) {
        (Some(before), Some(after)) if after > before => after - before,
        _ => start.elapsed(),
    };
    taken.as_secs_f64() / f64::from(calls)
}

/// Returns the best time of each call in seconds: all calls are timed in turn, several rounds, so that none profits from a quieter moment.
pub fn best<const N: usize>(mut calls: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut seconds = [f64::INFINITY; N];
    for _ in 0..5 {
        for (seconds, call) in seconds.iter_mut().zip(&mut calls) {
            *seconds = seconds.min(time(*call));
        }
    }
    seconds
}
