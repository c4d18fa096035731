//! A thread pool for kernels that are timed.

use std::time::{Duration, Instant};

use netwright_compute::context::Fork;
use rayon_core::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// A pool of threads for the parts of a kernel: see [`Pool::best`].
#[derive(Debug)]
pub struct Pool(ThreadPool);

impl Pool {
    /// Starts `threads` threads.
    ///
    /// # Errors
    /// The error of the system where it refuses them.
    pub fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        ThreadPoolBuilder::new().num_threads(threads).build().map(Self)
    }

    /// Returns the best wall-clock time of each call in seconds: all calls are timed in turn, several rounds.
    pub fn best<const N: usize>(&self, mut calls: [&mut (dyn FnMut() + Send); N]) -> [f64; N] {
        let mut seconds = [f64::INFINITY; N];
        for _ in 0..6 {
            for (call, seconds) in calls.iter_mut().zip(&mut seconds) {
                self.0.install(|| {
                    let first = Instant::now();
                    while first.elapsed() < Duration::from_millis(30) {
                        let start = Instant::now();
                        call();
                        *seconds = seconds.min(start.elapsed().as_secs_f64());
                    }
                });
            }
        }
        seconds
    }
}

impl Fork for Pool {
    fn threads(&self) -> usize {
        self.0.current_num_threads()
    }

    fn join(&self, left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
        rayon_core::join(left, right);
    }
}
