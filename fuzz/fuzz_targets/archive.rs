//! Any bytes are read as a zip archive of tensors.
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use netwright_formats::{NpzFile, PyTorchFile};

fuzz_target!(|bytes: &[u8]| {
    support::look(bytes.len(), support::BUFFERS, || PyTorchFile::from_bytes(bytes.to_vec(), "fuzzed"));
    support::look(bytes.len(), support::BUFFERS, || NpzFile::from_bytes(bytes.to_vec(), "fuzzed"));
});
