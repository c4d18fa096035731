//! After its first step, an optimiser allocates nothing.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use netwright_runtime::Shape;
use netwright_runtime::init::Init;
use netwright_runtime::layer::{self, Axes, Layer, ParameterKind, ParameterTensor};
use netwright_train::optim::{Adam, Optimizer, RmsProp, Sgd};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is forwarded to the system's allocator with unchanged arguments, so its contract is that of the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's guarantees are those that the system's allocator requires.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's guarantees are those that the system's allocator requires.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KERNEL: ParameterTensor = ParameterTensor {
    name: "kernel",
    kind: ParameterKind::Weight,
    shape: &[100],
    offset: 0,
    len: 100,
    fan_in: 1,
    fan_out: 1,
    init: Init::Constant(0.0),
    layout: layer::WeightLayout::of(Axes::Own),
};
const LAYERS: &[Layer] = &[Layer {
    name: "dense1",
    text: "dense 100",
    input: Shape::Flat(1),
    output: Shape::Flat(100),
    activation: None,
    tensors: &[KERNEL],
    macs: 100,
    frozen: false,
    foreign: None,
}];

fn allocations_of_later_steps(mut optimizer: impl Optimizer<f32>) -> [usize; 2] {
    let (mut parameters, gradients) = ([1.0; 100], [0.5; 100]);
    let mut step = || {
        let before = ALLOCATIONS.get();
        optimizer.step(0.1, LAYERS, &mut parameters, &gradients).unwrap();
        ALLOCATIONS.get() - before
    };
    [step(), step() + step()]
}

#[test]
fn only_the_first_step_allocates() {
    let sgd = Sgd::new(0.1).unwrap().momentum(0.9).unwrap().l2_for("dense1", 0.1).unwrap().clip_norm(1.0).unwrap();
    for counts in [
        allocations_of_later_steps(sgd),
        allocations_of_later_steps(RmsProp::new(0.1).unwrap().momentum(0.9).unwrap()),
        allocations_of_later_steps(Adam::new(0.1).unwrap().l1(0.1).unwrap()),
    ] {
        assert!(counts[0] > 0, "the counter counts");
        assert_eq!(counts[1], 0);
    }
}
