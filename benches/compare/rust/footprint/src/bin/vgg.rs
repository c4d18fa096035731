//! Prints the peak memory of a process that predicts one image with VGG-16, beside its weights and its workspace. Without an argument a network
//! predicts, with one a predictor from that file of weights or prepared weights. Two arguments name the files to write.

use netwright::{OwnedPredictor, SaveWeights, Tensor};
use netwright_zoo::Vgg16;
use speak::Failure;

fn main() -> Result<(), Failure> {
    let image =
        Tensor::boxed_from_fn(|row, column, channel| ((row * 7 + column * 3 + channel) % 17) as f32 / 17.0 - 0.5);
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    let (what, held, answer) = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [file] => {
            let predictor = OwnedPredictor::<Vgg16>::from_file(file)?;
            (format!("held {:.1} MB", megabytes(predictor.bytes())), predictor.bytes(), predictor.predict(&image))
        }
        [file, prepared] => {
            let network = Vgg16::init(1);
            network.save(file)?;
            let answer = network.predict(&image);
            let predictor = network.into_predictor();
            predictor.save(prepared)?;
            ("files made".to_owned(), predictor.bytes(), answer)
        }
        _ => {
            let network = Vgg16::init(1);
            let answer = network.predict(&image);
            let [weights, prepared] = [4 * Vgg16::<f32>::PARAMETERS, size_of_val(network.prepared().elements())];
            let what = format!("weights {:.1} MB, prepared {:.1}", megabytes(weights), megabytes(prepared));
            (what, weights + prepared, answer)
        }
    };
    let workspace = Vgg16::<f32>::WORKSPACE;
    let peak = peak().unwrap_or(f64::NAN);
    let rest = peak - megabytes(held + workspace);
    println!("{what}, workspace {:.1}; at most {peak:.1}, {rest:.1} more", megabytes(workspace));
    // A checksum of the output, which `footprint` compares between the variants.
    eprintln!("{:08x}", answer.iter().fold(0_u32, |sum, element| sum.rotate_left(5) ^ element.to_bits()));
    Ok(())
}

/// Returns the peak memory of this process in megabytes, where the system reports it.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0 / 1e6)
}
