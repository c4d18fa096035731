//! Schedules and clipping in a run.

mod support;

use std::ops::ControlFlow;

use netwright_runtime::network::Network;
use netwright_train::optim::{Sgd, clip_by_global_norm, clip_by_value, global_norm};
use netwright_train::schedule::{Cosine, OneCycle, ReduceOnPlateau, Schedule, WarmUp};
use support::{Spot, data, quick};

#[test]
fn a_schedule_observes_the_validation() {
    let train = data(32, 1);
    let run = |schedule| {
        let trainer = quick().epochs(6).unwrap().optimizer(Sgd::new(0.0).unwrap()).schedule(schedule);
        trainer.fit(&mut Spot::init(1), &train, Some(&train)).unwrap().last().unwrap().rate
    };
    // Nothing improves at a rate of 0, so the factor decreases.
    assert_eq!(run(ReduceOnPlateau::new(0.5, 1).unwrap()), 0.0);
    let mut rates = Vec::new();
    let cosine = quick().epochs(4).unwrap().schedule(Cosine::new()).on_epoch(|report| {
        rates.push(report.record.rate);
        ControlFlow::Continue(())
    });
    cosine.fit(&mut Spot::init(1), &train, None).unwrap();
    assert!(rates.is_sorted_by(|a, b| a > b) && rates[0] < 0.1, "{rates:?}");
}

/// Returns the learning rate of every step.
fn rates(schedule: impl Schedule + 'static) -> Vec<f64> {
    let mut rates = Vec::new();
    let trainer = quick().epochs(5).unwrap().schedule(schedule).on_step(|report| {
        rates.push(report.rate);
        ControlFlow::Continue(())
    });
    trainer.fit(&mut Spot::init(1), &data(64, 1), None).unwrap();
    rates
}

#[test]
fn warm_up_and_one_cycle_set_the_rate_of_each_step() {
    // Five epochs of four steps at a rate of 0.1.
    let close = |found: &[f64], expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    };
    let half_cosine = |share: f64| 0.5 + 0.5 * (std::f64::consts::PI * share).cos();
    let warm = rates(WarmUp::new(2.0, Cosine::new()).unwrap());
    close(&warm[..8], &[1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0].map(|eighths: f64| 0.1 * eighths / 8.0));
    close(&warm[8..], &(0..12).map(|step| 0.1 * half_cosine(f64::from(step) / 12.0)).collect::<Vec<_>>());

    let cycle = rates(OneCycle::new().peak(0.4).unwrap().ends(0.1, 0.01).unwrap());
    let up = (0..7).map(|step| 1.0 + (0.1 - 1.0) * half_cosine(f64::from(step) / 7.0));
    let down = (0..13).map(|step| 0.01 + (1.0 - 0.01) * half_cosine(f64::from(step) / 12.0));
    close(&cycle, &up.chain(down).map(|factor| 0.1 * factor).collect::<Vec<_>>());
    assert_eq!(cycle[7], 0.1, "the full rate at the peak");
}

#[test]
fn a_plateau_of_the_validation_lowers_the_rate_of_the_epochs_after_it() {
    let train = data(64, 1);
    let mut rates = Vec::new();
    let plateau = ReduceOnPlateau::new(0.5, 2).unwrap().min_delta(1e6).unwrap().least(0.2).unwrap();
    let trainer = quick().epochs(9).unwrap().schedule(plateau).on_epoch(|report| {
        rates.push(report.record.rate);
        ControlFlow::Continue(())
    });
    trainer.fit(&mut Spot::init(1), &train, Some(&train)).unwrap();
    // The first validation is the best; each decrease comes after two more, and 0.2 is the smallest factor.
    assert_eq!(rates, [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2].map(|factor| 0.1 * factor));
}

#[test]
fn clipping_limits_the_gradient_that_a_run_steps_along() {
    let train = data(16, 1);
    let step = |optimizer: Sgd| {
        let (mut network, mut gradient) = (Spot::init(1), Vec::new());
        let trainer = quick().epochs(1).unwrap().optimizer(optimizer).on_step(|report| {
            gradient = report.gradients.as_slice().to_vec();
            ControlFlow::Continue(())
        });
        trainer.fit(&mut network, &train, None).unwrap();
        let start = Spot::init(1);
        let moved = start.parameters().iter().zip(network.parameters()).map(|(a, b)| f64::from(a - b) / 0.1);
        (gradient, moved.collect::<Vec<f64>>())
    };
    let sgd = || Sgd::new(0.1).unwrap();
    let (gradient, _) = step(sgd());
    let length = global_norm(&gradient);
    let most = gradient.iter().fold(0.0, |most: f64, &g| most.max(f64::from(g).abs()));
    let check = |moved: &[f64], expected: &[f32]| {
        for (moved, expected) in moved.iter().zip(expected) {
            assert!((moved - f64::from(*expected)).abs() < 1e-5, "{moved} {expected}");
        }
    };

    let (_, moved) = step(sgd().clip_norm(length / 3.0).unwrap());
    let mut shortened = gradient.clone();
    assert_eq!(clip_by_global_norm(&mut shortened, length / 3.0).unwrap(), length);
    check(&moved, &shortened);
    assert!((global_norm(&moved) - length / 3.0).abs() < 1e-4);

    let (_, moved) = step(sgd().clip_value(most / 4.0).unwrap());
    let mut cut = gradient.clone();
    clip_by_value(&mut cut, most / 4.0).unwrap();
    check(&moved, &cut);
    assert!(moved.iter().all(|moved| moved.abs() < most / 4.0 + 1e-5));

    let (_, free) = step(sgd());
    let (_, moved) = step(sgd().clip_norm(length * 1.01).unwrap().clip_value(most * 1.01).unwrap());
    assert_eq!(moved, free, "what is short enough is left alone");
}
