//! How threads wait. Waking one that sleeps takes some tens of microseconds, as long as a small layer takes; so those that wait look for
//! work for a while, and only then sleep.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon_core::Yield;

/// How long a thread without work looks for some before it sleeps.
const AWAKE: Duration = Duration::from_micros(200);

/// How long a thread whose part is done stays awake for another's. Parts take equally long, so that more means that the other thread
/// has lost its processor.
const PATIENCE: Duration = Duration::from_millis(2);

/// Looks without work after which other programs get the processor, should there be more threads than processors.
const LOOKS: u32 = 64;

/// What the threads of a pool without work share.
///
/// No call for work is lost: who hands work out does so before it looks whether a thread sleeps, and who is about to sleep counts as
/// asleep before it looks for work once more.
#[derive(Debug, Default)]
pub(super) struct Idle {
    asleep: AtomicUsize,
    /// How often a sleeping thread has been called.
    calls: AtomicU64,
    /// What threads outside the pool have announced, and none of the pool has begun.
    announced: AtomicUsize,
    has_ended: AtomicBool,
    lock: Mutex<()>,
    called: Condvar,
}

impl Idle {
    /// What each thread of a pool does until the pool ends: the work of others, where there is some.
    pub(super) fn work(&self) {
        let mut wait = Wait::new();
        while !self.has_ended.load(Ordering::Acquire) {
            if !wait.look(AWAKE) {
                self.sleep();
                wait = Wait::new();
            }
        }
    }

    /// Calls a thread that sleeps, if one does, for work that has been handed out.
    pub(super) fn call(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) > 0 {
            let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.called.notify_one();
        }
    }

    /// Calls a thread for work that is about to come from outside the pool.
    pub(super) fn announce(&self) {
        self.announced.fetch_add(1, Ordering::Relaxed);
        self.call();
    }

    /// What was announced has begun.
    pub(super) fn begin(&self) {
        self.announced.fetch_sub(1, Ordering::Relaxed);
    }

    /// Lets all threads go.
    pub(super) fn end(&self) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_ended.store(true, Ordering::Release);
        self.called.notify_all();
    }

    /// Until there is a call.
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

/// Calls both, side by side where a thread is free. Who is done first stays awake for the other.
pub(super) fn join(idle: &Idle, first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
    let done = AtomicBool::new(false);
    rayon_core::join(
        || {
            idle.call();
            first();
            let mut wait = Wait::new();
            loop {
                if done.load(Ordering::Acquire) || !wait.look(PATIENCE) {
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

/// A thread that looks for work.
struct Wait {
    since: Instant,
    looks: u32,
}

impl Wait {
    fn new() -> Self {
        Self { since: Instant::now(), looks: 0 }
    }

    /// Does what another thread has handed out, or looks and finds nothing; whether it has found something in the last `most`.
    fn look(&mut self, most: Duration) -> bool {
        if rayon_core::yield_now() == Some(Yield::Executed) {
            *self = Self::new();
            return true;
        }
        self.looks += 1;
        if self.looks.is_multiple_of(LOOKS) {
            std::thread::yield_now();
            return self.since.elapsed() < most;
        }
        std::hint::spin_loop();
        true
    }
}
