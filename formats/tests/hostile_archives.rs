//! Hostile archives: while headers are read, all memory together is at most the length of the file and a small constant.
#![cfg(all(feature = "npz", feature = "pytorch"))]

use std::io::{Cursor, Write as _};

use allocation_counter::measure;
use netwright::Error;
use netwright::foreign::TensorFile;
use netwright_formats::{NpzFile, PyTorchFile};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const STORED: CompressionMethod = CompressionMethod::Stored;
const PACKED: CompressionMethod = CompressionMethod::Deflated;

/// The memory of the first pages of lists, headers of arrays and error messages, in addition to the length of the file.
const BESIDE: u64 = 8 << 10;

/// The additional memory of decompression: DEFLATE's window and tables.
const WINDOW: u64 = 44 << 10;

/// Reads headers, and asserts that the memory that is alive at any time is limited by the length of the file; the bytes of the file itself do not
/// count. The same holds for a list of the tensors.
#[track_caller]
fn assert_small_for<F: TensorFile>(bytes: &[u8], beside: u64, read: fn(Vec<u8>, &str) -> Result<F, Error>) {
    let (owned, most) = (bytes.to_vec(), bytes.len() as u64 + beside);
    let mut file = None;
    let used = measure(|| file = Some(read(owned, "made up").map_err(|error| error.to_string())));
    assert!(used.bytes_max <= most, "{} bytes for a file of {}", used.bytes_max, bytes.len());
    if let Some(Ok(file)) = file {
        let mut tensors = Vec::new();
        let used = measure(|| tensors = file.tensors());
        assert!(used.bytes_max <= most, "{} bytes for {} tensors in {}", used.bytes_max, tensors.len(), bytes.len());
    }
}

#[track_caller]
fn assert_small(bytes: &[u8]) {
    let is_packed = bytes.windows(12).any(|mark| mark.starts_with(b"PK\x01\x02") && mark[10] == 8);
    let beside = if is_packed { BESIDE + WINDOW } else { BESIDE };
    assert_small_for(bytes, beside, PyTorchFile::from_bytes);
    assert_small_for(bytes, beside, NpzFile::from_bytes);
}

