//! Steps of the optimisers, compared with copying as many bytes as they read and write, in the same run, on one thread.
//!
//! `cargo bench -p netwright-train --bench optim`
//!
//! Parameters that fit into the cache of a core show how close the arithmetic is to memory speed. For many parameters, memory is the limit, and
//! shares above 1 are usual: a copy has to fetch the lines that it overwrites, while a step has already read them.

use std::hint::black_box;

use netwright_measure::best;
use netwright_runtime::layer::Layer;
use netwright_train::optim::{Adam, AdamW, Optimizer, RmsProp, Sgd};

/// Returns the throughput in GB/s of a step that reads and writes `moved` elements of four bytes for each parameter, and of a copy.
fn measure(optimizer: &mut dyn Optimizer<f32>, parameters: usize, moved: usize) -> [f64; 2] {
    const NO_LAYERS: &[Layer] = &[];
    let numbers = |count: usize| -> Vec<f32> { (0..count).map(|i| ((i * 37) % 251) as f32 / 251.0 - 0.5).collect() };
    let (mut weights, gradients) = (numbers(parameters), numbers(parameters));
    let copied = parameters * moved / 2;
    let (source, mut copy) = (numbers(copied), numbers(copied));
    let [step, copying] = best([
        &mut || {
            let made = optimizer.step(1e-6, NO_LAYERS, black_box(&mut weights), black_box(&gradients));
            made.expect("parameters and gradients are of the same length");
        },
        &mut || black_box(&mut copy).copy_from_slice(black_box(&source)),
    ]);
    [step, copying].map(|seconds| (4 * parameters * moved) as f64 / seconds / 1e9)
}

fn main() {
    let sgd = || Sgd::new(0.1).expect("the rate is in range");
    let rms_prop = || RmsProp::new(0.1).expect("the rate is in range");
    let momentum = || sgd().momentum(0.9).expect("the share is in range");
    // Each with the number of elements that it reads and writes per parameter: weights and state twice, gradients once.
    let optimizers: [(&str, Box<dyn Optimizer<f32>>, usize); 7] = [
        ("Sgd", Box::new(sgd()), 3),
        ("Sgd, momentum", Box::new(momentum()), 5),
        ("Sgd, Nesterov", Box::new(momentum().nesterov(true)), 5),
        ("RmsProp", Box::new(rms_prop()), 5),
        ("Adam", Box::new(Adam::new(0.1).expect("the rate is in range")), 7),
        ("AdamW", Box::new(AdamW::new(0.1).expect("the rate is in range")), 7),
        (
            "Adam, clip_norm",
            Box::new(Adam::new(0.1).and_then(|adam| adam.clip_norm(1.0)).expect("both are in range")),
            8,
        ),
    ];
    println!("{:<16} {:>11} {:>11} {:>11} {:>6}", "optimiser", "parameters", "step GB/s", "copy GB/s", "share");
    for (name, mut optimizer, moved) in optimizers {
        for parameters in [8 << 10, 4 << 20] {
            // A step of another length would be refused, so the state is reset for each length.
            optimizer.restore(&[], 0).expect("no state is a state");
            let [step, copying] = measure(&mut *optimizer, parameters, moved);
            println!("{name:<16} {parameters:>11} {step:>11.1} {copying:>11.1} {:>6.2}", step / copying);
        }
    }
}
