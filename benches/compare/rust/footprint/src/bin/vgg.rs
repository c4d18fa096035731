//! One image through VGG-16: the most memory that the process has had, beside what the network says it needs.

use netwright::Tensor;
use netwright_zoo::Vgg16;

fn main() {
    let network = Vgg16::init(1);
    let image = Tensor::boxed_zeros();
    let answer = network.predict(&image);
    let megabytes = |elements: usize| (4 * elements) as f64 / 1e6;
    let weights = megabytes(Vgg16::<f32>::PARAMETERS);
    let prepared = megabytes(network.prepared().len());
    let workspace = Vgg16::<f32>::WORKSPACE as f64 / 1e6;
    let peak = peak().unwrap_or(f64::NAN);
    let rest = peak - weights - prepared - workspace;
    println!(
        "weights {weights:.1} MB, prepared {prepared:.1}, workspace {workspace:.1}; at most {peak:.1}, {rest:.1} more"
    );
    std::hint::black_box(answer);
}

/// The most memory that this process has had in megabytes, where the system tells.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0 / 1e6)
}
