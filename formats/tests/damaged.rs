//! Damaged and hostile files: reading them is an error, and takes no more memory than the file.
#![cfg(all(feature = "npz", feature = "pytorch"))]

use std::io::{Cursor, Write};

use netwright::Error;
use netwright::foreign::TensorFile;
use netwright::prelude::*;
use netwright_formats::{NpzFile, PyTorchFile, from_bytes};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const FILES: &[&[u8]] = &[
    include_bytes!("small/small.pt"),
    include_bytes!("small/small.npz"),
    include_bytes!("small/compressed.npz"),
    #[cfg(feature = "hdf5")]
    include_bytes!("small/small.weights.h5"),
    #[cfg(feature = "hdf5")]
    include_bytes!("small/small.h5"),
];

/// Reads everything in a file; returns whether that succeeds.
fn look(bytes: Vec<u8>) -> bool {
    let Ok(file) = from_bytes(bytes, "damaged") else { return false };
    let tensors = file.tensors();
    let small = |shape: &[usize]| shape.iter().product::<usize>() <= 1 << 12;
    (0..tensors.len()).filter(|&index| small(&tensors[index].shape)).all(|index| file.bytes(index).is_ok())
}

#[test]
fn a_file_cut_anywhere_is_no_whole_one() {
    for file in FILES {
        assert!(look(file.to_vec()));
        for end in (0..file.len()).step_by(file.len() / 500 + 1).chain([file.len() - 1]) {
            assert!(!look(file[..end].to_vec()), "{end}");
        }
    }
}

/// Files of other formats, and files of each format for the readers of the others.
#[test]
fn files_of_other_formats_are_named() {
    let others: [&[u8]; 8] = [
        b"",
        b"P",
        b"PK\x03\x04",
        b"\x89HDF\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"a text of some length, which is no file of weights\n",
        &[0; 256],
        &[0xff; 256],
    ];
    for other in others {
        let error = from_bytes(other.to_vec(), "other").map(|_| ()).expect_err("it is none of these");
        assert!(matches!(error, Error::Format { .. } | Error::Truncated { .. }), "{error}");
    }
    for &file in others.iter().chain(FILES) {
        let torch = file == FILES[0];
        assert_eq!(PyTorchFile::from_bytes(file.to_vec(), "other").is_ok(), torch);
        // An archive of PyTorch, which has no NumPy arrays in it.
        let numpy = file == FILES[1] || file == FILES[2];
        assert!(numpy || NpzFile::from_bytes(file.to_vec(), "other").map_or(true, |file| file.tensors().is_empty()));
        #[cfg(feature = "hdf5")]
        assert_eq!(
            netwright_formats::KerasFile::from_bytes(file.to_vec(), "other").is_ok(),
            FILES[3..].contains(&file)
        );
        assert!(netwright::foreign::Safetensors::from_bytes(file.to_vec(), "other").is_err());
    }
}

#[test]
fn a_file_that_was_not_copied_whole_says_so() {
    let whole = include_bytes!("small/small.pt");
    let cut = whole[..whole.len() - 100].to_vec();
    let error = from_bytes(cut, "small.pt").err().expect("its end is missing");
    let expected = format!(
        "one that ends early: the list of its files, which stands at the end, is not within its {} bytes",
        whole.len() - 100
    );
    assert!(error.to_string().contains(&expected), "{error}");
    // A file with a damaged directory is not reported as one that ends early.
    let mut changed = whole.to_vec();
    for place in (0..changed.len() - 4).filter(|&place| whole[place..].starts_with(b"PK\x01\x02")) {
        changed[place] = b'?';
    }
    let error = from_bytes(changed, "small.pt").err().expect("its list is not there");
    assert!(!error.to_string().contains("ends early"), "{error}");
}

#[test]
fn a_changed_byte_never_panics() {
    for file in FILES {
        for place in (0..file.len()).step_by(file.len() / 250 + 1) {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = file.to_vec();
                damaged[place] ^= change;
                look(damaged);
            }
        }
    }
}

