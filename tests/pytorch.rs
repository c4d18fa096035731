//! Loads weights of PyTorch by the names in a network's text: the same outputs, every difference reported at once, and saving for PyTorch.

#[path = "../examples/pytorch/net.rs"]
mod net;

use netwright::error::WeightDifference;
use netwright::foreign::{Dtype, Map, Safetensors, TensorFile, TensorInfo, WholeTensor};
use netwright::prelude::*;
use netwright::{Error, Network};

const FILE: &[u8] = include_bytes!("../examples/pytorch/net.safetensors");

fn file() -> Safetensors {
    Safetensors::from_bytes(FILE.to_vec(), "net.safetensors").expect("a good file")
}

fn map() -> Map {
    Map::pytorch().ignoring("image").ignoring("answer")
}

#[test]
fn weights_of_pytorch_give_its_answers() -> Result<(), Error> {
    let file = file();
    let mut network = net::Net::init(1);
    net::load(&mut network, &file)?;
    let (answer, expected) = (network.predict(&net::image(&file)?), net::answer(&file)?);
    let largest = expected.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    assert_eq!(expected.len(), answer.len());
    for (theirs, ours) in expected.iter().zip(answer) {
        assert!((theirs - ours).abs() <= 1e-5 * largest, "{expected:?}, {answer:?}");
    }
    Ok(())
}

#[test]
fn weights_saved_for_pytorch_are_those_that_it_saved_itself() -> Result<(), Error> {
    let mut network = net::Net::init(1);
    network.load_foreign(&file(), &map())?;
    let path = std::env::temp_dir().join(format!("netwright-pytorch-{}.safetensors", std::process::id()));
    network.save_as_pytorch(&path)?;
    let saved = Safetensors::read(&path);
    std::fs::remove_file(&path).expect("it was written");
    let (saved, file) = (saved?, file());
    let own: Vec<TensorInfo> = TensorFile::tensors(&file).into_iter().filter(|info| !is_beside(&info.name)).collect();
    assert_eq!(TensorFile::tensors(&saved), own);
    for info in own.iter().filter(|info| info.name != "1.num_batches_tracked") {
        let [ours, theirs] = [&saved, &file].map(|file| file.scalars::<f64>(&info.name));
        assert_eq!(ours?.ok_or("no numbers").map_err(Error::other)?, theirs?.unwrap_or_default(), "{}", info.name);
    }
    let mut again = net::Net::init(2);
    again.load_foreign(&saved, &Map::pytorch())?;
    assert_eq!((again.parameters(), again.statistics()), (network.parameters(), network.statistics()));
    Ok(())
}

fn is_beside(name: &str) -> bool {
    name == "image" || name == "answer"
}

netwright::network! {
    /// `net::Net` with differences: another name, other sizes, a convolution that has no name, no scale.
    Other(8x8x2) {
        conv 3x3x4 same nobias from "0" bn noscale from "1" relu;
        maxpool 2;
        dwconv 3x3 same from "5" relu;
        deconv 3x3x3 stride 2 from "6";
        dense 6 from "8" relu;
        dense 5 from "10"
    }
    Unnamed(8x8x2) { conv 3x3x4 from "0" bn; dense 3 }
}

#[test]
fn every_difference_is_reported_at_once_and_nothing_changes() {
    let mut network = Other::init(1);
    let before = network.parameters().to_vec();
    let Err(Error::Weights { differences, .. }) = network.load_foreign(&file(), &map()) else { panic!("it fits") };
    let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    let expected = [
        "`5.weight` [4, 1, 3, 3] is missing; was `4.weight` meant?",
        "`5.bias` [4] is missing; was `4.bias` meant?",
        "`6.weight` is [4, 3, 2, 2], where the network has [4, 3, 3, 3]",
        "`8.weight` is [6, 192], where the network has [6, 243]",
        "`4.bias` [4] is not in the network; was `5.bias` meant?",
        "`4.weight` [4, 1, 3, 3] is not in the network; was `5.weight` meant?",
    ];
    assert_eq!(told, expected, "{told:#?}");
    assert_eq!(network.parameters(), before);
}

