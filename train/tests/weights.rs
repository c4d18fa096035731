//! Weights on disk.

mod support;

use std::fs;
use std::path::PathBuf;

use netwright_runtime::architecture::GradientSeed;
use netwright_runtime::context::Context;
use netwright_runtime::error::WeightDifference;
use netwright_runtime::init::Init;
use netwright_runtime::layer::{Axes, Layer, ParameterKind, ParameterTensor, WeightLayout};
use netwright_runtime::network::{Network, Weights};
use netwright_runtime::plan::Plan;
use netwright_runtime::prediction_weights::PredictionWeights;
use netwright_runtime::storage::safetensors::Writer;
use netwright_runtime::weights::SaveWeights;
use netwright_runtime::{Architecture, BufferSlot, Error, Memory, Pass, Shape};
use support::{Gate, Spot, SpotExact};

/// A file that is deleted when dropped.
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
    assert_eq!(header.metadata().as_ref().unwrap()["netwright.network"], "Spot");
}

/// A network with statistics alone, which are saved like parameters.
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
        tensors: &[Self::tensor("gamma", ParameterKind::Scale), Self::tensor("moving_mean", ParameterKind::Statistic)],
        macs: 0,
        frozen: false,
        foreign: None,
    }];
    const PLAN: Plan = Plan::from_text("");
    const BATCH_COUPLED: bool = false;
    const PREPARED: usize = 0;
    const NORMALISE_ONE_VALUE: &'static [usize] = &[];
    const PREDICTING: Memory = Memory { scratch: 0, fixed: 0, per_image: 0 };
    const TRAINING: Memory = Memory { scratch: 0, fixed: 0, per_image: 0 };
    const OUTPUT_SLOT: BufferSlot = BufferSlot { fixed: 0, offset: 0, len: 0 };
    const LOGITS_SLOT: BufferSlot = Self::OUTPUT_SLOT;
    const OUTPUT_GRADIENT_SLOT: BufferSlot = Self::OUTPUT_SLOT;
    const LOGITS_GRADIENT_SLOT: BufferSlot = Self::OUTPUT_SLOT;
    const ACTIVATIONS: &'static [Option<BufferSlot>] = &[None];

    fn predict_pass<O>(
        _: &Context<'_>,
        _: PredictionWeights<'_, f32>,
        _: &[f32],
        _: &mut [f32],
        _: &mut [f32],
        _: &mut [f32],
        _: &mut O,
    ) {
    }
    fn forward_pass<O>(_: &Pass, _: &[f32], _: &mut [f32], _: &[f32], _: &[f32], _: &mut [f32], _: &mut O) {}
    fn backward_pass<O>(
        _: &Pass,
        _: GradientSeed,
        _: &[f32],
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
    const fn tensor(name: &'static str, kind: ParameterKind) -> ParameterTensor {
        let init = Init::Constant(1.0);
        ParameterTensor {
            name,
            kind,
            shape: &[2],
            offset: 0,
            len: 2,
            fan_in: 2,
            fan_out: 2,
            init,
            layout: WeightLayout::of(Axes::Own),
        }
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
            WeightDifference::Missing { tensor: text("head1.bias"), expected: vec![1], nearest: None },
            WeightDifference::Extra { tensor: text("dense7.bias"), found: vec![1], nearest: None },
        ]
    );
    assert!(error.to_string().contains("`dense1.kernel` is [3, 2], where the network has [2, 3]"), "{error}");
    assert_eq!(gate.parameters(), before);
}

