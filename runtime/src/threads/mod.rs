//! The thread pools of training and predictions.

mod idle;

use std::sync::{Arc, Barrier, OnceLock};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use self::idle::Idle;
use crate::context::Fork;
use crate::error::Error;

/// More than the processors of any machine. A system may allow far more threads, but then it is unresponsive for minutes.
const MAX_THREADS: usize = 1024;

/// Returns the count, or an error for 0 threads and for too many.
pub fn check(count: usize) -> Result<usize, Error> {
    crate::error::count_setting("threads", count, (1..=MAX_THREADS).contains(&count), "at least 1 and at most 1024")?;
    Ok(count)
}

/// The threads that share the work of a run: the caller's alone, or a pool. Results do not depend on their number, because no element is computed
/// differently when work is divided differently. A clone refers to the same threads.
#[derive(Clone, Default)]
pub struct Threads(Option<Arc<Pool>>);

struct Pool {
    threads: ThreadPool,
    idle: Arc<Idle>,
}

impl Pool {
    /// Runs `work` on one of the threads.
    fn run(&self, work: &mut (dyn FnMut() + Send)) {
        if self.threads.current_thread_index().is_some() {
            return work();
        }
        self.idle.announce();
        self.threads.install(|| {
            self.idle.begin();
            work();
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.idle.end();
    }
}

impl Threads {
    /// Creates a pool of `count` threads; 1 means the caller's own thread, as [`Threads::default`] does.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0 and for more than 1024, [`Error::Threads`] where the system cannot start them.
    pub fn new(count: usize) -> Result<Self, Error> {
        if check(count)? == 1 {
            return Ok(Self(None));
        }
        let pool = ThreadPoolBuilder::new().num_threads(count).thread_name(|i| format!("netwright-{i}")).build();
        let threads = pool.map_err(|error| Error::Threads(error.to_string()))?;
        let pool = Pool { threads, idle: Arc::default() };
        // A thread allocates memory when it starts and when it first polls. The barrier makes that happen here, not in a step.
        let (idle, ready) = (pool.idle.clone(), Arc::new(Barrier::new(count + 1)));
        let started = ready.clone();
        pool.threads.spawn_broadcast(move |_| {
            rayon_core::yield_now();
            started.wait();
            idle.work();
        });
        ready.wait();
        Ok(Self(Some(Arc::new(pool))))
    }

    /// Returns the number of threads.
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or(1, |pool| pool.threads.current_num_threads())
    }

    /// Returns the number of the machine's processors.
    pub fn available() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
    }

