//! Networks from ONNX files, as the exporters of other libraries write them: `tests/foreign/small.py` wrote the models and the outputs
//! of ONNX Runtime.

use netwright::onnx::OnnxError;
use netwright::prelude::*;
use netwright::{Error, InstructionSet, network};

network! {
    /// From PyTorch: channels first, batch normalisation, a gate, groups, both pools, a flattened image.
    pub Pytorch = onnx "tests/foreign/small/pytorch.onnx" embed;
    /// The first, with the softmax that PyTorch leaves to the loss.
    Shares = onnx "tests/foreign/small/pytorch.onnx" embed softmax;
    /// From Keras by tf2onnx: channels last.
    Keras = onnx "tests/foreign/small/keras.onnx";
    /// The first again, with external weights.
    Beside = onnx "tests/foreign/small/beside.onnx" embed;
    /// From scikit-learn: only one of its outputs has floats.
    Scikit = onnx "tests/foreign/small/scikit.onnx";
}

/// The formula of `image` in `small.py`.
fn pixel(row: usize, column: usize, channel: usize) -> f32 {
    ((7 * row + 3 * column + 5 * channel) % 11) as f32 / 10.0 - 0.5
}

fn assert_answers(found: &[f32], expected: &str) {
    let expected: Vec<f32> = expected.lines().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{found} is not {expected}");
    }
}

#[test]
fn pytorch_answers_here_as_it_does_in_onnx_runtime() {
    let network = Pytorch::from_onnx("tests/foreign/small/pytorch.onnx").expect("the weights fit");
    let image = Tensor::from_fn(pixel);
    assert_answers(&network.predict(&image), include_str!("foreign/small/pytorch.txt"));
    let embedded = Pytorch::embedded().expect("the program holds them");
    assert_eq!(embedded.predict(&image), network.predict(&image));
}

#[test]
fn a_program_holds_the_weights_beside_a_model_too() {
    let network = Beside::embedded().expect("the program holds them");
    assert_eq!(network.parameters(), Pytorch::embedded().expect("the program holds them").parameters());
    let model = std::fs::read("tests/foreign/small/beside.onnx").expect("it is there");
    let data = std::fs::read("tests/foreign/small/beside.onnx.data").expect("it is there");
    let held: Beside = Beside::from_onnx_held(&model, &[("beside.onnx.data", &data)]).expect("they fit");
    assert_eq!(held.parameters(), network.parameters());
    for files in [&[("other.data", &data[..])][..], &[("beside.onnx.data", &data[..2000])], &[]] {
        let refused = Beside::<f32>::from_onnx_held(&model, files);
        assert!(matches!(refused, Err(Error::Onnx { .. })), "{refused:?}");
    }
}

#[test]
fn logits_of_a_file_become_probabilities_with_softmax_in_the_text() {
    let image = Tensor::from_fn(pixel);
    let logits = Pytorch::embedded().expect("the program holds them").predict(&image);
    let mut network = Shares::embedded().expect("the program holds them");
    let shares = network.predict(&image);
    let total: f32 = logits.iter().map(|logit| logit.exp()).sum();
    for (share, logit) in shares.iter().zip(&logits) {
        assert!((share - logit.exp() / total).abs() < 1e-6, "{shares:?} of {logits:?}");
    }
    let data = Dataset::from_pairs(vec![(image, 1); 4]).expect("a set");
    Trainer::new()
        .epochs(5)
        .map(|trainer| trainer.loss(CrossEntropy).optimizer(Adam::new(0.01).expect("a rate")))
        .and_then(|trainer| trainer.fit(&mut network, &data, None))
        .expect("it trains");
    assert!(network.predict(&image)[1] > shares[1]);
}

#[test]
fn keras_answers_here_as_it_does_in_onnx_runtime() {
    let network = Keras::from_onnx("tests/foreign/small/keras.onnx").expect("the weights fit");
    assert_answers(&network.predict(&Tensor::from_fn(pixel)), include_str!("foreign/small/keras.txt"));
}

#[test]
fn scikit_learn_answers_here_as_it_does_in_onnx_runtime() {
    let network = Scikit::from_onnx("tests/foreign/small/scikit.onnx").expect("the weights fit");
    let row: [f32; 5] = std::array::from_fn(|channel| pixel(0, 0, channel));
    assert_answers(&network.predict(&row), include_str!("foreign/small/scikit.txt"));
}

#[test]
fn a_network_from_a_file_trains() {
    let mut network = Keras::from_onnx("tests/foreign/small/keras.onnx").expect("the weights fit");
    let images: Vec<Tensor<6, 6, 2>> =
        (0..12).map(|shift| Tensor::from_fn(|row, column, channel| pixel(row + shift, column, channel))).collect();
    let data =
        Dataset::from_pairs(images.into_iter().enumerate().map(|(index, image)| (image, index % 4))).expect("a set");
    let history = Trainer::new()
        .epochs(30)
        .and_then(|trainer| trainer.batch(6))
        .map(|trainer| trainer.loss(CrossEntropy).optimizer(Adam::new(0.01).expect("a rate")))
        .and_then(|trainer| trainer.fit(&mut network, &data, None))
        .expect("it trains");
    let losses: Vec<f64> = history.epochs.iter().map(|epoch| epoch.loss).collect();
    assert!(losses[29] < 0.5 * losses[0], "{losses:?}");
}

