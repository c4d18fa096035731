//! Saturation, dead units and gradients of every layer, epoch by epoch.

use std::path::Path;

use netwright::data::Dataset;
use netwright::loss::{CrossEntropy, SquaredError};
use netwright::optim::Sgd;
use netwright::train::statistics::{LayerStatistics, StatisticsHistory, StatisticsRecorder, layer_statistics};
use netwright::train::{Checkpoints, RunFolder, Trainer};
use netwright::{Error, Network, Tensor};

netwright::network! {
    Apart(4x4x1) { conv 3x3x2 same; relu; maxpool 2; flatten; dense 3; tanh; dropout 0.5; dense 2; softmax }
    Sigmoids(2) { repeat 6 { dense 4 sigmoid }; dense 1 sigmoid }
    Dying(1) { dense 3 relu; dense 1 as tanh }
}

fn images(count: usize) -> (Vec<Tensor<4, 4, 1>>, Vec<usize>) {
    let image = |place: usize| Tensor::from_fn(|y, x, _| ((y * 5 + x * 3 + place * 7) % 13) as f32 / 13.0);
    ((0..count).map(image).collect(), (0..count).map(|place| place % 2).collect())
}

#[test]
fn layers_computed_in_place_are_seen_too() {
    let (images, labels) = images(6);
    let network = Apart::init(1);
    let found = layer_statistics(&network, &images, &labels, &CrossEntropy::new()).expect("they fit");
    for LayerStatistics { layer, activations, .. } in &found.layers {
        assert!(activations.is_some(), "{layer}");
    }
    let of = |name: &str| *found.layers.iter().find(|layer| layer.layer == name).expect("it is a layer");
    let mean = |name: &str| of(name).activations.expect("it was seen").mean;
    assert!(mean("relu1") > mean("conv1"), "the rectifier takes away what is negative");
    assert_eq!(mean("flatten1"), mean("maxpool1"));
    assert!(of("relu1").activations.is_some_and(|outputs| outputs.saturated > Some(0.0)));
    assert_eq!(of("conv1").activations.and_then(|outputs| outputs.saturated), None, "a convolution is nowhere flat");
    assert!(of("tanh1").output_gradient.is_some_and(|length| length > 0.0));
    assert_eq!(of("relu1").gradient_norm, None);
    let table = found.to_string();
    assert_eq!(table.lines().count(), Apart::<f32>::LAYERS.len() + 1, "{table}");
}

#[test]
fn gradients_vanish_on_their_way_through_sigmoids() {
    let network = Sigmoids::init(1);
    let loss = SquaredError;
    let found = layer_statistics(&network, &[[0.5, -0.5]], &[[1.0_f32]], &loss).expect("they fit");
    let lengths: Vec<f64> = found.layers.iter().filter_map(|layer| layer.output_gradient).collect();
    assert_eq!(lengths.len(), 7);
    assert!(lengths.is_sorted() && lengths[0] < 1e-2 * lengths[6], "{lengths:?}");
    // The last is the derivative of the loss itself, 2 (a - y), where one image has one output.
    let answer = f64::from(network.predict(&[0.5, -0.5])[0]);
    assert!((lengths[6] - 2.0 * (1.0 - answer)).abs() < 1e-6, "{lengths:?}");
}

#[test]
fn units_that_never_fire_are_dead() {
    let mut network = Dying::init(1);
    network.tensor_mut("dense1", "kernel").expect("it has a kernel").copy_from_slice(&[1.0, -1.0, 0.0]);
    network.tensor_mut("dense1", "bias").expect("it has a bias").copy_from_slice(&[0.0, -9.0, 0.0]);
    let found = layer_statistics(&network, &[[1.0], [-1.0]], &[[0.0_f32], [0.0]], &SquaredError);
    let [hidden, answer] = [0, 1].map(|at| found.as_ref().expect("they fit").layers[at].activations);
    let (outputs, answer) = (hidden.expect("it was seen"), answer.expect("it was seen"));
    assert_eq!((answer.dead, answer.saturated), (None, None), "its name alone is that of an activation");
    assert_eq!(outputs.dead, Some(2.0 / 3.0));
    assert_eq!(outputs.saturated, Some(5.0 / 6.0));
}

