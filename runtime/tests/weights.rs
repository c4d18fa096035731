//! Weights on disk.
#![cfg(feature = "std")]

mod support;

use std::fs;
use std::path::PathBuf;

use netwright_runtime::architecture::GradientSeed;
use netwright_runtime::error::WeightDifference;
use netwright_runtime::init::Init;
use netwright_runtime::layer::{Layer, ParameterTensor, PlannedCall, Role};
use netwright_runtime::network::{Network, Weights};
use netwright_runtime::storage::safetensors::Writer;
use netwright_runtime::weights::SaveWeights;
use netwright_runtime::{Architecture, Error, Memory, Pass, Place, Shape};
use support::{Gate, Spot, SpotExact};

/// A file that is gone when dropped.
struct TestFile(PathBuf);

impl TestFile {
    fn new(test: &str) -> Self {
        Self(std::env::temp_dir().join(format!("netwright-{test}-{}.safetensors", std::process::id())))
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn what_is_saved_is_loaded_to_the_bit() {
    let file = TestFile::new("saved");
    let saved = Spot::init(1);
    saved.save(&file.0).unwrap();
    let mut loaded = Spot::init(2);
    assert_ne!(loaded.parameters(), saved.parameters());
    loaded.load(&file.0).unwrap();
    assert_eq!(loaded.parameters(), saved.parameters());
    assert_eq!(Spot::from_file(&file.0).unwrap().parameters(), saved.parameters());
    let mut loaded = Spot::init(2);
    loaded.load_bytes(&fs::read(&file.0).unwrap()).unwrap();
    assert_eq!(loaded.parameters(), saved.parameters());
}

#[test]
fn the_file_names_layers_tensors_and_network() {
    let bytes = Spot::init(1).to_bytes();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(names, ["dense1.bias", "dense1.kernel", "head1.bias", "head1.kernel"]);
    assert_eq!(file.tensor("dense1.kernel").unwrap().shape(), [36, 12]);
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["network"], "Spot");
}

/// A network of statistics alone, which are saved like parameters.
#[derive(Clone, Debug)]
struct Moving(Weights<f32>);

impl Architecture for Moving {
    type Scalar = f32;
    type Input = [f32; 2];
    type Output = [f32; 2];
    type Head = netwright_runtime::head::Linear;
    const NAME: &'static str = "Moving";
    const PARAMETERS: usize = 2;
    const STATISTICS: usize = 2;
    const MACS: u64 = 0;
    const DEPTH: usize = 1;
    const INPUT: Shape = Shape::Flat(2);
    const OUTPUT: Shape = Shape::Flat(2);
    const LAYERS: &'static [Layer] = &[Layer {
        name: "bn1",
        text: "bn",
        input: Shape::Flat(2),
        output: Shape::Flat(2),
        activation: None,
        tensors: &[Self::tensor("gamma", Role::Scale), Self::tensor("moving_mean", Role::Statistic)],
        macs: 0,
    }];
    const PLAN: &'static [PlannedCall] = &[];
    const BATCH_COUPLED: bool = false;
    const PREDICTING: Memory = Memory { fixed: 0, per_image: 0 };
    const TRAINING: Memory = Memory { fixed: 0, per_image: 0 };
    const OUTPUT_PLACE: Place = Place { fixed: 0, offset: 0, len: 0 };
    const LOGITS_PLACE: Place = Self::OUTPUT_PLACE;
    const OUTPUT_GRADIENT_PLACE: Place = Self::OUTPUT_PLACE;
    const LOGITS_GRADIENT_PLACE: Place = Self::OUTPUT_PLACE;
    const ACTIVATIONS: &'static [Option<Place>] = &[None];

    fn predict_pass<O>(_: &Pass, _: &[f32], _: &[f32], _: &[f32], _: &mut [f32], _: &mut [f32], _: &mut O) {}
    fn forward_pass<O>(_: &Pass, _: &[f32], _: &mut [f32], _: &[f32], _: &mut [f32], _: &mut O) {}
    fn backward_pass<O>(
        _: &Pass,
        _: GradientSeed,
        _: &[f32],
        _: &[f32],
        _: &mut [f32],
        _: &mut [f32],
        _: &mut [f32],
        _: &mut O,
    ) {
    }
}

