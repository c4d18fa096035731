//! Ctrl-C ends a run after its step, with its checkpoint saved.
#![cfg(unix)]

mod support;

use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use netwright_runtime::network::Network;
use netwright_train::loss::CrossEntropy;
use netwright_train::optim::Adam;
use netwright_train::train::{Checkpoints, Ending, Trainer};
use support::{SpotDropout, data};

/// The environment variable that tells a copy of the test process to be the run that is interrupted.
const RUN: &str = "NETWRIGHT_TEST_RUN_TO_INTERRUPT";

fn trainer<'c>(epochs: u64) -> Trainer<'c, SpotDropout, usize, CrossEntropy, Adam> {
    let trainer = Trainer::new().epochs(epochs).unwrap().batch(16).unwrap().seed(5).threads(1).unwrap();
    trainer.loss(CrossEntropy::new()).optimizer(Adam::new(0.02).unwrap())
}

fn ended(ended: bool) -> ControlFlow<()> {
    if ended { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// A run that ends only by Ctrl-C; it prints its position when it has ended.
fn run_until_interrupted(checkpoint: &Path) {
    let mut network = SpotDropout::init(1);
    let history = trainer(u64::MAX / 16)
        .stop_on_ctrl_c()
        .unwrap()
        // The checkpoint is saved by the interruption alone.
        .checkpoints(Checkpoints::new(checkpoint).every_epochs(u64::MAX).unwrap())
        .on_step(|report| {
            if report.step == 5 {
                // A word that the test harness does not print.
                println!("under way");
            }
            ended(false)
        })
        .fit(&mut network, &data(48, 1), None)
        .unwrap();
    assert_eq!(history.ending, Ending::Interrupted);
}

#[test]
fn ctrl_c_ends_the_step_and_saves_and_the_run_goes_on_with_the_same_bits() {
    if let Ok(file) = std::env::var(RUN) {
        return run_until_interrupted(Path::new(&file));
    }
    let file = std::env::temp_dir().join(format!("netwright-interrupt-{}.checkpoint", std::process::id()));
    let mut run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ctrl_c_ends_the_step_and_saves_and_the_run_goes_on_with_the_same_bits", "--nocapture"])
        .env(RUN, &file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let stdout = run.stdout.as_mut().unwrap();
    while !said.contains("under way") {
        let mut byte = [0];
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "the run ended by itself: {said}");
        said.push(char::from(byte[0]));
    }
    assert!(!file.exists(), "nothing was to be saved yet");
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    assert!(run.wait().unwrap().success(), "an interrupted run ends in order");

    // The position is read from the checkpoint, since the run does not print it.
    let mut resumed = SpotDropout::init(2);
    let mut first = 0;
    let further = trainer(u64::MAX / 16)
        .checkpoints(Checkpoints::new(&file).resume(true).every_epochs(u64::MAX).unwrap())
        .on_step(|report| {
            first = if first == 0 { report.step } else { first };
            ended(report.step == first + 7)
        })
        .fit(&mut resumed, &data(48, 1), None)
        .unwrap();
    assert_eq!(further.ending, Ending::Callback);
    assert!(first > 5, "it went on from step {first}");
    let mut whole = SpotDropout::init(1);
    trainer(u64::MAX / 16)
        .on_step(|report| ended(report.step == first + 7))
        .fit(&mut whole, &data(48, 1), None)
        .unwrap();
    assert!(resumed.parameters() == whole.parameters(), "interrupted before step {first}");
    std::fs::remove_file(&file).unwrap();
}