type Recorder = StatisticsRecorder<Tensor<4, 4, 1>, usize, CrossEntropy>;

fn recorder(folder: &RunFolder) -> Recorder {
    let (images, labels) = images(4);
    StatisticsRecorder::new(images, labels, CrossEntropy::new()).expect("they match").folder(folder)
}

/// Trains for `epochs` epochs, resuming from the checkpoint in the folder.
fn train(folder: &RunFolder, epochs: u64) -> StatisticsHistory {
    let (images, labels) = images(20);
    let data = Dataset::new(images, labels).expect("they match");
    let mut network = Apart::init(1);
    let mut recorder = recorder(folder);
    recorder.record(0, &network).expect("they fit");
    Trainer::new()
        .epochs(epochs)
        .unwrap()
        .batch(5)
        .unwrap()
        .threads(1)
        .unwrap()
        .progress(false)
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.1).expect("a rate"))
        .checkpoints(Checkpoints::new(folder.file("run.checkpoint")).resume(true))
        .callback(&mut recorder)
        .fit(&mut network, &data, None)
        .expect("it trains");
    recorder.history().clone()
}

fn folder(name: &str) -> RunFolder {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    RunFolder::new(path).expect("it can be made")
}

#[test]
fn each_epoch_is_recorded_and_written_to_the_run_folder() {
    let folder = folder("statistics");
    let history = train(&folder, 3);
    assert_eq!(history.epochs.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let layers = Apart::<f32>::LAYERS.len();
    let csv = std::fs::read_to_string(folder.file("statistics.csv")).expect("it was written");
    assert_eq!(csv.lines().count(), 1 + 4 * layers);
    assert_eq!(StatisticsHistory::from_csv::<Apart>(&csv, "it").expect("it is one"), history);
    let lines = std::fs::read_to_string(folder.file("statistics.jsonl")).expect("it was written");
    for line in lines.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
        assert!(object["layer"].is_string() && object["mean"].is_number(), "{line}");
    }
    assert_eq!(lines.lines().count(), 4 * layers);
    let figure = history.figure();
    assert_eq!(figure.charts().len(), 5);
    assert_eq!(figure.charts()[0].curves().len(), layers);
    assert_eq!(figure.charts()[0].curves()[0].points.len(), 4);
}

#[test]
fn a_resumed_run_goes_on_with_its_statistics() {
    let (whole, interrupted) = (folder("statistics_whole"), folder("statistics_resumed"));
    let expected = train(&whole, 4);
    train(&interrupted, 2);
    assert_eq!(train(&interrupted, 4), expected);
    let read = |folder: &RunFolder| std::fs::read_to_string(folder.file("statistics.csv")).expect("it was written");
    assert_eq!(read(&interrupted), read(&whole));
}

#[test]
fn a_table_of_something_else_is_refused_with_its_line() {
    let refused = |row: &str| {
        let text = format!("epoch,layer,…\n1,conv1,0,1,,,2,3,4\n{row}\n");
        StatisticsHistory::from_csv::<Apart>(&text, "statistics.csv").expect_err("it is refused").to_string()
    };
    for (row, problem) in [
        ("", "no epoch and layer"),
        ("1,conv1,0", "3 columns, where 9"),
        ("one,conv1,,,,,,,", "`one` is no epoch"),
        ("1,conv7,,,,,,,", "`conv7` is no layer of Apart"),
        ("1,relu1,much,,,,,,", "`much` is no number"),
    ] {
        let message = refused(row);
        assert!(message.contains("statistics.csv, line 3") && message.contains(problem), "{message}");
    }
}

#[test]
fn images_that_do_not_match_are_refused() {
    let refused = StatisticsRecorder::<[f32; 1], usize, _>::new(vec![], vec![], CrossEntropy::new());
    assert!(matches!(refused, Err(Error::Empty { .. })));
    let refused = StatisticsRecorder::new(vec![[0.0_f32]], vec![0_usize, 1], CrossEntropy::new());
    assert!(matches!(refused, Err(Error::Count { inputs: 1, targets: 2, .. })));
}
