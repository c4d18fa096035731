//! A training step allocates nothing once its memory exists. This program does not use the test harness, whose own thread
//! allocates, since it counts the allocations of all threads.
#![allow(unsafe_code)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use netwright_runtime::network::Network;
use netwright_runtime::{Architecture, Pass};
use netwright_train::data::Dataset;
use netwright_train::loss::CrossEntropy;
use netwright_train::optim::{Adam, Optimizer, Sgd};
use netwright_train::train::augment::Augmentation;
use netwright_train::train::{GradientEngine, Mixup, Trainer};
use support::{Spot, spots};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is forwarded to the system's allocator with unchanged arguments, so its contract is that of the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's guarantees are those that the system's allocator requires.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's guarantees are those that the system's allocator requires.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's guarantees are those that the system's allocator requires.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> usize {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// Makes steps of a hand-written loop. Returns the engine, since the end of threads also allocates.
fn engine_steps(threads: usize) -> GradientEngine<Spot> {
    let (images, labels) = &spots(128, 1);
    let mut network = Spot::init(1);
    let mut engine = GradientEngine::<Spot>::new(128, threads).unwrap();
    let mut optimizer = Sgd::new(0.1).unwrap().momentum(0.9).unwrap();
    let counted = engine.install(|engine| {
        let mut after_the_first = 0;
        for step in 0..200 {
            let pass = Pass { seed: 1, step, ..Pass::default() };
            engine.gradient(&mut network, images, labels, &CrossEntropy::new(), pass).unwrap();
            let gradients = engine.gradients().as_slice();
            optimizer.step(0.1, Spot::LAYERS, network.parameters_mut(), gradients).unwrap();
            if step == 0 {
                after_the_first = allocations();
            }
        }
        allocations() - after_the_first
    });
    assert_eq!(counted, 0, "engine, {threads} threads");
    engine
}

/// Makes steps of a trainer, with augmentation and mixup.
fn trainer_steps(threads: usize) {
    let (images, labels) = spots(120, 1);
    let train = Dataset::new(images, labels).unwrap();
    let mut counts = Vec::with_capacity(16);
    Trainer::new()
        .epochs(1)
        .unwrap()
        .batch(32)
        .unwrap()
        .threads(threads)
        .unwrap()
        .loss(CrossEntropy::new())
        .optimizer(Adam::new(0.01).unwrap())
        .augment(Augmentation::new().shift(1.0).unwrap().noise(0.1).unwrap())
        .mixup(Mixup::new(0.2).unwrap())
        .on_step(|_| {
            counts.push(allocations());
            ControlFlow::Continue(())
        })
        .fit(&mut Spot::init(1), &train, None)
        .unwrap();
    assert_eq!(counts.len(), 4);
    assert!(counts.iter().all(|count| *count == counts[0]), "trainer, {threads} threads: {counts:?}");
}

fn main() {
    engine_steps(1);
    trainer_steps(1);
    let _alive = engine_steps(2);
    trainer_steps(2);
}
