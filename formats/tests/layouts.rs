//! HDF5 files in layouts that h5py writes and Keras does not: files by `small/layouts.py`.
#![cfg(feature = "hdf5")]

use netwright::Error;
use netwright::foreign::{Dtype, TensorFile as _};
use netwright_formats::KerasFile;

const LAYOUTS: &[u8] = include_bytes!("small/layouts.h5");
const LATEST: &[u8] = include_bytes!("small/latest.h5");

fn read(bytes: &[u8]) -> Result<KerasFile, Error> {
    KerasFile::from_bytes(bytes.to_vec(), "layouts.h5")
}

fn place(file: &KerasFile, name: &str) -> usize {
    let place = file.tensors().iter().position(|tensor| tensor.name == name);
    place.unwrap_or_else(|| panic!("no `{name}` in {file:?}"))
}

/// Asserts that a tensor has these sizes, and the elements 0, 0.5, 1 and so on.
#[track_caller]
fn assert_counts(file: &KerasFile, name: &str, shape: &[usize], dtype: Dtype) {
    let index = place(file, name);
    let tensor = &file.tensors()[index];
    assert_eq!((tensor.shape.as_slice(), tensor.dtype), (shape, dtype), "{name}");
    let bytes = file.bytes(index).expect("its elements");
    let found: Vec<f64> = match dtype {
        Dtype::U8 => bytes.iter().map(|&byte| byte.into()).collect(),
        _ => dtype.scalars(&bytes).expect("they are fractions"),
    };
    let whole = |number: usize| if dtype == Dtype::U8 { (number / 2) as f64 } else { number as f64 / 2.0 };
    let expected: Vec<f64> = (0..shape.iter().product()).map(whole).collect();
    assert_eq!(found, expected, "{name}");
}

#[test]
fn elements_are_read_in_every_layout() -> Result<(), Error> {
    let file = read(LAYOUTS)?;
    assert_counts(&file, "packed", &[7, 5, 3], Dtype::F32);
    assert_counts(&file, "odd", &[5], Dtype::U8);
    assert_counts(&file, "many", &[150], Dtype::F32);
    assert_counts(&file, "half", &[2, 3], Dtype::F16);
    assert_counts(&file, "inline", &[4], Dtype::F64);
    assert_counts(&file, "empty", &[0, 3], Dtype::F32);
    // Links in the header of a group, one of them to another path; and a layer with another name.
    assert_counts(&file, "ordered/a", &[3], Dtype::F32);
    assert_counts(&file, "called/0", &[2], Dtype::F32);
    let error = file.bytes(place(&file, "unwritten")).expect_err("nothing has been written").to_string();
    assert!(error.contains("expected the elements of `unwritten`, found one that holds no elements"), "{error}");
    // Texts are not tensors.
    assert_eq!(file.tensors().len(), 9);
    Ok(())
}

#[test]
fn the_newest_version_is_read_too() -> Result<(), Error> {
    let file = read(LATEST)?;
    assert_counts(&file, "packed", &[4, 3], Dtype::F32);
    assert_counts(&file, "plain", &[4, 3], Dtype::F32);
    assert_counts(&file, "whole", &[2, 2], Dtype::F64);
    assert_counts(&file, "called/0", &[2], Dtype::F32);
    assert_eq!(file.tensors().len(), 4);
    Ok(())
}

#[test]
fn unsupported_layouts_say_how_to_write_supported_ones() {
    for (bytes, told) in [
        (
            &include_bytes!("small/heap.h5")[..],
            "links lie in a heap, which is not read here: let h5py write it without",
        ),
        (include_bytes!("small/indexed.h5"), "`indexed` has many chunks in an index of HDF5 1.10"),
    ] {
        let error = read(bytes).expect_err(told).to_string();
        assert!(error.contains(told), "{error}");
    }
}

/// Each chunk has a checksum, also a compressed one; bytes outside of the elements are not checked.
#[test]
fn a_changed_byte_of_a_chunk_is_found() -> Result<(), Error> {
    // Three elements, and the sums of their words.
    let chunk = [0, 0, 1, 0, 1, 0, 1];
    let start = LAYOUTS.windows(7).rposition(|window| window == chunk).expect("it is not packed");
    for place_of in start..start + 3 {
        let mut bytes = LAYOUTS.to_vec();
        bytes[place_of] ^= 4;
        let file = read(&bytes)?;
        let error = file.bytes(place(&file, "odd")).expect_err("a changed byte").to_string();
        assert!(error.contains("checksum"), "{error}");
    }
    Ok(())
}
