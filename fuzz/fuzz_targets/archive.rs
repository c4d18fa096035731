//! Any bytes are read as a zip archive of tensors.
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use netwright_formats::{NpzFile, PyTorchFile};

/// What an entry of a directory takes in memory, for each of the 46 bytes or more that it has in the file.
const ENTRY: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    let directory = ENTRY * bytes.len();
    support::look(bytes.len(), support::STACK + directory, || PyTorchFile::from_bytes(bytes.to_vec(), "fuzzed"));
    support::look(bytes.len(), support::BUFFERS + directory, || NpzFile::from_bytes(bytes.to_vec(), "fuzzed"));
});
