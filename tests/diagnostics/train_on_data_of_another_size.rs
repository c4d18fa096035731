//! Images of another size than the network takes.

use netwright::prelude::*;
use netwright::Error;

netwright::network! { pub Net(4) { dense 3 tanh; softmax 3 } }

fn train(net: &mut Net, data: &Dataset<[f32; 5]>) -> Result<(), Error> {
    Trainer::new().loss(CrossEntropy).optimizer(Sgd::new(0.1)?).fit(net, data, None)?;
    Ok(())
}

fn main() {
    println!("{}", Net::PARAMETERS);
    let _ = train;
}