    /// Returns the pool that predictions share unless a network has its own: one thread per processor, started at first use.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Threads> = OnceLock::new();
        // If the system refuses threads, the caller's thread remains.
        SHARED.get_or_init(|| Self::new(Self::available()).unwrap_or_default())
    }

    /// Returns whether the caller is already a thread of a pool.
    pub fn are_busy() -> bool {
        rayon_core::current_thread_index().is_some()
    }

    /// Runs `work` on one of the threads, where handing work to the others does not allocate.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        let (mut work, mut done) = (Some(work), None);
        self.run(&mut || done = work.take().map(|work| work()));
        done.unwrap_or_else(|| unreachable!("`run` has called its closure, or handed its panic on"))
    }

    /// Runs [`Threads::install`] for work that returns nothing. Neither this nor [`Threads::pair`] is generic, so that a user's crate, which
    /// compiles its own instances of generic functions, need not compile `rayon`.
    fn run(&self, work: &mut (dyn FnMut() + Send)) {
        match &self.0 {
            None => work(),
            Some(pool) => pool.run(work),
        }
    }

    /// Calls both functions, in parallel if there are several threads.
    fn pair(&self, first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
        match &self.0 {
            None => {
                first();
                second();
            }
            Some(pool) => pool.run(&mut || idle::join(&pool.idle, first, second)),
        }
    }

    /// Calls both functions, in parallel if there are several threads, and returns both results.
    pub fn both<A: Send, B: Send>(
        &self,
        first: impl FnOnce() -> A + Send,
        second: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        let (mut first, mut second, mut a, mut b) = (Some(first), Some(second), None, None);
        self.pair(&mut || a = first.take().map(|first| first()), &mut || b = second.take().map(|second| second()));
        a.zip(b).unwrap_or_else(|| unreachable!("`pair` has called both closures, or handed a panic on"))
    }

    /// Calls `work` with each index and its pair of items, in parallel. The slices have equal lengths.
    pub fn each<A: Send, B: Send>(
        &self,
        left: &mut [A],
        right: &mut [B],
        work: &(dyn Fn(usize, &mut A, &mut B) + Sync),
    ) {
        self.run(&mut || self.halve(0, left, right, work));
    }

    fn halve<A: Send, B: Send>(
        &self,
        first: usize,
        left: &mut [A],
        right: &mut [B],
        work: &(dyn Fn(usize, &mut A, &mut B) + Sync),
    ) {
        match (left, right) {
            ([a], [b]) => work(first, a, b),
            (left, right) if left.len() > 1 && right.len() == left.len() => {
                let middle = left.len() / 2;
                let (low_left, high_left) = left.split_at_mut(middle);
                let (low_right, high_right) = right.split_at_mut(middle);
                self.pair(&mut || self.halve(first, low_left, low_right, work), &mut || {
                    self.halve(first + middle, high_left, high_right, work);
                });
            }
            _ => {}
        }
    }

    /// Calls `work` with chunks of `elements` and the offset of each, in parallel.
    pub fn stretches<T: Send>(&self, elements: &mut [T], work: &(dyn Fn(usize, &mut [T]) + Sync)) {
        match &self.0 {
            None => work(0, elements),
            Some(_) => self.chunk(0, elements, work),
        }
    }

    fn chunk<T: Send>(&self, first: usize, elements: &mut [T], work: &(dyn Fn(usize, &mut [T]) + Sync)) {
        if elements.len() <= MAX_CHUNK {
            return work(first, elements);
        }
        let middle = elements.len() / 2;
        let (low, high) = elements.split_at_mut(middle);
        self.pair(&mut || self.chunk(first, low, work), &mut || self.chunk(first + middle, high, work));
    }
}

/// The largest chunk: for fewer elements, another thread costs more than it saves.
const MAX_CHUNK: usize = 1 << 14;

impl Fork for Threads {
    fn threads(&self) -> usize {
        self.count()
    }

    fn join(&self, left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
        self.pair(left, right);
    }
}

impl core::fmt::Debug for Threads {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Threads({})", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the sum of `range` by recursive halving.
    fn sum(threads: &Threads, range: core::ops::Range<u64>) -> u64 {
        let middle = u64::midpoint(range.start, range.end);
        if range.end - range.start < 8 {
            return range.sum();
        }
        let (low, high) = threads.both(|| sum(threads, range.start..middle), || sum(threads, middle..range.end));
        low + high
    }

    #[test]
    fn sleeping_and_polling_threads_complete_all_work() {
        for count in [1, 2, 7] {
            let threads = Threads::new(count).unwrap();
            for round in 0..60 {
                let idle = std::time::Duration::from_micros([0, 50, 400][round % 3]);
                std::thread::sleep(idle);
                assert_eq!(sum(&threads, 0..1000), 499_500);
                threads.install(|| {
                    std::thread::sleep(idle);
                    assert_eq!(sum(&threads, 0..1000), 499_500);
                });
            }
        }
    }

    /// On a machine that is busy elsewhere, some of these start late.
    #[test]
    fn pools_start_and_end_beside_others() {
        std::thread::scope(|scope| {
            for count in 2..8 {
                scope.spawn(move || {
                    for _ in 0..40 {
                        assert_eq!(sum(&Threads::new(count).unwrap(), 0..100), 4950);
                    }
                });
            }
        });
    }

    #[test]
    fn threads_are_shared_by_callers_at_once() {
        let threads = Threads::new(3).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| assert_eq!(sum(&threads, 0..1000), 499_500)));
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_threads_go_on() {
        let threads = Threads::new(2).unwrap();
        for side in [0, 1] {
            let work = || threads.both(|| assert_ne!(side, 0), || assert_ne!(side, 1));
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
            assert_eq!(sum(&threads, 0..1000), 499_500);
        }
    }
}
