//! A loss for classes, and a network that answers with yes or no.

use netwright::prelude::*;
use netwright::Error;

netwright::network! { pub Net(4) { dense 3 tanh; dense 1 sigmoid } }

fn train(net: &mut Net, data: &Dataset<[f32; 4]>) -> Result<(), Error> {
    Trainer::new().loss(CrossEntropy).optimizer(Sgd::new(0.1)?).fit(net, data, None)?;
    Ok(())
}

fn main() {
    println!("{}", Net::PARAMETERS);
    let _ = train;
}
