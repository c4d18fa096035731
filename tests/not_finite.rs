//! A NaN is traced to the layer that first computed it, even if its output is overwritten, and to the sample that caused it.

use netwright::error::Origin;
use netwright::loss::{CrossEntropy, SquaredError};
use netwright::optim::Sgd;
use netwright::train::{EarlyStopping, GradientEngine, Loader, Mixup, Preparation, Stream, Trainer, Watch, evaluate};
use netwright::{Error, Network, Pass, data::Dataset};

netwright::network! {
    /// A sum of squares too large for `f32`: `mul` overflows, and the following layers work in place.
    Overflow(4) { dense 4 as wide; mul { } { } as square; scale 0.5 as half; tanh as last; dense 1 }
    /// Rectifiers, which may turn a NaN into a 0.
    Rectified(4) { dense 8 relu; dense 8 relu; softmax 3 }
}

fn origin(change: impl FnOnce(&mut Overflow)) -> (Origin, bool) {
    let mut network = Overflow::init(1);
    change(&mut network);
    let before = network.clone();
    let mut engine = GradientEngine::new(2, 1).unwrap();
    let images = [[1.0_f32, 2.0, 3.0, 4.0]; 2];
    let error = engine.gradient(&mut network, &images, &[[0.0_f32]; 2], &SquaredError, Pass::default()).unwrap_err();
    let Error::NotFinite { origin, .. } = error else { panic!("{error}") };
    (origin, network.parameters() == before.parameters())
}

#[test]
fn the_first_layer_is_named_though_later_ones_overwrite_its_output() {
    // Infinity minus infinity in the last layer makes the loss a NaN; the square is the first layer that is infinite.
    let (found, unchanged) = origin(|network| {
        network.tensor_mut("wide", "kernel").unwrap().fill(1e30);
        network.tensor_mut("dense1", "kernel").unwrap().fill(f32::MAX);
    });
    assert_eq!((found, unchanged), (Origin::Output("square"), true));
    let (found, _) = origin(|network| network.tensor_mut("wide", "bias").unwrap()[2] = f32::NAN);
    assert_eq!(found, Origin::Weights("wide"));
}

const BROKEN: usize = 37;

/// Returns 60 samples of three classes; one element of one input is `number`.
fn set(number: f32) -> Dataset<[f32; 4]> {
    let mut inputs: Vec<[f32; 4]> =
        (0..60).map(|i| core::array::from_fn(|k| ((7 * i + 3 * k) % 11) as f32 / 11.0)).collect();
    inputs[BROKEN][2] = number;
    Dataset::new(inputs, (0..60).map(|i| i % 3).collect()).unwrap()
}

fn trainer<'c>() -> Trainer<'c, Rectified, usize, CrossEntropy, Sgd> {
    let trainer = Trainer::new().batch(8).unwrap().epochs(2).unwrap().progress(false);
    trainer.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1).unwrap())
}

#[test]
fn an_input_that_is_not_finite_is_reported_with_its_sample() {
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut network = Rectified::init(1);
        let before = network.clone();
        let error = trainer().batch(64).unwrap().fit(&mut network, &set(number), None).unwrap_err();
        assert_eq!(error.to_string(), "step 0: NaN or infinite, first in the input of sample 37");
        assert_eq!(network.parameters(), before.parameters());
        for threads in [1, 3] {
            let error = trainer().threads(threads).unwrap().fit(&mut network, &set(number), None).unwrap_err();
            let Error::NotFinite { origin: Origin::Input { sample: 37, partner: None }, .. } = error else {
                panic!("{error}")
            };
        }
    }
}

#[test]
fn a_sample_that_is_mixed_or_comes_in_a_stream_is_named_too() {
    let mixed = trainer().mixup(Mixup::new(0.5).unwrap());
    let error = mixed.fit(&mut Rectified::init(1), &set(f32::NAN), None).unwrap_err();
    let Error::NotFinite { origin: Origin::Input { sample, partner: Some(partner) }, .. } = error else {
        panic!("{error}")
    };
    assert!(sample == 37 || partner == 37, "{error}");
    assert!(error.to_string().ends_with(&format!("sample {sample}, into which sample {partner} is mixed")), "{error}");

    let set = set(f32::NAN);
    let stream = Stream::new(60, |_| set.iter().map(|(input, &label)| Ok::<_, Error>((*input, label)))).unwrap();
    let stream = stream.shuffle(20).unwrap();
    let error = trainer().fit_stream(&mut Rectified::init(1), &stream, None).unwrap_err();
    assert!(error.to_string().ends_with("first in the input of sample 37"), "{error}");
}

#[test]
fn a_hand_written_loop_names_samples_by_its_batches() {
    let set = set(f32::NAN);
    let (mut network, loss) = (Rectified::init(1), CrossEntropy::new());
    let mut engine = GradientEngine::new(60, 1).unwrap();
    let mut gradient = |inputs: &[[f32; 4]], labels: &[usize]| {
        engine.gradient(&mut network, inputs, labels, &loss, Pass::default()).unwrap_err()
    };
    let error = gradient(set.inputs(), set.targets());
    assert_eq!(error.to_string(), "step 0: NaN or infinite, first in the input at place 37 of the batch");

    let mut loader = Loader::new(&set, 60, Preparation::new(1)).unwrap();
    let batch = loader.next_batch().unwrap().unwrap();
    assert_ne!(batch.numbers()[37], 37, "the order is another");
    let error = batch.name_sample(gradient(batch.inputs(), batch.targets()));
    assert_eq!(error.to_string(), "step 0: NaN or infinite, first in the input of sample 37");
    let mut labels = batch.targets().to_vec();
    labels[5] = 3;
    let error = batch.name_sample(gradient(&set.inputs()[..30], &labels[..30]));
    assert!(
        matches!(&error, Error::Label { origin, sample, .. } if origin == "the data" && *sample as u64 == batch.numbers()[5])
    );
}

#[test]
fn a_validation_or_an_evaluation_that_is_not_finite_names_the_sample() {
    let mut network = Rectified::init(1);
    let broken = set(f32::NAN);
    let expected = "the input of sample 37 is NaN or infinite";
    let error = evaluate(&network, &broken, &CrossEntropy::new()).unwrap_err().to_string();
    assert_eq!(error, format!("the data: {expected}"));
    let expected = format!("the validation set: {expected}");
    let watched = EarlyStopping::new(2).unwrap().watch(Watch::Error);
    for trainer in [trainer(), trainer().early_stopping(watched)] {
        assert_eq!(trainer.fit(&mut network, &set(0.0), Some(&broken)).unwrap_err().to_string(), expected);
    }
    // Without such an input, values that are too large give a NaN loss and no error.
    network.parameters_mut().fill(1e30);
    assert!(evaluate(&network, &set(0.5), &CrossEntropy::new()).unwrap().mean().is_nan());
}
