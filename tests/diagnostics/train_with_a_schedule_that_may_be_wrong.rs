//! A schedule without its question mark.

use netwright::prelude::*;
use netwright::Error;

netwright::network! { pub Net(4) { dense 3 tanh; softmax 3 } }

fn train(net: &mut Net, data: &Dataset<[f32; 4]>) -> Result<(), Error> {
    use netwright::schedule::Step;
    Trainer::new().loss(CrossEntropy).optimizer(Sgd::new(0.1)?).schedule(Step::new(10.0, 0.1)).fit(net, data, None)?;
    Ok(())
}

fn main() {
    println!("{}", Net::PARAMETERS);
    let _ = train;
}
