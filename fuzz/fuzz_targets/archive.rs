//! Reads any bytes as a zip archive of tensors.
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use netwright_formats::{NpzFile, PyTorchFile};

fuzz_target!(|bytes: &[u8]| {
    support::check(bytes, support::BUFFERS, PyTorchFile::from_bytes, PyTorchFile::read);
    support::check(bytes, support::BUFFERS, NpzFile::from_bytes, NpzFile::read);
});