#[test]
fn layers_without_a_foreign_name_are_reported() {
    let mut network = Unnamed::init(1);
    let Err(Error::Weights { differences, .. }) = network.load_foreign(&file(), &map()) else { panic!("it fits") };
    let unnamed = |layer: &str| WeightDifference::Unnamed { layer: layer.to_owned() };
    assert_eq!(differences, [unnamed("batchnorm1"), unnamed("dense1")]);
    let map = map().layer("batchnorm1", "1").layer("dense9", "8");
    let Err(Error::NoSuchLayer { layer, .. }) = network.load_foreign(&file(), &map) else { panic!("it fits") };
    assert_eq!(layer, "dense9");
}

netwright::network! {
    Normalised(4x4x2) { conv 1x1x3 from "conv" bn noscale from "bn"; dense 2 bn nocenter from "last" }
}

/// A scale that the network leaves out is 1 for PyTorch; any other scale cannot be loaded.
#[test]
fn a_scale_that_is_left_out_is_saved_as_1() -> Result<(), Error> {
    let map = Map::pytorch().layers([("dense1", "dense")]);
    let mut network = Normalised::init(3);
    let tensors = network.foreign_tensors(&map)?;
    let found = tensors.iter().find_map(|tensor| match tensor {
        WholeTensor::Elements { name, elements, .. } if name == "bn.weight" => Some(elements.clone()),
        _ => None,
    });
    assert_eq!(found, Some(vec![1.0; 3]));
    let tensors = |scale: f32| {
        let tensors = tensors.iter().map(|tensor| match tensor {
            WholeTensor::Elements { name, shape, .. } if name == "bn.weight" => {
                (name.clone(), shape.clone(), vec![scale; 3])
            }
            WholeTensor::Elements { name, shape, elements } => (name.clone(), shape.clone(), elements.clone()),
            WholeTensor::Count { name, .. } => (name.clone(), vec![], vec![0.0]),
        });
        Memory(tensors.collect())
    };
    network.load_foreign(&tensors(1.0), &map)?;
    let Err(Error::Weights { differences, .. }) = network.load_foreign(&tensors(2.0), &map) else { panic!("it fits") };
    assert!(matches!(&differences[..], [WeightDifference::NotConstant { tensor, .. }] if tensor == "bn.weight"));
    Ok(())
}

/// A user-defined format.
struct Memory(Vec<(String, Vec<usize>, Vec<f32>)>);

impl TensorFile for Memory {
    fn origin(&self) -> &str {
        "memory"
    }
    fn tensors(&self) -> Vec<TensorInfo> {
        let info = |(name, shape, _): &(String, Vec<usize>, Vec<f32>)| TensorInfo {
            name: name.clone(),
            dtype: Dtype::F32,
            shape: shape.clone(),
        };
        self.0.iter().map(info).collect()
    }
    fn bytes(&self, index: usize) -> Result<std::borrow::Cow<'_, [u8]>, Error> {
        Ok(self.0[index].2.iter().flat_map(|element| element.to_le_bytes()).collect::<Vec<u8>>().into())
    }
}

