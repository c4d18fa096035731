//! The smallest network that needs a hidden layer: exclusive or (slides 1 to 3).
//!
//! `cargo run --example xor` prints the four answers. No line separates (0, 1) and (1, 0) from (0, 0) and (1, 1).

use netwright::prelude::*;

netwright::network! {
    /// Two inputs, four hidden units, one answer.
    Xor(2) { dense 4 tanh; dense 1 sigmoid }
}

fn main() -> Result<(), netwright::Error> {
    let table = [([0.0, 0.0], 0), ([0.0, 1.0], 1), ([1.0, 0.0], 1), ([1.0, 1.0], 0)];
    let data: Dataset<[f32; 2]> = Dataset::from_pairs(table)?;
    let mut network = Xor::init(1);
    Trainer::new().epochs(500)?.batch(4)?.loss(BinaryCrossEntropy).optimizer(Sgd::new(0.5)?.momentum(0.9)?).fit(
        &mut network,
        &data,
        None,
    )?;
    for (input, expected) in data.iter() {
        println!("{} xor {} = {:.3} (expected {expected})", input[0], input[1], network.predict(input)[0]);
    }
    Ok(())
}