#[test]
fn elements_are_converted_only_on_request() {
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
fn a_file_that_cannot_be_read_changes_nothing() {
    let mut network = Spot::init(1);
    let before = network.parameters().to_vec();
    let bytes = Spot::init(2).to_bytes();
    let mut damaged = bytes.clone();
    damaged[12] = b'[';
    assert!(matches!(network.load_bytes(&damaged), Err(Error::Format { .. })));
    assert!(matches!(network.load_bytes(&bytes[..bytes.len() - 1]), Err(Error::Truncated { .. })));
    assert!(matches!(network.load_bytes(b"PK\x03\x04 a zip, then"), Err(Error::Format { .. })));
    let missing = network.load("no such file.safetensors").unwrap_err();
    assert!(matches!(&missing, Error::Io { .. }) && missing.to_string().contains("no such file"), "{missing}");
    assert_eq!(network.parameters(), before);
}

#[test]
fn weights_that_another_program_has_changed_are_loaded_and_the_report_says_so() {
    let saved = Spot::init(1);
    let mut bytes = saved.to_bytes();
    let mut network = Spot::init(2);
    let report = network.load_bytes(&bytes).unwrap();
    assert!(!report.has_changed() && report.left.is_empty() && report.taken.len() == 4);
    assert_eq!(report.to_string(), "the bytes: 4 tensors taken by Spot");
    let end = bytes.len() - 4;
    bytes[end..].copy_from_slice(&0.25_f32.to_le_bytes());
    let report = network.load_bytes(&bytes).unwrap();
    assert!(report.has_changed());
    assert_eq!(report.to_string(), "the bytes: 4 tensors taken by Spot; they have changed since they were written");
    assert_eq!(network.tensor("head1", "bias").unwrap().last(), Some(&0.25));
    assert_eq!(network.tensor("dense1", "kernel"), saved.tensor("dense1", "kernel"));
}

#[test]
fn halves_are_widened_where_asked_and_refused_elsewhere() {
    let (file, saved) = (TestFile::new("halves"), Gate::init(1));
    for (kind, shift) in [(safetensors::Dtype::BF16, 0), (safetensors::Dtype::F16, 1)] {
        // All elements are 1.5: 0x3fc0 as BF16, 0x3e00 as F16.
        let halves = |len: usize| [[0xc0, 0x3f], [0x00, 0x3e]][shift].repeat(len);
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Gate::LAYERS
            .iter()
            .flat_map(|layer| layer.tensors.iter().map(move |tensor| (layer.name, tensor)))
            .map(|(layer, tensor)| (format!("{layer}.{}", tensor.name), tensor.shape.to_vec(), halves(tensor.len)))
            .collect();
        let view = |shape: &[usize], bytes| safetensors::tensor::TensorView::new(kind, shape.to_vec(), bytes).unwrap();
        let views = tensors.iter().map(|(name, shape, bytes)| (name, view(shape, bytes)));
        fs::write(&file.0, safetensors::serialize(views, None).unwrap()).unwrap();
        let mut network = saved.clone();
        let error = network.load(&file.0).unwrap_err();
        assert!(error.to_string().contains(&format!("`dense1.bias` holds {kind}, where")), "{error}");
        assert_eq!(network.parameters(), saved.parameters());
        let report = network.load_converted(&file.0).unwrap();
        assert!(network.parameters().iter().all(|&number| number == 1.5));
        assert!(report.to_string().ends_with(&format!("taken by Gate, 4 converted from {kind}")), "{report}");
    }
}

#[test]
fn what_matches_is_loaded_and_the_rest_is_reported() {
    let (file, saved) = (TestFile::new("matching"), Gate::init(1));
    let mut writer = Writer::new();
    writer.tensor("dense1.kernel", &[2, 3], &[0.5_f32; 6]);
    writer.tensor("dense1.bais", &[3], &[0.5_f32; 3]);
    writer.tensor("head1.kernel", &[3, 2], &[0.5_f32; 6]);
    writer.integers("head1.bias", &[1]);
    writer.write(&file.0).unwrap();
    let mut network = saved.clone();
    let report = network.load_matching(&file.0).unwrap();
    assert_eq!(report.taken, ["dense1.kernel"]);
    assert_eq!(network.tensor("dense1", "kernel").unwrap(), [0.5; 6]);
    for (layer, tensor) in [("dense1", "bias"), ("head1", "kernel"), ("head1", "bias")] {
        assert_eq!(network.tensor(layer, tensor), saved.tensor(layer, tensor));
    }
    let path = file.0.display();
    let expected = [
        &format!("{path}: 1 tensor taken by Gate; left:"),
        "`dense1.bias` [3] is missing; was `dense1.bais` meant?",
        "`head1.kernel` is [3, 2], where the network has [3, 1]",
        "`head1.bias` holds U64, where the network holds F32",
        "`dense1.bais` [3] is not in the network; was `dense1.bias` meant?",
    ];
    assert_eq!(report.to_string(), expected.join("\n  "));
}

#[test]
fn a_part_of_another_network_is_copied_whole_or_not_at_all() {
    let (exact, before) = (SpotExact::init(1), Spot::init(2));
    let mut network = before.clone();
    let report = network.copy_from(&exact, "dense1").unwrap();
    assert_eq!(
        (&report.taken[..], report.converted.len()),
        (&["dense1.kernel".to_owned(), "dense1.bias".to_owned()][..], 2)
    );
    let rounded: Vec<f32> = exact.tensor("dense1", "kernel").unwrap().iter().map(|&number| number as f32).collect();
    assert_eq!(network.tensor("dense1", "kernel").unwrap(), rounded);
    assert_eq!(network.tensor("head1", "kernel"), before.tensor("head1", "kernel"));

    let mut network = before.clone();
    let error = network.copy_from(&Gate::init(1), "dense").unwrap_err();
    assert!(error.to_string().contains("`dense1.kernel` is [2, 3], where the network has [36, 12]"), "{error}");
    assert!(matches!(&error, Error::Weights { differences, .. } if differences.len() == 2), "{error}");
    let error = network.copy_from(&exact, "dence1").unwrap_err();
    assert!(error.to_string().ends_with("did you mean `dense1`?"), "{error}");
    assert_eq!(network.parameters(), before.parameters());

    let report = network.copy_matching(&exact);
    assert_eq!((report.taken.len(), report.left.len()), (4, 0));
    assert_eq!(network.copy_matching(&Gate::init(1)).taken, Vec::<String>::new());
}

#[test]
fn a_save_that_fails_says_where() {
    let error = Spot::init(1).save("no such folder/weights.safetensors").unwrap_err();
    assert!(error.to_string().starts_with("no such folder/weights.safetensors: cannot write"), "{error}");
    assert_eq!(Spot::NAME, "Spot");
}
