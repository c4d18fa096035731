//! A network trained in PyTorch, saved by `net.py`, predicts here: `cargo run --example pytorch`.
//!
//! Look at `net.rs`: which of PyTorch's tensors goes where, and in which order of axes.

mod layouts;
mod net;

use netwright::prelude::*;

const FILE: &[u8] = include_bytes!("net.safetensors");

fn main() -> Result<(), netwright::Error> {
    let file = layouts::StateDict::new(FILE)?;
    let mut network = net::Net::init(1);
    net::load(&mut network, &file)?;
    let (answer, (_, expected)) = (network.predict(&net::image(&file)?), file.tensor("answer")?);
    println!("{network}\n\nPyTorch   netwright");
    for (theirs, ours) in expected.iter().zip(answer) {
        println!("{theirs:>9.6} {ours:>9.6}");
    }
    network.save(std::env::temp_dir().join("net.safetensors")) // from now on `Net::from_file` will do
}