impl Moving {
    const fn tensor(name: &'static str, role: Role) -> ParameterTensor {
        let init = Init::Constant(1.0);
        ParameterTensor { name, role, shape: &[2], offset: 0, len: 2, fan_in: 2, fan_out: 2, init }
    }
}

impl Network for Moving {
    fn from_weights(weights: Weights<f32>) -> Self {
        Self(weights)
    }
    fn weights_ref(&self) -> &Weights<f32> {
        &self.0
    }
    fn weights_mut(&mut self) -> &mut Weights<f32> {
        &mut self.0
    }
}

#[test]
fn statistics_are_saved_too() {
    let mut saved = Moving::init(1);
    saved.parameters_mut().copy_from_slice(&[2.0, 3.0]);
    saved.statistics_mut().copy_from_slice(&[4.0, 5.0]);
    let mut loaded = Moving::init(1);
    loaded.load_bytes(&saved.to_bytes()).unwrap();
    assert_eq!((loaded.parameters(), loaded.statistics()), (&[2.0, 3.0][..], &[4.0, 5.0][..]));
}

#[test]
fn weights_of_another_network_tell_every_difference_and_change_nothing() {
    let mut gate = Gate::init(1);
    let before = gate.parameters().to_vec();
    let mut writer = Writer::new();
    writer.tensor("dense1.kernel", &[3, 2], &[0.0_f32; 6]);
    writer.tensor("dense1.bias", &[3], &[0.0_f64; 3]);
    writer.tensor("head1.kernel", &[3, 1], &[0.0_f32; 3]);
    writer.tensor("dense7.bias", &[1], &[0.0_f32]);
    let error = gate.load_bytes(&writer.to_bytes()).unwrap_err();
    let text = |text: &str| text.to_owned();
    let Error::Weights { network: "Gate", differences, .. } = &error else { panic!("{error}") };
    assert_eq!(
        *differences,
        [
            WeightDifference::Shape { tensor: text("dense1.kernel"), expected: vec![2, 3], found: vec![3, 2] },
            WeightDifference::Numbers { tensor: text("dense1.bias"), expected: "F32", found: text("F64") },
            WeightDifference::Missing { tensor: text("head1.bias"), expected: vec![1] },
            WeightDifference::Extra { tensor: text("dense7.bias"), found: vec![1] },
        ]
    );
    assert!(error.to_string().contains("`dense1.kernel` is [3, 2], where the network has [2, 3]"), "{error}");
    assert_eq!(gate.parameters(), before);
}

#[test]
fn numbers_are_converted_only_when_asked() {
    let file = TestFile::new("converted");
    let single = Spot::init(1);
    single.save(&file.0).unwrap();
    let mut double = SpotExact::init(2);
    let error = double.load(&file.0).unwrap_err();
    assert!(matches!(&error, Error::Weights { differences, .. } if differences.len() == 4), "{error}");
    double.load_converted(&file.0).unwrap();
    assert!(double.parameters().iter().zip(single.parameters()).all(|(double, &single)| *double == f64::from(single)));
}

#[test]
fn a_damaged_file_changes_nothing() {
    let mut network = Spot::init(1);
    let before = network.parameters().to_vec();
    let bytes = Spot::init(2).to_bytes();
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(network.load_bytes(&damaged), Err(Error::Checksum { .. })));
    assert!(matches!(network.load_bytes(&bytes[..bytes.len() - 1]), Err(Error::Truncated { .. })));
    assert!(matches!(network.load_bytes(b"PK\x03\x04 a zip, then"), Err(Error::Format { .. })));
    let missing = network.load("no such file.safetensors").unwrap_err();
    assert!(matches!(&missing, Error::Io { .. }) && missing.to_string().contains("no such file"), "{missing}");
    assert_eq!(network.parameters(), before);
}

#[test]
fn a_save_that_fails_says_where() {
    let error = Spot::init(1).save("no such folder/weights.safetensors").unwrap_err();
    assert!(error.to_string().starts_with("no such folder/weights.safetensors: cannot write"), "{error}");
    assert_eq!(Spot::NAME, "Spot");
}
