//! Dropout as an average of networks (slide 18).

use netwright::train::predicted_class;
use netwright::{Error, Pass};

use crate::methods::{Budget, Digits, Dropped, trainer};

/// Test accuracies, from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Averaging {
    /// The mean accuracy of networks in which half of the hidden units are dropped at random.
    pub(crate) thinned: f64,
    /// The accuracy of the mean of these networks' outputs.
    pub(crate) mean_of_thinned: f64,
    /// The accuracy of the whole network, as it predicts.
    pub(crate) whole: f64,
}

/// Trains with dropout, and then also drops units in `times` passes over the test digits.
pub(crate) fn compare(
    train: &Digits,
    test: &Digits,
    budget: Budget,
    seed: u64,
    times: u64,
) -> Result<Averaging, Error> {
    let mut network = Dropped::init(seed);
    trainer(budget, seed)?.fit(&mut network, train, None)?;
    let mut workspace = Dropped::workspace(test.len());
    let mut sums = vec![[0.0_f32; 10]; test.len()];
    let mut thinned = 0.0;
    for step in 0..times {
        // A training pass: each step drops other units.
        let answers = network.forward(Pass { seed, step, ..Pass::default() }, test.inputs(), &mut workspace)?;
        thinned += accuracy(answers, test) / times as f64;
        for (sum, answer) in sums.iter_mut().zip(answers) {
            sum.iter_mut().zip(answer).for_each(|(sum, probability)| *sum += probability);
        }
    }
    let whole = accuracy(&network.predict_batch(test.inputs()), test);
    Ok(Averaging { thinned, mean_of_thinned: accuracy(&sums, test), whole })
}

fn accuracy(answers: &[[f32; 10]], digits: &Digits) -> f64 {
    let right =
        answers.iter().zip(digits.targets()).filter(|(answer, label)| predicted_class(*answer) == Some(**label));
    right.count() as f64 / digits.len() as f64
}