/// The first difference says what the map needs; other differences follow.
#[test]
fn a_common_prefix_of_all_names_is_suggested_for_the_map() -> Result<(), Error> {
    let map = || Map::pytorch().layers([("dense1", "dense")]);
    let mut network = Normalised::init(3);
    let before = network.parameters().to_vec();
    let whole = network.foreign_tensors(&map())?;
    let below = |prefix: &str| {
        let tensors = whole.iter().filter_map(|tensor| match tensor {
            WholeTensor::Elements { name, shape, elements } => {
                Some((format!("{prefix}{name}"), shape.clone(), elements.clone()))
            }
            WholeTensor::Count { .. } => None,
        });
        Memory(tensors.collect())
    };
    let mut told = |file: &Memory, map: &Map| -> Vec<String> {
        let Err(Error::Weights { differences, .. }) = network.load_foreign(file, map) else { panic!("it fits") };
        assert_eq!(network.parameters(), before);
        differences.iter().map(ToString::to_string).collect()
    };
    let hint = "its tensors lie below `module`: give the map `.below(\"module\")`";
    assert_eq!(told(&below("module."), &map()), [hint]);
    assert_eq!(told(&below("module."), &map().below("modul")), [hint]);
    // A checkpoint: `{"model": {"net": …}, "optimizer": …}`, with a tensor of another shape.
    let mut checkpoint = below("model.net.");
    checkpoint.0.push(("optimizer.state.0.exp_avg".to_owned(), vec![1], vec![0.0]));
    checkpoint.0[0].1 = vec![7];
    let found = told(&checkpoint, &map());
    let hint =
        "its tensors lie below `model.net`: give the map `.below(\"model.net\")`, and `.ignoring(\"optimizer\")`";
    assert_eq!(found[0], hint);
    assert_eq!(found[1..], ["`model.net.conv.weight` is [7], where the network has [3, 2, 1, 1]"]);
    // A file of something else has no such name.
    let mut other = below("module.");
    other.0.truncate(2);
    assert!(told(&other, &map()).iter().all(|line| !line.contains(".below")));
    checkpoint.0[0].1 = vec![3, 2, 1, 1];
    network.load_foreign(&checkpoint, &map().below("model.net").ignoring("optimizer"))?;
    Ok(())
}

netwright::network! {
    Separable(6x6x3) { sepconv 3x3x4 as mine relu; conv 1x1x2; bn; conv 1x1x2; prelu; dense 3 }
}

#[test]
fn unnamed_layers_are_numbered_as_keras_numbers_them() -> Result<(), Error> {
    let network = Separable::<f32>::init(1);
    let tensors = network.foreign_tensors(&Map::keras().numbered().layer("dense1", "predictions"))?;
    let names: Vec<&str> = tensors
        .iter()
        .map(|tensor| match tensor {
            WholeTensor::Elements { name, .. } | WholeTensor::Count { name, .. } => name.as_str(),
        })
        .collect();
    let expected = [
        "separable_conv2d/depthwise_kernel",
        "separable_conv2d/pointwise_kernel",
        "separable_conv2d/bias",
        "conv2d/kernel",
        "conv2d/bias",
        "batch_normalization/gamma",
        "batch_normalization/beta",
        "batch_normalization/moving_mean",
        "batch_normalization/moving_variance",
        "conv2d_1/kernel",
        "conv2d_1/bias",
        "p_re_lu/alpha",
        "predictions/kernel",
        "predictions/bias",
    ];
    assert_eq!(names, expected);
    Ok(())
}

/// A file of a Keras model that was created after others in the same program.
struct Later(Safetensors);

impl TensorFile for Later {
    fn origin(&self) -> &str {
        self.0.origin()
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let later = |name: &str| match name.split_once('/') {
            Some(("conv2d", rest)) => format!("conv2d_9/{rest}"),
            Some(("conv2d_1", rest)) => format!("conv2d_10/{rest}"),
            Some(("batch_normalization", rest)) => format!("batch_normalization_3/{rest}"),
            _ => name.to_owned(),
        };
        TensorFile::tensors(&self.0).into_iter().map(|info| TensorInfo { name: later(&info.name), ..info }).collect()
    }

    fn bytes(&self, index: usize) -> Result<std::borrow::Cow<'_, [u8]>, Error> {
        self.0.bytes(index)
    }
}

#[test]
fn a_model_that_keras_made_after_others_is_read_in_the_order_of_its_numbers() -> Result<(), Error> {
    let map = Map::keras().numbered().layer("dense1", "predictions");
    let network = Separable::<f32>::init(1);
    let path = std::env::temp_dir().join(format!("netwright-later-{}.safetensors", std::process::id()));
    network.save_foreign(&path, &map)?;
    let saved = Safetensors::read(&path);
    std::fs::remove_file(&path).expect("it was written");
    let loaded = Separable::<f32>::from_foreign(&Later(saved?), &map)?;
    assert_eq!((loaded.parameters(), loaded.statistics()), (network.parameters(), network.statistics()));
    Ok(())
}
