//! A hand-written loop over the parts gives the bits of the `Trainer`: the example `own_loop` on fewer digits.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use netwright::train::{Ending, History, RunFolder};

#[path = "../examples/own_loop/by_hand.rs"]
mod by_hand;
#[path = "../examples/data/digits.rs"]
mod digits;
#[path = "../examples/own_loop/settings.rs"]
mod settings;

use by_hand::{train_by_hand, train_by_trainer};
use settings::{DigitNet, Digits};

/// A folder that is removed after a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("netwright-own-loop-{name}-{}", std::process::id())))
    }
    fn run(&self) -> RunFolder {
        RunFolder::new(&self.0).expect("a temporary folder can be made")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn data() -> [Digits; 2] {
    let all = digits::digits::<8, 8>().expect("the digits are whole");
    let (rest, validation) = all.split(0.05, 1).expect("there are enough digits");
    let (_, train) = rest.split(0.1, 2).expect("there are enough digits");
    [train, validation]
}

fn bits(network: &DigitNet) -> Vec<u32> {
    network.parameters().iter().map(|number| number.to_bits()).collect()
}

/// Returns all figures of a history except the seconds.
fn figures(history: &History) -> Vec<Vec<Option<u64>>> {
    let own = |epoch: usize| history.epochs[epoch].numbers().into_iter().take(7).map(|number| number.map(f64::to_bits));
    let metrics = |epoch: usize| history.metrics.iter().map(move |series| Some(series.values[epoch].to_bits()));
    (0..history.epochs.len()).map(|epoch| own(epoch).chain(metrics(epoch)).collect()).collect()
}

#[test]
fn a_hand_written_loop_gives_the_bits_of_the_trainer() {
    let [train, validation] = &data();
    let never = Arc::new(AtomicBool::new(false));
    let folder = Folder::new("trainer");
    let mut expected = DigitNet::init(1);
    let whole = train_by_trainer(&mut expected, [train, validation], 2, &folder.run(), &never).unwrap();
    assert_eq!(whole.ending, Ending::Early, "early stopping has its part in this: {whole:?}");
    assert!(whole.epochs.len() >= 2, "{whole:?}");
    for threads in [1, 2] {
        let folder = Folder::new(&format!("hand-{threads}"));
        let mut network = DigitNet::init(1);
        let history = train_by_hand(&mut network, [train, validation], threads, &folder.run(), &never).unwrap();
        assert!(bits(&network) == bits(&expected), "{threads} threads");
        assert_eq!(figures(&history), figures(&whole), "{threads} threads");
        assert_eq!((history.ending, history.best), (whole.ending, whole.best), "{threads} threads");
        let rows = std::fs::read_to_string(folder.run().file("metrics.csv")).unwrap();
        assert_eq!(rows.lines().count(), history.epochs.len() + 1);
    }
}

#[test]
fn a_hand_written_loop_that_is_stopped_after_every_step_resumes_to_the_same_bits() {
    let [train, validation] = &data();
    let (never, always) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
    let (whole, micro_batches) = (Folder::new("whole"), Folder::new("micro-batches"));
    let mut expected = DigitNet::init(1);
    let history = train_by_hand(&mut expected, [train, validation], 1, &whole.run(), &never).unwrap();
    let (mut network, mut stops) = (DigitNet::init(1), 0);
    // The loop and the trainer take turns: each resumes from the other's checkpoint.
    let resumed = loop {
        let run = if stops % 2 == 0 {
            train_by_hand(&mut network, [train, validation], 1, &micro_batches.run(), &always)
        } else {
            train_by_trainer(&mut network, [train, validation], 2, &micro_batches.run(), &always)
        };
        let run = run.unwrap();
        if run.ending != Ending::Interrupted {
            break run;
        }
        stops += 1;
        network = DigitNet::init(2);
    };
    assert!(stops > 10, "{stops}");
    assert!(bits(&network) == bits(&expected));
    assert_eq!(figures(&resumed), figures(&history));
}
