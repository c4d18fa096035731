//! HDF5 files made to do harm: one of Keras, with what is said of its tensors changed.
#![cfg(all(feature = "hdf5", feature = "npz"))]

use std::io::Write as _;

use allocation_counter::measure;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hdf5_pure::FileBuilder;
use netwright::Error;
use netwright::foreign::{Map, TensorFile as _};
use netwright::prelude::*;
use netwright_formats::KerasFile;

const WHOLE: &[u8] = include_bytes!("small/small.h5");

/// The kernel of the dense layer: 288 x 5 elements. Its header has its sizes (twice: these, and the most there may be), its kind, its layout.
const SIZES: [u64; 2] = [288, 5];

fn read(bytes: &[u8]) -> Result<KerasFile, Error> {
    KerasFile::from_bytes(bytes.to_vec(), "made up")
}

fn number(file: &KerasFile, name: &str) -> Option<usize> {
    file.tensors().iter().position(|tensor| tensor.name == name)
}

/// Where the layout of a tensor names the address of its elements; their length in bytes stands behind it.
fn address_of(name: &str) -> usize {
    let file = read(WHOLE).expect("it is whole");
    let data = file.bytes(number(&file, name).expect("it is there")).expect("its elements");
    let found = |part: &[u8]| WHOLE.windows(part.len()).position(|window| window == part).expect("it is there");
    let place = (found(&data) as u64).to_le_bytes();
    // Version 3 of a layout, in one piece.
    found(&[&[3, 1][..], &place, &(data.len() as u64).to_le_bytes()].concat()) + 2
}

