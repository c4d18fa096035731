//! Loads a network that `net.py` saved from PyTorch, and prints the outputs of both libraries: `cargo run --example pytorch`.
//!
//! In `net.rs`, `from` gives each layer its name in PyTorch. The example also writes the weights for PyTorch and in netwright's own format.

mod net;

use netwright::foreign::Safetensors;
use netwright::prelude::*;

const FILE: &[u8] = include_bytes!("net.safetensors");

fn main() -> Result<(), netwright::Error> {
    let file = Safetensors::from_bytes(FILE.to_vec(), "net.safetensors")?;
    let mut network = net::Net::init(1);
    net::load(&mut network, &file)?;
    let (answer, expected) = (network.predict(&net::image(&file)?), net::answer(&file)?);
    println!("{network}\n\nPyTorch   netwright");
    for (theirs, ours) in expected.iter().zip(answer) {
        println!("{theirs:>9.6} {ours:>9.6}");
    }
    let folder = std::env::temp_dir();
    network.save_as_pytorch(folder.join("state_dict.safetensors"))?; // for `load_state_dict` of `net.py`
    network.save(folder.join("net.safetensors")) // for `Net::from_file`
}