/// Creates an archive of these files.
fn archive(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("a file");
        writer.write_all(bytes).expect("its bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

#[test]
fn files_outside_of_the_archive_or_in_one_another_are_refused() {
    let array = |fill: u8| {
        let mut array = b"\x93NUMPY\x01\0\x3b\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } \n".to_vec();
        array.resize(array.len() + 8, fill);
        array
    };
    let (first, second) = (array(1), array(2));
    let whole = archive(&[("a.npy", &first), ("b.npy", &second)], CompressionMethod::Stored);
    assert!(look(whole.clone()));
    // Each entry of the directory ends with the offset of its file, and its name.
    let entries: Vec<usize> = (0..whole.len() - 4).filter(|&at| whole[at..].starts_with(b"PK\x01\x02")).collect();
    let [first, second] = entries[..] else { panic!("{entries:?}") };
    let moved = |entry: usize, place: u32| {
        let mut bytes = whole.clone();
        bytes[entry + 42..entry + 46].copy_from_slice(&place.to_le_bytes());
        bytes
    };
    let end = whole.len() as u32;
    for place in [end, end - 4, u32::MAX - 1, 1] {
        assert!(NpzFile::from_bytes(moved(second, place), "moved").is_err(), "{place}");
    }
    let error = NpzFile::from_bytes(moved(second, 0), "moved").expect_err("both are the first").to_string();
    assert!(error.contains("`b.npy` under another name"), "{error}");
    let mut twice = moved(second, 0);
    twice[second + 46] = b'a';
    let error = NpzFile::from_bytes(twice, "twice").expect_err("both are the first").to_string();
    assert!(error.contains("`a.npy` inside of `a.npy`"), "{error}");
    // A file within the elements of another one.
    let inner = archive(&[("b.npy", &array(2))], CompressionMethod::Stored);
    let within = &inner[..inner.windows(4).position(|mark| mark == b"PK\x01\x02").expect("its directory")];
    let around = archive(&[("a.npy", within), ("b.npy", &array(2))], CompressionMethod::Stored);
    let entries: Vec<usize> = (0..around.len() - 4).filter(|&at| around[at..].starts_with(b"PK\x01\x02")).collect();
    let mut bytes = around.clone();
    bytes[entries[1] + 42..entries[1] + 46].copy_from_slice(&35_u32.to_le_bytes());
    let error = NpzFile::from_bytes(bytes, "within").expect_err("one is in the other").to_string();
    assert!(error.contains("`b.npy` inside of `a.npy`"), "{error}");
    // Two files of the same name.
    let mut bytes = whole.clone();
    let own = whole.windows(5).rposition(|name| name == b"b.npy").expect("in the directory");
    let header = whole.windows(5).position(|name| name == b"b.npy").expect("in its header");
    (bytes[own], bytes[header]) = (b'a', b'a');
    let error = NpzFile::from_bytes(bytes, "twice").expect_err("two have one name").to_string();
    assert!(error.contains("`a.npy` twice"), "{error}");
    // A length in the directory that exceeds the archive.
    for len in [end, u32::MAX - 1] {
        let mut bytes = whole.clone();
        for at in [first + 20, first + 24] {
            bytes[at..at + 4].copy_from_slice(&len.to_le_bytes());
        }
        let error = NpzFile::from_bytes(bytes, "long").expect_err("it is longer than the archive").to_string();
        assert!(error.contains("outside of the file"), "{error}");
    }
}

/// Creates a pickle of `{"w": _rebuild_tensor_v2(storage 0, first, sizes, steps)}` with `elements` in the storage; all numbers are below 256.
fn pickle(class: &str, elements: u8, first: u8, sizes: [u8; 2], steps: [u8; 2]) -> Vec<u8> {
    let mut bytes = b"\x80\x02}(X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n".to_vec();
    bytes.extend(class.bytes());
    bytes.extend(b"\nX\x01\0\0\x000X\x03\0\0\0cpuK");
    bytes.extend([elements, b't', b'Q', b'K', first]);
    bytes.extend([b'K', sizes[0], b'K', sizes[1], 0x86, b'K', steps[0], b'K', steps[1], 0x86]);
    bytes.extend(b"\x89}tRu.");
    bytes
}

#[track_caller]
fn refused(pickle: &[u8], storage: &[u8], reason: &str) {
    let bytes = archive(&[("a/data.pkl", pickle), ("a/data/0", storage)], CompressionMethod::Stored);
    let error = PyTorchFile::from_bytes(bytes, "made up").expect_err(reason);
    assert!(error.to_string().contains(reason), "{error}");
}

#[test]
fn tensors_outside_of_their_storage_are_refused() {
    let whole = pickle("FloatStorage", 6, 0, [2, 3], [3, 1]);
    let bytes = archive(&[("a/data.pkl", &whole), ("a/data/0", &[0; 24])], CompressionMethod::Stored);
    let file = PyTorchFile::from_bytes(bytes, "whole").expect("it is whole");
    assert_eq!((file.tensors()[0].name.as_str(), file.tensors()[0].shape.as_slice()), ("w", &[2, 3][..]));
    refused(&whole, &[0; 20], "of another length");
    refused(&pickle("FloatStorage", 6, 1, [2, 3], [3, 1]), &[0; 24], "outside of its 6 elements");
    refused(&pickle("FloatStorage", 6, 0, [2, 3], [4, 1]), &[0; 24], "outside of its 6 elements");
    refused(&pickle("QInt8Storage", 6, 0, [2, 3], [3, 1]), &[0; 24], "QInt8Storage");
}

#[test]
fn pickles_of_something_else_are_refused() {
    refused(b"\x80\x02K\x01.", &[], "found a pickle of the number 1");
    refused(b"\x80\x02](K\x01e.", &[], "found a pickle of a list");
    refused(b"\x80\x02c__main__\nNet\n)\x81.", &[], "an object of `__main__.Net`");
    refused(b"\x80\x02}q\0X\x01\0\0\0ah\0s.", &[], "in two places");
    refused(b"\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_sparse_tensor\n)Rs.", &[], "_rebuild_sparse_tensor");
    refused(&[&b"\x80\x02"[..], &b"N".repeat(1 << 17), b"."].concat(), &[], "has room for");
    let deep = [&b"\x80\x02}q\0"[..], &b"}q\x01X\x01\0\0\0ah\0sq\0".repeat(40), b"."].concat();
    refused(&deep, &[], "deep");
    let magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.".to_vec();
    let error = PyTorchFile::from_bytes(magic, "old.pt").expect_err("it is old");
    assert!(error.to_string().contains("before 1.6"), "{error}");
}

/// The error for a dictionary without tensors describes one of its values; an empty dictionary has no tensors and is not an error.
#[test]
fn a_dictionary_whose_tensors_are_not_understood_says_what_it_holds() {
    let whole = pickle("FloatStorage", 6, 0, [2, 3], [3, 1]);
    let place = whole.windows(12).position(|part| part == b"torch._utils").expect("its module");
    let mut other = whole.clone();
    other.splice(place..place + 12, *b"mine");
    refused(&other, &[0; 24], "`w` is an object of `mine._rebuild_tensor_v2`");
    refused(b"\x80\x02}(X\x01\0\0\0eK\x03X\x01\0\0\0acm\nn\n)Ru.", &[], "`a` is an object of `m.n`");
    refused(b"\x80\x02}(X\x01\0\0\0eK\x03X\x01\0\0\0aNu.", &[], "`e` is the number 3");
    let bytes = archive(&[("a/data.pkl", b"\x80\x02}.")], CompressionMethod::Stored);
    assert!(PyTorchFile::from_bytes(bytes, "empty").expect("a dictionary").tensors().is_empty());
}

/// A tensor of a subclass, as `torch.save` writes it.
#[test]
fn a_tensor_of_a_subclass_is_that_tensor() {
    let whole = pickle("FloatStorage", 6, 0, [2, 3], [3, 1]);
    let (before, call) = whole.split_at(whole.windows(2).position(|part| part == b"ct").expect("what makes it"));
    let (function, arguments) = call.split_at(call.windows(2).position(|part| part == b"((").expect("its arguments"));
    let arguments = arguments.strip_suffix(b"Ru.").expect("a call");
    let subclass =
        [before, b"ctorch._tensor\n_rebuild_from_type_v2\n(", function, b"cmine\nTensor\n", arguments, b"}tRu."];
    let files: [(&str, &[u8]); 2] = [("a/data.pkl", &subclass.concat()), ("a/data/0", &[0; 24])];
    let file = PyTorchFile::from_bytes(archive(&files, CompressionMethod::Stored), "subclass").expect("a tensor");
    assert_eq!((file.tensors()[0].name.as_str(), file.tensors()[0].shape.as_slice()), ("w", &[2, 3][..]));
    let foreign =
        [before, b"ctorch._tensor\n_rebuild_from_type_v2\n(cmine\nmade\ncmine\nTensor\n", arguments, b"}tRu."];
    refused(&foreign.concat(), &[0; 24], "of a class whose tensors are not read");
}

/// Many tensors share a long name that is written once.
#[test]
fn names_take_no_more_room_than_the_file() {
    let name = "n".repeat(1000);
    let mut bytes = pickle("FloatStorage", 6, 0, [2, 3], [3, 1]);
    bytes.truncate(bytes.len() - 2);
    bytes.extend(b"q\x01X");
    bytes.extend((name.len() as u32).to_le_bytes());
    bytes.extend(name.bytes());
    bytes.extend(b"q\x02h\x01");
    bytes.extend(b"h\x02h\x01".repeat(1000));
    bytes.extend(b"u.");
    refused(&bytes, &[0; 24], "more objects than a file of its length has room for");
    let mut long = pickle("FloatStorage", 6, 0, [2, 3], [3, 1]);
    long.splice(4..10, [&b"X\0\x10\0\0"[..], &[b'n'; 1 << 12]].concat());
    refused(&long, &[0; 24], "a name of more than 1024 bytes");
}

/// A megabyte of zeros, compressed to a thousand bytes, in place of a short file.
#[test]
fn what_unpacks_to_more_than_it_says_is_refused() {
    let mut array = b"\x93NUMPY\x01\0\x3b\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } \n".to_vec();
    array.resize(array.len() + (1 << 20), 0);
    let bytes = archive(&[("w.npy", &array)], CompressionMethod::Deflated);
    assert!(bytes.len() < 4096);
    let error = NpzFile::from_bytes(bytes.clone(), "bomb").expect_err("it is longer than it says");
    assert!(error.to_string().contains("for sizes [2]"), "{error}");

    // The directory of the archive also has a wrong length.
    let said = (1_u32 << 20) + array.len() as u32 - (1 << 20);
    let honest = (array.len() as u32 - (1 << 20) + 8).to_le_bytes();
    let lie: Vec<u8> = bytes;
    let place = lie.windows(4).rposition(|window| window == said.to_le_bytes()).expect("its length");
    let first = lie.windows(4).position(|window| window == said.to_le_bytes()).expect("its length");
    let mut lie = lie;
    lie[place..place + 4].copy_from_slice(&honest);
    lie[first..first + 4].copy_from_slice(&honest);
    let file = NpzFile::from_bytes(lie, "bomb");
    assert!(file.is_err() || file.is_ok_and(|file| file.bytes(0).is_err()));

    let pickle = [&b"\x80\x02}"[..], &b"N0".repeat(1 << 19), b"."].concat();
    let bytes = archive(&[("a/data.pkl", &pickle)], CompressionMethod::Deflated);
    let error = PyTorchFile::from_bytes(bytes, "bomb").expect_err("it is longer than the file");
    assert!(error.to_string().contains("more than the whole file"), "{error}");
}

#[test]
fn a_network_is_unchanged_where_a_file_cannot_be_read_to_its_end() {
    netwright::network! { One(1x1x2) { dense 3 nobias from "w" } }
    // The second element of the storage's file is missing, but the directory of the archive includes it.
    let pickle = pickle("FloatStorage", 6, 0, [3, 2], [2, 1]);
    let weights: Vec<u8> = (0..6).flat_map(|number| (number as f32).to_le_bytes()).collect();
    let bytes = archive(&[("a/data.pkl", &pickle), ("a/data/0", &weights)], CompressionMethod::Deflated);
    let map = netwright::foreign::Map::pytorch().tensor("dense1.kernel", "w");
    let mut network = One::init(1);
    network
        .load_foreign(&PyTorchFile::from_bytes(bytes.clone(), "whole").expect("it is whole"), &map)
        .expect("it fits");
    assert_eq!(network.layers().dense1.kernel, &[[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]);
    let before = network.parameters().to_vec();
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        let Ok(file) = PyTorchFile::from_bytes(damaged, "damaged") else { continue };
        if network.load_foreign(&file, &map).is_err() {
            assert_eq!(network.parameters(), before);
        }
        network.parameters_mut().copy_from_slice(&before);
    }
}