/// Creates an archive of these files.
fn archive(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        // The extra field that PyTorch writes.
        let options = SimpleFileOptions::default().compression_method(method).with_alignment(64);
        writer.start_file(*name, options).expect("a file");
        writer.write_all(bytes).expect("its bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

#[test]
fn changed_files_take_no_more_memory_than_they_are_long() {
    let files: [&[u8]; 3] =
        [include_bytes!("small/small.pt"), include_bytes!("small/small.npz"), include_bytes!("small/compressed.npz")];
    for file in files {
        assert_small(file);
        for (number, place) in (0..file.len() - 8).step_by(file.len() / 400 + 1).enumerate() {
            let value = [u64::MAX, 1 << 40, 0xffff, file.len() as u64, 0][number % 5].to_le_bytes();
            let width = [1, 2, 4, 8][number % 4];
            let mut bytes = file.to_vec();
            bytes[place..place + width].copy_from_slice(&value[..width]);
            assert_small(&bytes);
        }
        // Each byte of the directory.
        let list = file.windows(4).position(|mark| mark == b"PK\x01\x02").expect("the list");
        for place in (list..file.len()).step_by(2) {
            let mut bytes = file.to_vec();
            bytes[place] ^= [0x01, 0x80, 0xff][place % 3];
            assert_small(&bytes);
        }
    }
}

/// The value that each opcode creates is dropped, kept on the stack, stored in the memo, or put into a list.
#[test]
fn pickles_of_any_codes_take_no_more_memory_than_they_are_long() {
    let codes: [&[u8]; 20] = [
        b"N",
        b"(",
        b"]",
        b"}",
        b")",
        b"]a",
        b"2\x85",
        b"h\0",
        b"\x94",
        b"N\x94",
        b"]\x94a",
        b"NNs",
        b"(NNu",
        b"\x86N2",
        b"cm\nn\n",
        b"K\x01",
        b"X\0\0\0\0",
        b"NQ",
        b"cm\nn\n)R",
        b"ccollections\nOrderedDict\n)R",
    ];
    for (number, code) in codes.iter().enumerate() {
        let other = codes[(number * 7 + 3) % codes.len()];
        for (begins, repeated) in
            [(&b"}q\0"[..], code.to_vec()), (b"]q\0", [*code, other].concat()), (b"}q\0N", [other, *code].concat())]
        {
            for times in [10, 1000, 30_000] {
                let pickle = [begins, &repeated.repeat(times), b"0."].concat();
                assert_small(&archive(&[("a/data.pkl", &pickle)], STORED));
            }
            let pickle = [begins, &repeated.repeat(9000), b"."].concat();
            assert_small(&archive(&[("a/data.pkl", &pickle), ("a/data/0", &[7; 40_000])], PACKED));
        }
    }
}

/// A thousand random opcodes after a dictionary.
#[test]
fn pickles_at_random_take_no_more_memory_than_they_are_long() {
    const CODES: &[u8] = b"NN((])}]eauts0122qhRQ\x85\x86\x87\x94\x94K\x88c";
    let mut state = 1_u64;
    for _ in 0..1000 {
        let mut pickle = b"}q\0".to_vec();
        for _ in 0..1000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let code = CODES[(state >> 33) as usize % CODES.len()];
            pickle.push(code);
            match code {
                b'q' | b'h' | b'K' => pickle.push((state >> 50) as u8 % 8),
                b'c' => pickle.extend(b"m\nn\n"),
                _ => {}
            }
        }
        pickle.push(b'.');
        assert_small_for(&archive(&[("a/data.pkl", &pickle)], STORED), BESIDE, PyTorchFile::from_bytes);
    }
}

/// Creates a pickle of `{"0": tensor, "1": tensor, ...}`, each with one element and four axes, in its own storage: the shortest form of a tensor.
fn small_tensors(count: usize) -> Vec<u8> {
    let text = |text: &str| [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let mut pickle = b"\x80\x02ccollections\nOrderedDict\nq\0)Rq\x01(".to_vec();
    let mut memo = 1_u32;
    let mut put = |pickle: &mut Vec<u8>| {
        memo += 1;
        pickle.push(b'r');
        pickle.extend(memo.to_le_bytes());
    };
    for number in 0..count {
        pickle.extend(text(&number.to_string()));
        put(&mut pickle);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        pickle.extend([text("storage"), b"ctorch\nFloatStorage\n".to_vec()].concat());
        pickle.extend([text(&number.to_string()), text("cpu"), b"K\x01t".to_vec()].concat());
        put(&mut pickle);
        pickle.extend(b"QK\0(K\x01K\x01K\x01K\x01t");
        put(&mut pickle);
        pickle.extend(b"(K\x01K\x01K\x01K\x01t");
        put(&mut pickle);
        pickle.extend(b"\x89h\0)R");
        put(&mut pickle);
        pickle.push(b't');
        put(&mut pickle);
        pickle.push(b'R');
        put(&mut pickle);
    }
    pickle.extend(b"u.");
    let names: Vec<String> = (0..count).map(|number| format!("a/data/{number}")).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("a/data.pkl", &pickle)];
    files.extend(names.iter().map(|name| (name.as_str(), &[0_u8; 4][..])));
    archive(&files, STORED)
}

#[test]
fn files_of_the_smallest_tensors_there_are_have_room_for_them() {
    for count in [1, 30, 1500] {
        let bytes = small_tensors(count);
        let file = PyTorchFile::from_bytes(bytes.clone(), "small").expect("it is one");
        assert_eq!(file.tensors().len(), count);
        assert_small(&bytes);
    }
    let mut array = b"\x93NUMPY\x01\0\x3b\0{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } \n".to_vec();
    array.extend([0; 4]);
    let names: Vec<String> = (0..1500).map(|number| format!("{number}.npy")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &array[..])).collect();
    for method in [STORED, PACKED] {
        let bytes = archive(&files, method);
        assert_eq!(NpzFile::from_bytes(bytes.clone(), "small").expect("it is one").tensors().len(), 1500);
        assert_small(&bytes);
    }
}

#[test]
fn lists_of_files_take_no_more_memory_than_they_are_long() {
    // Empty files, and files that share their bytes.
    let names: Vec<String> = (0..4000).map(|number| number.to_string()).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
    assert_small(&archive(&files, STORED));
    let one = archive(&[("a", &[0; 8])], STORED);
    let at = one.windows(4).position(|mark| mark == b"PK\x01\x02").expect("the list");
    let end = one.windows(4).position(|mark| mark == b"PK\x05\x06").expect("the end");
    for times in [2, 1000, 50_000] {
        let list = one[at..end].repeat(times);
        let mut record = one[end..].to_vec();
        record[12..16].copy_from_slice(&(list.len() as u32).to_le_bytes());
        assert_small(&[&one[..at], &list, &record].concat());
    }
    // A long name in an error message.
    let long = "n".repeat(60_000);
    for method in [STORED, PACKED] {
        assert_small(&archive(&[(&long, &[0; 8])], method));
        assert_small(&archive(&[(&format!("{long}.npy"), &[0; 8])], method));
    }
}

#[test]
fn headers_of_arrays_take_no_more_memory_than_they_are_long() {
    let array = |shape: &str| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape})}}");
        let mut bytes = b"\x93NUMPY\x02\0".to_vec();
        bytes.extend((header.len() as u32).to_le_bytes());
        [bytes, header.into_bytes(), vec![0; 4]].concat()
    };
    let shapes = ["1,".repeat(64), "1,".repeat(65), "1,".repeat(60_000), "9".repeat(60_000), " ".repeat(60_000)];
    for shape in &shapes {
        let array = array(shape);
        for method in [STORED, PACKED] {
            let names: Vec<String> = (0..40).map(|number| format!("{number}.npy")).collect();
            let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &array[..])).collect();
            assert_small(&archive(&files, method));
        }
    }
}
