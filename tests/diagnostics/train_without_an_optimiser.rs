//! A run that was not told what moves the weights.

use netwright::prelude::*;
use netwright::Error;

netwright::network! { pub Net(4) { dense 3 tanh; softmax 3 } }

fn train(net: &mut Net, data: &Dataset<[f32; 4]>) -> Result<(), Error> {
    Trainer::new().loss(CrossEntropy).fit(net, data, None)?;
    Ok(())
}

fn main() {
    println!("{}", Net::PARAMETERS);
    let _ = train;
}
