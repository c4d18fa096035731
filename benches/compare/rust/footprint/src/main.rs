//! Measures programs: the size of one that predicts with LeNet-5, the time from its start to its first output, and the memory of predicting one
//! image with VGG-16.
//!
//! `cargo build --profile small --manifest-path benches/compare/rust/Cargo.toml --target-dir target/compare/build -p footprint`, then
//! `target/compare/build/small/footprint`.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use netwright::SaveWeights;
use netwright_zoo::LeNet5;

const STARTS: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let here = std::env::current_exe()?;
    let beside = |name: &str| here.with_file_name(name);
    let lenet = beside("lenet");
    let weights = beside("lenet.safetensors");
    LeNet5::init(1).save(&weights)?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let start = Instant::now();
        let output = Command::new(&lenet).arg(&weights).output()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    times.sort_by(f64::total_cmp);
    let nothing = nothing()?;
    let bytes = std::fs::metadata(&lenet)?.len();
    println!(
        "LeNet-5: {:.2} MB; start to first answer {:.2} ms (median of {STARTS})",
        bytes as f64 / 1e6,
        times[STARTS / 2]
    );
    if let Some(nothing) = nothing {
        println!("a program that does nothing: {nothing:.2} ms");
    }
    let [weights, prepared] = ["vgg.safetensors", "vgg.prepared"].map(beside);
    let vgg = |what: &str, files: &[&PathBuf]| -> Result<Vec<u8>, Box<dyn Error>> {
        let output = Command::new(beside("vgg")).args(files).output()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        print!("VGG-16, one image, {what}: {}", String::from_utf8_lossy(&output.stdout));
        Ok(output.stderr)
    };
    let expected = vgg("weights written", &[&weights, &prepared])?;
    for (what, files) in [("network", &[][..]), ("predictor", &[&weights]), ("prepared predictor", &[&prepared])] {
        assert_eq!(vgg(what, files)?, expected, "the same bits");
    }
    [weights, prepared].iter().try_for_each(std::fs::remove_file)?;
    Ok(())
}

/// Returns the median milliseconds of a run of `true`, where the system has it.
fn nothing() -> Result<Option<f64>, Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let start = Instant::now();
        if Command::new("true").output().is_err() {
            return Ok(None);
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(Some(times[STARTS / 2]))
}
