//! Files are read from disk with the same result as from memory, and never as a whole.
#![cfg(all(feature = "npz", feature = "pytorch"))]

use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use allocation_counter::measure;
use netwright::Error;
use netwright::foreign::TensorFile;
use netwright_formats::{NpzFile, PyTorchFile, from_bytes, open};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A file that is removed at the end of the test.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("netwright-lie-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("a file can be written");
        Self(path)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_gives_what_its_bytes_give() -> Result<(), Error> {
    let files: [(&str, &[u8]); 8] = [
        ("small.pt", include_bytes!("small/small.pt")),
        ("small.npz", include_bytes!("small/small.npz")),
        ("compressed.npz", include_bytes!("small/compressed.npz")),
        ("small.h5", include_bytes!("small/small.h5")),
        ("small.weights.h5", include_bytes!("small/small.weights.h5")),
        ("latest.h5", include_bytes!("small/latest.h5")),
        ("layouts.h5", include_bytes!("small/layouts.h5")),
        ("net.safetensors", include_bytes!("../../examples/pytorch/net.safetensors")),
    ];
    let files = files.into_iter().filter(|(name, _)| cfg!(feature = "hdf5") || !name.ends_with(".h5"));
    for (name, bytes) in files {
        let written = Written::new(name, bytes);
        let (file, memory) = (open(&written.0)?, from_bytes(bytes.to_vec(), name)?);
        let tensors = file.tensors();
        assert!(!tensors.is_empty() && tensors == memory.tensors(), "{name}");
        for (index, tensor) in tensors.iter().enumerate() {
            let [file, memory] = [&file, &memory].map(|file| file.bytes(index).map_err(|error| error.to_string()));
            // Errors have the same text, each with the name of its file.
            assert!(file.is_err() && memory.is_err() || file == memory, "{name}: {tensor:?}");
        }
        // A file that was truncated in the meantime does not cause a panic.
        std::fs::write(&written.0, &bytes[..bytes.len() / 4]).expect("it can be written");
        (0..tensors.len()).for_each(|index| drop(file.bytes(index)));
    }
    Ok(())
}

fn archive(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("a file");
        writer.write_all(bytes).expect("its bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

#[test]
fn headers_take_a_little_and_a_tensor_its_length() -> Result<(), Error> {
    const LEN: usize = 1 << 22;
    // The longest comment that an archive may end with, and a window of the file.
    const LITTLE: u64 = 80 << 10;
    let mut array = b"\x93NUMPY\x01\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (1048576,), }".to_vec();
    array.resize(128, b' ');
    array.resize(128 + LEN, 7);
    // {"w": _rebuild_tensor_v2(storage 0 of 1048576 elements, 0, (1024, 1024), (1024, 1))}
    let pickle = b"\x80\x02}(X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n\
        X\x01\0\0\x000X\x03\0\0\0cpuJ\0\0\x10\0tQK\0M\0\x04M\0\x04\x86M\0\x04K\x01\x86\x89}tRu.";
    let stored = CompressionMethod::Stored;
    type Open = fn(&PathBuf) -> Result<Box<dyn TensorFile>, Error>;
    let cases: [(&str, Vec<u8>, Open); 3] = [
        ("w.npz", archive(&[("w.npy", &array)], stored), |path| Ok(Box::new(NpzFile::read(path)?))),
        ("w.pt", archive(&[("a/data.pkl", pickle), ("a/data/0", &array[128..])], stored), |path| {
            Ok(Box::new(PyTorchFile::read(path)?))
        }),
        ("packed.npz", archive(&[("w.npy", &array)], CompressionMethod::Deflated), |path| {
            Ok(Box::new(NpzFile::read(path)?))
        }),
    ];
    for (name, bytes, open) in cases {
        let written = Written::new(name, &bytes);
        let mut file = None;
        let used = measure(|| file = Some(open(&written.0)));
        assert!(used.bytes_max <= LITTLE, "{name}: {} bytes for headers", used.bytes_max);
        let file = file.expect("it was opened")?;
        let mut len = Ok(0);
        let used = measure(|| len = file.bytes(0).map(|bytes| bytes.len()));
        assert_eq!(len?, LEN, "{name}");
        assert!(used.bytes_max <= LEN as u64 + LITTLE, "{name}: {} bytes for a tensor", used.bytes_max);
    }
    Ok(())
}