fn changed(places: &[(usize, u64)]) -> Vec<u8> {
    let mut bytes = WHOLE.to_vec();
    for &(place, number) in places {
        bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

fn elements(bytes: &[u8], name: &str) -> Result<Vec<u8>, String> {
    let file = read(bytes).map_err(|error| error.to_string())?;
    let index = number(&file, name).ok_or("no such tensor")?;
    file.bytes(index).map(|bytes| bytes.into_owned()).map_err(|error| error.to_string())
}

#[test]
fn elements_outside_of_the_file_are_refused() {
    let (address, end) = (address_of("fc/kernel"), WHOLE.len() as u64);
    for place in [end, end - 8, 1 << 40, u64::MAX - 8, u64::MAX - 1] {
        assert!(elements(&changed(&[(address, place)]), "fc/kernel").is_err(), "{place}");
    }
    for len in [0, 4, 5 * 288 * 4 - 1] {
        assert!(elements(&changed(&[(address + 8, len)]), "fc/kernel").is_err(), "{len}");
    }
}

/// Nothing but what is read twice comes of it, as of a tensor that two layers share.
#[test]
fn two_tensors_in_one_place_have_the_same_elements() {
    let (mean, beta) = (address_of("norm/moving_mean"), address_of("norm/beta"));
    let place = u64::from_le_bytes(WHOLE[mean..mean + 8].try_into().expect("eight bytes"));
    let bytes = changed(&[(beta, place)]);
    assert_ne!(elements(WHOLE, "norm/beta"), elements(WHOLE, "norm/moving_mean"));
    assert_eq!(elements(&bytes, "norm/beta"), elements(WHOLE, "norm/moving_mean"));
}

/// Where the sizes of the dense layer's kernel stand.
fn sizes() -> usize {
    let address = address_of("fc/kernel");
    let sizes: Vec<u8> = SIZES.iter().flat_map(|size| size.to_le_bytes()).collect();
    let header = &WHOLE[..address];
    header.windows(16).rposition(|window| window == sizes).expect("the most there may be") - 16
}

#[test]
fn sizes_that_overflow_or_that_the_file_does_not_hold_are_refused() {
    let place = sizes();
    assert_eq!(WHOLE[place..place + 8], SIZES[0].to_le_bytes());
    for size in [u64::MAX, u64::MAX / 16, 1 << 60, 1 << 40, 289] {
        let bytes = changed(&[(place, size), (place + 16, size)]);
        let mut found = Ok(Vec::new());
        let used = measure(|| found = elements(&bytes, "fc/kernel"));
        assert!(found.is_err(), "{size}");
        assert!(used.bytes_max < 4 * WHOLE.len() as u64, "{} bytes for {size}", used.bytes_max);
    }
}

#[test]
fn elements_of_another_kind_are_no_tensor_and_the_network_stays_as_it_was() {
    netwright::network! { One(1x1x288) { dense 5 as fc from "fc" } }
    let address = address_of("fc/kernel");
    // The first version of a datatype, a fraction of four bytes.
    let kind = [0x11, 0x20, 0x1f, 0, 4, 0, 0, 0];
    let place = WHOLE[..address].windows(8).rposition(|window| window == kind).expect("its kind");
    let mut bytes = WHOLE.to_vec();
    // A text of four bytes.
    bytes[place..place + 4].copy_from_slice(&[0x13, 0, 0, 0]);
    let file = read(&bytes).expect("the others are tensors");
    assert_eq!(number(&file, "fc/kernel"), None);
    let mut network = One::init(1);
    let before = network.parameters().to_vec();
    match network.load_foreign(&file, &Map::keras()) {
        Err(Error::Weights { differences, .. }) => {
            assert!(differences[0].to_string().contains("`fc/kernel` [288, 5] is missing"), "{differences:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(network.parameters(), before);
}

#[test]
fn a_group_in_itself_and_groups_without_end_are_refused() {
    // An entry of a group's table: its name, its header, 1 for a group, nothing, its tree and its heap. The root's stand at the start.
    let at = |place: usize| u64::from_le_bytes(WHOLE[place..place + 8].try_into().expect("eight bytes"));
    let root = [at(64), at(80), at(88)];
    let is_tree = |place: u64| WHOLE.get(place as usize..).is_some_and(|rest| rest.starts_with(b"TREE"));
    let groups: Vec<usize> =
        (96..WHOLE.len() - 40).step_by(8).filter(|&place| at(place + 16) == 1 && is_tree(at(place + 24))).collect();
    assert!(groups.len() > 10, "{groups:?}");
    let into_root = |place: usize| [(place + 8, root[0]), (place + 24, root[1]), (place + 32, root[2])];
    for &place in &groups {
        let error = read(&changed(&into_root(place))).expect_err("a group in itself").to_string();
        assert!(error.contains("deep") || error.contains("more objects"), "{error}");
    }
    let all: Vec<_> = groups.iter().flat_map(|&place| into_root(place)).collect();
    let error = read(&changed(&all)).expect_err("groups without end").to_string();
    assert!(error.contains("deep") || error.contains("more objects"), "{error}");

    // What writes them calls itself; so many are enough.
    let mut deep = FileBuilder::new();
    let mut inner = deep.create_group("last").finish();
    for _ in 0..100 {
        let mut group = deep.create_group("inner");
        group.add_group(inner);
        inner = group.finish();
    }
    deep.add_group(inner);
    let error = read(&deep.finish().expect("a file")).expect_err("a hundred groups").to_string();
    assert!(error.contains("deep"), "{error}");
}

/// In place of 64 KiB, which hardly pack, zeros that unpack to a thousand times as many.
#[test]
fn what_unpacks_to_more_than_it_says_is_refused() {
    const LEN: u64 = 1 << 14;
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from_bits(state >> 2)
    };
    let elements_of: Vec<f32> = (0..LEN).map(|_| random()).collect();
    let mut builder = FileBuilder::new();
    builder.create_dataset("w").with_f32_data(&elements_of).with_shape(&[LEN]).with_chunks(&[LEN]).with_deflate(9);
    let mut bytes = builder.finish().expect("a file");
    assert_eq!(elements(&bytes, "w").expect("it is whole").len(), 4 * LEN as usize);

    let file = hdf5_pure::File::from_bytes(bytes.clone()).expect("it is whole");
    let chunks = file.dataset("w").and_then(|data| data.chunks()).expect("its chunks");
    let mut bomb = ZlibEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 1 << 25]).expect("memory");
    let bomb = bomb.finish().expect("memory");
    assert!(bomb.len() as u64 <= chunks[0].storage_size);
    let place = chunks[0].address as usize;
    bytes[place..place + bomb.len()].copy_from_slice(&bomb);
    let mut found = Ok(Vec::new());
    let used = measure(|| found = elements(&bytes, "w"));
    assert!(found.is_err(), "zeros, and more of them than it says");
    // The file twice, and what is there of a chunk.
    assert!(used.bytes_max < 8 * bytes.len() as u64, "{} bytes for a file of {}", used.bytes_max, bytes.len());
}
