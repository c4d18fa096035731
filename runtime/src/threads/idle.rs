//! How threads wait for work. Waking a sleeping thread takes some tens of microseconds, as long as a small layer takes, so threads without
//! work poll for a while before they sleep.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon_core::Yield;

/// How long a thread without work polls before it sleeps.
const POLL_BEFORE_SLEEP: Duration = Duration::from_micros(200);

/// How long a thread that has finished its part stays awake for the other's. Both parts take equally long, so a longer wait means that the
/// other thread has lost its processor.
const POLL_FOR_PARTNER: Duration = Duration::from_millis(2);

/// The number of polls without work after which a thread yields its processor, in case there are more threads than processors.
const POLLS_BEFORE_YIELD: u32 = 64;

/// The state that the threads of a pool share while they wait.
///
/// No call is lost: a thread that hands out work does so before it checks for sleeping threads, and a thread that is about to sleep counts as
/// asleep before it polls for the last time.
#[derive(Debug, Default)]
pub(super) struct Idle {
    asleep: AtomicUsize,
    /// The number of calls so far to sleeping threads.
    calls: AtomicU64,
    /// The number of announcements by threads outside the pool whose work no thread of the pool has begun.
    announced: AtomicUsize,
    has_ended: AtomicBool,
    lock: Mutex<()>,
    called: Condvar,
}

impl Idle {
    /// Executes the work of other threads until the pool ends; each thread of the pool runs this loop.
    pub(super) fn work(&self) {
        let mut polling = Polling::new();
        while !self.has_ended.load(Ordering::Acquire) {
            if !polling.poll(POLL_BEFORE_SLEEP) {
                self.sleep();
                polling = Polling::new();
            }
        }
    }

    /// Wakes a sleeping thread, if there is one, after work has been handed out.
    pub(super) fn call(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) > 0 {
            let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.called.notify_one();
        }
    }

    /// Wakes a thread for work that is about to come from outside the pool.
    pub(super) fn announce(&self) {
        self.announced.fetch_add(1, Ordering::Relaxed);
        self.call();
    }

    /// Takes back an announcement whose work has begun.
    pub(super) fn begin(&self) {
        self.announced.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends the loops of all threads.
    pub(super) fn end(&self) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_ended.store(true, Ordering::Release);
        self.called.notify_all();
    }

    /// Sleeps until there is a call.
    fn sleep(&self) {
        let calls = self.calls.load(Ordering::Relaxed);
        self.asleep.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.announced.load(Ordering::Relaxed) == 0 && rayon_core::yield_now() != Some(Yield::Executed) {
            let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            let is_over = || self.calls.load(Ordering::Relaxed) != calls || self.has_ended.load(Ordering::Acquire);
            drop(self.called.wait_while(lock, |()| !is_over()).unwrap_or_else(PoisonError::into_inner));
        }
        self.asleep.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Calls both functions, in parallel if a thread is free. The thread that finishes first stays awake for the other.
pub(super) fn join(idle: &Idle, first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
    let done = AtomicBool::new(false);
    rayon_core::join(
        || {
            idle.call();
            first();
            let mut polling = Polling::new();
            loop {
                if done.load(Ordering::Acquire) || !polling.poll(POLL_FOR_PARTNER) {
                    break;
                }
            }
        },
        || {
            second();
            done.store(true, Ordering::Release);
        },
    );
}

/// The state of a thread that polls for work.
struct Polling {
    since: Instant,
    polls: u32,
}

impl Polling {
    fn new() -> Self {
        Self { since: Instant::now(), polls: 0 }
    }

    /// Executes work that another thread has handed out, if there is some. Returns `false` after `most` without work.
    fn poll(&mut self, most: Duration) -> bool {
        if rayon_core::yield_now() == Some(Yield::Executed) {
            *self = Self::new();
            return true;
        }
        self.polls += 1;
        if self.polls.is_multiple_of(POLLS_BEFORE_YIELD) {
            std::thread::yield_now();
            return self.since.elapsed() < most;
        }
        std::hint::spin_loop();
        true
    }
}
