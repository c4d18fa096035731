//! Hostile HDF5 files: a file of Keras with changed descriptions of its tensors.
#![cfg(all(feature = "hdf5", feature = "npz"))]

use std::io::Write as _;

use allocation_counter::measure;
use flate2::Compression;
use flate2::write::ZlibEncoder;
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

/// Returns the offset of the address of a tensor's elements in its layout message; their length in bytes follows it.
fn address_of(name: &str) -> usize {
    let file = read(WHOLE).expect("it is whole");
    let data = file.bytes(number(&file, name).expect("it is there")).expect("its elements");
    let found = |part: &[u8]| WHOLE.windows(part.len()).position(|window| window == part).expect("it is there");
    let place = (found(&data) as u64).to_le_bytes();
    // A contiguous layout of version 3.
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

/// Two tensors with the same address, as if two layers shared it, are read twice.
#[test]
fn two_tensors_in_one_place_have_the_same_elements() {
    let (mean, beta) = (address_of("norm/moving_mean"), address_of("norm/beta"));
    let place = u64::from_le_bytes(WHOLE[mean..mean + 8].try_into().expect("eight bytes"));
    let bytes = changed(&[(beta, place)]);
    assert_ne!(elements(WHOLE, "norm/beta"), elements(WHOLE, "norm/moving_mean"));
    assert_eq!(elements(&bytes, "norm/beta"), elements(WHOLE, "norm/moving_mean"));
}

/// Returns the offset of the sizes of the dense layer's kernel.
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
    // A datatype message of version 1: a floating-point type of four bytes.
    let kind = [0x11, 0x20, 0x1f, 0, 4, 0, 0, 0];
    let place = WHOLE[..address].windows(8).rposition(|window| window == kind).expect("its kind");
    let mut bytes = WHOLE.to_vec();
    // A fixed-length string of four bytes.
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

    // A hundred nested groups, each with one link in a header of version 2.
    let mut deep = superblock();
    for inner in 1..=100_u64 {
        let place = deep.len() as u64;
        let next = if inner == 100 { place } else { place + HEADER };
        deep.extend(header(&[(6, &link("inner", next))]));
    }
    let error = read(&deep).expect_err("a hundred groups").to_string();
    assert!(error.contains("deep"), "{error}");
}

/// The length of the header of a group with one link of five characters.
const HEADER: u64 = 32;

/// Creates a superblock of version 3, followed by the root group.
fn superblock() -> Vec<u8> {
    let mut bytes = b"\x89HDF\r\n\x1a\n\x03\x08\x08\0".to_vec();
    for place in [0, u64::MAX, 0, 48] {
        bytes.extend(u64::to_le_bytes(place));
    }
    bytes.extend([0; 4]);
    bytes
}

/// Creates a header of version 2, without a valid checksum.
fn header(messages: &[(u8, &[u8])]) -> Vec<u8> {
    let mut inner = Vec::new();
    for (kind, body) in messages {
        inner.push(*kind);
        inner.extend((body.len() as u16).to_le_bytes());
        inner.push(0);
        inner.extend(*body);
    }
    let mut bytes = b"OHDR\x02\x01".to_vec();
    bytes.extend((inner.len() as u16).to_le_bytes());
    bytes.extend(inner);
    bytes.extend([0; 4]);
    bytes
}

fn link(name: &str, place: u64) -> Vec<u8> {
    [&[1, 0, name.len() as u8][..], name.as_bytes(), &place.to_le_bytes()].concat()
}

/// A compressed chunk is replaced by zeros that decompress to a thousand times the size that it should have.
#[test]
fn what_unpacks_to_more_than_it_says_is_refused() {
    let whole = include_bytes!("small/latest.h5");
    assert_eq!(elements(whole, "packed").expect("it is whole").len(), 4 * 12);
    let mut bomb = ZlibEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 1 << 20]).expect("memory");
    let bomb = bomb.finish().expect("memory");
    // The address and length of the chunk are in its layout: version 4, filtered, one chunk of 4 x 3 elements of 4 bytes.
    let layout = [4, 2, 2 | 1, 3, 1, 4, 3, 4, 1];
    let found = |part: &[u8]| whole.windows(part.len()).position(|window| window == part);
    let place = found(&layout[3..]).expect("the layout") + 6;
    let mut bytes = whole.to_vec();
    bytes[place..place + 8].copy_from_slice(&(bomb.len() as u64).to_le_bytes());
    bytes[place + 12..place + 20].copy_from_slice(&(whole.len() as u64).to_le_bytes());
    bytes.extend(&bomb);
    let mut found = Ok(Vec::new());
    let used = measure(|| found = elements(&bytes, "packed"));
    let error = found.expect_err("zeros, and more of them than it says");
    assert!(error.contains("unpacks to more than"), "{error}");
    // The file, and the window of DEFLATE.
    assert!(used.bytes_max < bytes.len() as u64 + WINDOW, "{} bytes for a file of {}", used.bytes_max, bytes.len());
}

/// The additional memory of decompression: DEFLATE's window and tables.
const WINDOW: u64 = 1 << 16;

/// The memory of error messages and of the first elements of lists, in addition to the length of the file.
const BESIDE: u64 = 4096;

