//! Files that PyTorch, NumPy and Keras wrote, by `small/small.py`: networks with their weights give the answers of these libraries.
#![cfg(all(feature = "npz", feature = "pytorch"))]

use netwright::foreign::{Dtype, Map, TensorFile};
use netwright::prelude::*;
use netwright::{Error, Output};
#[cfg(feature = "hdf5")]
use netwright_formats::KerasFile;
use netwright_formats::{NpzFile, PyTorchFile};

netwright::network! {
    Torch(6x4x2) {
        conv 3x3x4 same nobias from "stem" bn eps 1e-5 from "norm" prelu from "act";
        conv 3x3x8 same groups 4 from "deep";
        deconv 2x2x3 stride 2 from "up";
        dense 5 from "fc"
    }
}

#[cfg(feature = "hdf5")]
netwright::network! {
    OfKeras(6x4x2) {
        conv 3x3x4 same nobias from "stem" bn noscale from "norm" prelu from "p_re_lu";
        dwconv 3x3 same multiplier 2 from "depth";
        sepconv 3x3x6 same from "apart";
        deconv 2x2x3 stride 2 from "conv2d_transpose";
        dense 5 from "fc"
    }
}

fn answers(name: &str) -> Vec<f32> {
    let answers: serde_json::Value = serde_json::from_str(include_str!("small/answers.json")).expect("it is JSON");
    let numbers = answers[name].as_array().expect("it is a list");
    numbers.iter().map(|number| number.as_f64().expect("it is a number") as f32).collect()
}

fn image() -> Tensor<6, 4, 2> {
    let mut image = Tensor::zeros();
    image.elements_mut().copy_from_slice(&answers("image"));
    image
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], relative: f32) {
    let largest = expected.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    assert_eq!(found.len(), expected.len());
    for (ours, theirs) in found.iter().zip(expected) {
        assert!((ours - theirs).abs() <= relative * largest, "{found:?}, {expected:?}");
    }
}

#[track_caller]
fn torch(file: &dyn TensorFile, map: &Map, relative: f32) {
    let mut network = Torch::init(1);
    let loaded = network.load_foreign(file, map).expect("it fits");
    assert_eq!(loaded.taken.len(), 12, "{loaded}");
    assert_near(&network.predict(&image()), &answers("pytorch"), relative);
}

#[test]
fn what_torch_saved_gives_its_answer() -> Result<(), Error> {
    let file = PyTorchFile::from_bytes(include_bytes!("small/small.pt").to_vec(), "small.pt")?;
    // Beside the weights the file has a number and a tuple.
    assert!(file.tensors().iter().all(|tensor| tensor.name.starts_with("model.")), "{:?}", file.tensors());
    torch(&file, &Map::pytorch().below("model"), 1e-5);
    Ok(())
}

#[test]
fn a_nested_dictionary_is_reported() -> Result<(), Error> {
    let file = PyTorchFile::from_bytes(include_bytes!("small/small.pt").to_vec(), "small.pt")?;
    let Err(Error::Weights { differences, .. }) = Torch::init(1).load_foreign(&file, &Map::pytorch()) else {
        panic!("it lies below `model`")
    };
    let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["its tensors lie below `model`: give the map `.below(\"model\")`"]);
    Ok(())
}

#[test]
fn arrays_of_numpy_give_the_answer_too() -> Result<(), Error> {
    let file = NpzFile::from_bytes(include_bytes!("small/small.npz").to_vec(), "small.npz")?;
    torch(&file, &Map::pytorch(), 1e-5);
    // Compressed, with elements of two bytes, and big-endian with eight.
    let file = NpzFile::from_bytes(include_bytes!("small/compressed.npz").to_vec(), "compressed.npz")?;
    assert!(file.tensors().iter().any(|tensor| tensor.dtype == Dtype::F16));
    torch(&file, &Map::pytorch(), 2e-3);
    Ok(())
}

#[cfg(feature = "hdf5")]
#[test]
fn what_keras_saved_gives_its_answer() -> Result<(), Error> {
    for (bytes, name) in [
        (&include_bytes!("small/small.weights.h5")[..], "small.weights.h5"),
        (include_bytes!("small/small.h5"), "small.h5"),
    ] {
        let file = KerasFile::from_bytes(bytes.to_vec(), name)?;
        let mut network = OfKeras::init(1);
        let loaded = network.load_foreign(&file, &Map::keras())?;
        assert_eq!(loaded.taken.len(), 14, "{loaded}");
        assert_near(&network.predict(&image()), &answers("keras"), 1e-5);
    }
    Ok(())
}

#[cfg(feature = "hdf5")]
#[test]
fn a_map_of_another_library_is_reported() -> Result<(), Error> {
    let file = KerasFile::from_bytes(include_bytes!("small/small.weights.h5").to_vec(), "small.weights.h5")?;
    let Err(Error::Weights { differences, .. }) = OfKeras::init(1).load_foreign(&file, &Map::pytorch()) else {
        panic!("its tensors are called otherwise")
    };
    let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["its tensors are called as Keras calls them: give it `Map::keras()`"]);
    let file = NpzFile::from_bytes(include_bytes!("small/small.npz").to_vec(), "small.npz")?;
    let Err(Error::Weights { differences, .. }) = Torch::init(1).load_foreign(&file, &Map::keras()) else {
        panic!("its tensors are called otherwise")
    };
    assert_eq!(differences[0].to_string(), "its tensors are called as PyTorch calls them: give it `Map::pytorch()`");
    Ok(())
}

#[cfg(not(feature = "hdf5"))]
#[test]
fn a_file_of_keras_names_the_feature_that_it_needs() {
    let file = include_bytes!("small/small.weights.h5").to_vec();
    let error = netwright_formats::from_bytes(file, "small.weights.h5").err().expect("it is not read");
    assert!(error.to_string().contains("feature `hdf5`"), "{error}");
}

#[test]
fn a_file_is_known_by_its_first_bytes() -> Result<(), Error> {
    for (bytes, tensors) in [
        (&include_bytes!("small/small.pt")[..], 13),
        (include_bytes!("small/small.npz"), 13),
        #[cfg(feature = "hdf5")]
        (include_bytes!("small/small.weights.h5"), 14),
    ] {
        assert_eq!(netwright_formats::from_bytes(bytes.to_vec(), "small")?.tensors().len(), tensors);
    }
    let network = Torch::<f32>::init(1);
    assert_eq!(netwright_formats::from_bytes(network.to_bytes(), "small")?.tensors().len(), 12);
    let error = netwright_formats::from_bytes(b"\x89PNG\r\n\x1a\n".to_vec(), "a.png").err().expect("it is a picture");
    assert!(error.to_string().contains("a PNG picture"), "{error}");
    Ok(())
}
