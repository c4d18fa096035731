//! Reads any bytes as an HDF5 file of Keras.
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use netwright_formats::KerasFile;

fuzz_target!(|bytes: &[u8]| {
    support::check(bytes, support::BUFFERS, KerasFile::from_bytes, KerasFile::read);
});
