//! The schedules have the factors of PyTorch's and Keras's.

use netwright_train::schedule::{
    Constant, Cosine, Exponential, OneCycle, Progress, ReduceOnPlateau, Schedule, Step, WarmUp,
};

/// Epochs have four steps; a plateau observes a validation after each step.
const STEPS_PER_EPOCH: u64 = 4;

fn schedule(name: &str) -> Box<dyn Schedule> {
    let warm_up = 1.0;
    let step = || Step::new(1.0, 0.5).unwrap();
    // A factor of 0.9 per step.
    let exponential = || Exponential::new(0.9_f64.powi(4)).unwrap();
    match name {
        "step" | "keras_step" => Box::new(step()),
        "exponential" => Box::new(exponential()),
        "keras_exponential" => Box::new(Exponential::new(0.5).unwrap()),
        "cosine" => Box::new(Cosine),
        "cosine_to_a_tenth" => Box::new(Cosine::new().last(0.1).unwrap()),
        "keras_cosine" => Box::new(Cosine::new().last(0.2).unwrap()),
        "one_cycle" => Box::new(OneCycle),
        "one_cycle_early" => Box::new(OneCycle::new().peak(0.25).unwrap().ends(0.1, 0.01).unwrap()),
        "one_cycle_late" => Box::new(OneCycle::new().peak(1.0).unwrap()),
        "warm_up" => Box::new(WarmUp::new(warm_up, Constant).unwrap().first(0.1).unwrap()),
        "warm_up_cosine" => Box::new(WarmUp::new(warm_up, Cosine).unwrap().first(0.1).unwrap()),
        "warm_up_step" => Box::new(WarmUp::new(warm_up, step()).unwrap().first(0.1).unwrap()),
        "warm_up_exponential" => Box::new(WarmUp::new(warm_up, exponential()).unwrap().first(0.1).unwrap()),
        "keras_warm_up_cosine" => Box::new(WarmUp::new(warm_up, Cosine).unwrap().first(0.0).unwrap()),
        "plateau" | "keras_plateau" => {
            Box::new(ReduceOnPlateau::new(0.5, 2).unwrap().min_delta(0.01).unwrap().least(0.1).unwrap())
        }
        other => panic!("no schedule for {other}"),
    }
}

#[test]
fn every_schedule_has_the_numbers_of_pytorch_or_keras() {
    let lines: Vec<(&str, Vec<f64>)> = include_str!("golden/schedules.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, numbers) = line.split_once(' ').unwrap();
            (name, numbers.split(' ').map(|number| number.parse().unwrap()).collect())
        })
        .collect();
    let mut checked = 0;
    for (name, numbers) in lines.iter().filter(|(name, _)| *name != "plateau_losses") {
        let (steps, expected) = numbers.split_first().unwrap();
        let steps = *steps as u64;
        let losses = lines.iter().find(|(name, numbers)| *name == "plateau_losses" && numbers[0] == steps as f64);
        // Keras computes in f32.
        let tolerance = if name.starts_with("keras") { 2e-6 } else { 1e-9 };
        let mut schedule = schedule(name);
        assert_eq!(expected.len() as u64, steps, "{name}");
        for (step, expected) in expected.iter().enumerate() {
            let found = schedule.factor(&Progress { step: step as u64, steps_per_epoch: STEPS_PER_EPOCH, steps });
            assert!((found - expected).abs() < tolerance, "{name}, step {step} of {steps}: {found}, not {expected}");
            schedule.observe(losses.unwrap().1[1 + step]);
        }
        checked += 1;
    }
    assert_eq!(checked, 3 * 17);
}

#[test]
fn without_another_share_a_warm_up_is_keras_but_for_a_first_step_that_moves() {
    let keras = WarmUp::new(1.0, Cosine).unwrap().first(0.0).unwrap();
    let ours = WarmUp::new(1.0, Cosine).unwrap();
    let at = |schedule: &dyn Schedule, step| {
        schedule.factor(&Progress { step, steps_per_epoch: STEPS_PER_EPOCH, steps: 50 })
    };
    assert!((1..50).all(|step| (at(&keras, step) - at(&ours, step)).abs() < 1e-15));
    assert_eq!((at(&keras, 0), at(&ours, 0)), (0.0, 0.25));
}
