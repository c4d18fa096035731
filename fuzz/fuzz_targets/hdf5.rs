//! Any bytes are read as an HDF5 file of Keras.
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use netwright_formats::KerasFile;

fuzz_target!(|bytes: &[u8]| {
    support::look(bytes, support::BUFFERS, KerasFile::from_bytes, KerasFile::read);
});
