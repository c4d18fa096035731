//! Reads any bytes as an array in an archive of NumPy, stored and compressed.
#![no_main]

mod support;

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use netwright_formats::NpzFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fuzz_target!(|bytes: &[u8]| {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("w.npy", SimpleFileOptions::default().compression_method(method)).expect("a file");
        writer.write_all(bytes).expect("its bytes");
        let archive = writer.finish().expect("an archive").into_inner();
        support::check(&archive, support::BUFFERS, NpzFile::from_bytes, NpzFile::read);
    }
});
