//! Reads any bytes as a file of weights without a panic; no tensor is larger than the file.
#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use netwright_runtime::foreign::Safetensors;
use netwright_runtime::storage::safetensors::{Checksum, WeightFile, Writer};

fuzz_target!(|bytes: &[u8]| {
    support::check(bytes, support::BUFFERS, Safetensors::from_bytes, Safetensors::read);
    let (len, owned) = (bytes.len(), bytes.to_vec());
    let Ok(file) = support::measured(len, len + support::BUFFERS, || WeightFile::from_bytes(owned, "fuzzed")) else {
        return;
    };
    let mut writer = Writer::new();
    for view in file.tensors() {
        if let Some(numbers) = view.scalars::<f64>() {
            assert!(numbers.len() <= bytes.len());
            writer.tensor(view.name, view.shape, &numbers);
        }
        assert!(view.integers().is_none_or(|integers| integers.len() <= bytes.len()));
    }
    let _ = file.checksum();
    let again = WeightFile::from_bytes(writer.to_bytes(), "written").expect("what is written is read");
    assert_eq!(again.checksum(), Checksum::Matches);
});