/// Reads headers, and asserts that the memory that is alive at any time is limited by the length of the file; the file itself does not count.
#[track_caller]
fn assert_small(bytes: &[u8]) {
    let owned = bytes.to_vec();
    let mut read = None;
    let used = measure(|| read = Some(KerasFile::from_bytes(owned, "made up")));
    let most = bytes.len() as u64 + BESIDE;
    assert!(used.bytes_max <= most, "{} bytes for a file of {}: {read:?}", used.bytes_max, bytes.len());
}

#[test]
fn headers_take_no_more_memory_than_the_file_whatever_they_say() {
    let files = [WHOLE, include_bytes!("small/small.weights.h5"), include_bytes!("small/layouts.h5")];
    for file in files.into_iter().chain([&include_bytes!("small/latest.h5")[..]]) {
        assert_small(file);
        for (number, place) in (0..file.len() - 8).step_by(file.len() / 600 + 1).enumerate() {
            let value = [u64::MAX, 1 << 40, 0xffff, file.len() as u64, 0][number % 5].to_le_bytes();
            let width = [1, 2, 4, 8][number % 4];
            let mut bytes = file.to_vec();
            bytes[place..place + width].copy_from_slice(&value[..width]);
            assert_small(&bytes);
        }
    }
}

/// Creates a file whose root has a data set `w` with these messages.
fn one(messages: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = superblock();
    let inner = bytes.len() as u64 + (6 + 2 + 4 + 12 + 4);
    bytes.extend(header(&[(6, &link("w", inner))]));
    assert_eq!(bytes.len() as u64, inner);
    bytes.extend(header(messages));
    bytes
}

const FLOAT: [u8; 20] = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];

/// Creates a dataspace message with two axes.
fn space(sizes: [u64; 2]) -> Vec<u8> {
    [&[2, 2, 0, 1][..], &sizes[0].to_le_bytes(), &sizes[1].to_le_bytes()].concat()
}

/// Creates a contiguous layout message.
fn layout(place: u64, len: u64) -> Vec<u8> {
    [&[3, 1][..], &place.to_le_bytes(), &len.to_le_bytes()].concat()
}

#[test]
fn counts_far_beyond_the_file_allocate_nothing() {
    let whole = one(&[(1, &space([2, 2])), (3, &FLOAT), (8, &layout(48, 16))]);
    assert_eq!(elements(&whole, "w").expect("it is whole").len(), 16);
    // A compound type of 65535 members, and nested types without end.
    let record = [0x36, 0xff, 0xff, 0, 16, 0, 0, 0];
    let nested = [0x36, 1, 0, 0, 16, 0, 0, 0, 0, 0].repeat(6000);
    // An array, a sequence, and an enumeration.
    let array = [&[0x3a, 0, 0, 0, 16, 0, 0, 0, 255][..], &[0xff; 64]].concat();
    let sequences = [0x19, 0, 0, 0, 16, 0, 0, 0].repeat(6000);
    let names = [0x38, 0xff, 0xff, 0, 4, 0, 0, 0];
    for kind in [&record[..], &nested, &array, &sequences, &names] {
        let bytes = one(&[(1, &space([2, 2])), (3, kind), (8, &layout(48, 16))]);
        assert_small(&bytes);
        assert_eq!(number(&read(&bytes).expect("it is no tensor"), "w"), None);
        // The same as an attribute.
        let len = (kind.len() as u16).to_le_bytes();
        let attribute = [&[2, 0, 5, 0, len[0], len[1], 4, 0][..], b"name\0", kind, &[2, 0, 0, 0]].concat();
        assert_small(&one(&[(0x0c, &attribute), (2, &[0, 0, 255, 255, 255, 255, 255, 255, 255, 255])]));
    }
    // More axes, filters and chunks than the file contains.
    let axes = [2, 255, 0, 1];
    let filters = [2, 255, 1, 0, 0, 0, 255, 255];
    let chunks = [&[3, 2, 3][..], &48_u64.to_le_bytes(), &[255; 8], &[4, 0, 0, 0]].concat();
    for messages in [
        &[(1, &axes[..]), (3, &FLOAT), (8, &layout(48, 16))],
        &[(1, &space([1 << 40, 1 << 40])), (3, &FLOAT), (8, &layout(48, 16))],
        &[(1, &space([1 << 30, 1 << 30])), (3, &FLOAT), (8, &layout(48, 1 << 62))],
        &[(1, &space([1 << 30, 1])), (3, &FLOAT), (8, &chunks)],
    ] {
        let bytes = one(messages);
        assert_small(&bytes);
        let mut found = Ok(Vec::new());
        let used = measure(|| found = elements(&bytes, "w"));
        assert!(found.is_err() && used.bytes_max <= 2 * bytes.len() as u64 + BESIDE, "{found:?}");
    }
    let bytes = one(&[(1, &space([2, 2])), (3, &FLOAT), (0x0b, &filters), (8, &layout(48, 16))]);
    assert_small(&bytes);
    assert!(read(&bytes).is_err());
    // Storage that was never written has as many elements as its sizes say, and none in the file.
    let bytes = one(&[(1, &space([1 << 30, 1 << 20])), (3, &FLOAT), (8, &layout(u64::MAX, 0))]);
    assert!(elements(&bytes, "w").expect_err("nothing has been written").contains("holds no elements"));
}
