//! Reads any bytes as the pickle in an archive of PyTorch.
#![no_main]

mod support;

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use netwright_formats::PyTorchFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fuzz_target!(|bytes: &[u8]| {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, data) in [("a/data.pkl", bytes), ("a/data/0", &[0; 24]), ("a/data/1", &[0; 64])] {
        writer.start_file(name, stored).expect("a file");
        writer.write_all(data).expect("its bytes");
    }
    let archive = writer.finish().expect("an archive").into_inner();
    support::check(&archive, support::PAGES, PyTorchFile::from_bytes, PyTorchFile::read);
});