#[test]
fn a_file_that_does_not_fit_changes_nothing() {
    let mut network = Pytorch::init(1);
    let before = network.parameters().to_vec();
    match network.load_onnx("tests/foreign/small/scikit.onnx") {
        Err(Error::Weights { differences, .. }) => assert!(differences.len() > 5, "{differences:?}"),
        other => panic!("{other:?}"),
    }
    let whole = std::fs::read("tests/foreign/small/pytorch.onnx").expect("it is there");
    for len in (0..whole.len()).step_by(97) {
        match network.load_onnx_bytes(&whole[..len]) {
            Err(Error::Onnx { problem: OnnxError::Malformed { .. } | OnnxError::NoGraph, .. }) => {}
            other => panic!("{len}: {other:?}"),
        }
    }
    for other in [&b"PK\x03\x04"[..], b"\x89HDF\r\n\x1a\n", b"a text of some length, which is no model\n", &[0; 64]] {
        assert!(matches!(network.load_onnx_bytes(other), Err(Error::Onnx { .. })), "{other:?}");
    }
    assert_eq!(network.parameters(), before);
}

/// Threads and instruction set do not belong to the weights; the prepared weights do.
#[test]
fn a_file_that_is_loaded_leaves_threads_and_instructions_as_they_were_set() {
    let image = Tensor::from_fn(pixel);
    let mut network = Pytorch::init(1);
    network.set_instructions(InstructionSet::Portable).expect("it is everywhere");
    network.set_threads(3).expect("threads");
    let before = network.predict(&image);
    network.load_onnx("tests/foreign/small/pytorch.onnx").expect("the weights fit");
    assert_eq!(network.weights_ref().isa().map(|isa| isa.name()), Some(InstructionSet::Portable));
    let mut portable = Pytorch::embedded().expect("the program holds them");
    portable.set_instructions(InstructionSet::Portable).expect("it is everywhere");
    let after = network.predict(&image);
    assert!(after == portable.predict(&image) && after != before);
}

/// A quantised model has such tensors.
#[test]
fn integers_are_refused_as_weights() {
    let whole = std::fs::read("tests/foreign/small/scikit.onnx").expect("it is there");
    let mut network: Scikit = Scikit::from_onnx_bytes(&whole).expect("the weights fit");
    let before = network.parameters().to_vec();
    let model = netwright_onnx::Model::read(&whole).expect("it is a model");
    let name = model.graph.initializers.iter().find(|tensor| tensor.kind.is_float() && tensor.len() > 4);
    let name = name.expect("it has weights").name;
    // In the file, the data type of a tensor is before its name.
    let field = [&[0x42, name.len() as u8][..], name.as_bytes()].concat();
    let place = whole.windows(field.len()).position(|window| window == field).expect("its name");
    let kind = whole[..place].windows(2).rposition(|window| window == [0x10, 1]).expect("its kind");
    for (other, said) in [(6, "Int32"), (12, "data type 12")] {
        let mut bytes = whole.clone();
        bytes[kind + 1] = other;
        match network.load_onnx_bytes(&bytes) {
            Err(error @ Error::Weights { .. }) => assert!(error.to_string().contains(said), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(network.parameters(), before);
}

#[test]
fn written_files_have_the_elements_of_the_network() {
    let network = Pytorch::embedded().expect("the program holds them");
    let folder = std::env::temp_dir().join(format!("netwright-to-onnx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let (inside, beside) = (folder.join("inside.onnx"), folder.join("beside.onnx"));
    network.to_onnx(&inside).expect("it can be written");
    network.to_onnx_beside(&beside).expect("it can be written");
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("it is there").map(|entry| entry.expect("a name").file_name()).collect();
    names.sort();
    assert_eq!(names, ["beside.onnx", "beside.onnx.data", "inside.onnx"]);
    // The tensors of both files have the elements of the network.
    for path in [inside, beside] {
        let bytes = std::fs::read(&path).expect("it is there");
        let model = netwright_onnx::Model::read(&bytes).expect("it is a model");
        let mut found: Vec<f64> = Vec::new();
        for tensor in model.graph.initializers.iter().filter(|tensor| tensor.kind.is_float() && !tensor.dims.is_empty())
        {
            let elements = netwright_onnx::external::elements(tensor, Some(&folder)).expect("they are there");
            found.extend((0..elements.len()).filter_map(|index| elements.get(index)));
        }
        let weights = netwright::Network::weights_ref(&network);
        let mut expected: Vec<f64> =
            weights.parameters().iter().chain(weights.statistics()).map(|&element| element.into()).collect();
        found.sort_by(f64::total_cmp);
        expected.sort_by(f64::total_cmp);
        assert_eq!(found, expected);
    }
    std::fs::remove_dir_all(folder).expect("it is ours");
}
