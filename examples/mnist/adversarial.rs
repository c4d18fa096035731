//! Adversarial examples (slide 16; Goodfellow et al., 2015): x + ε · sign(∇ₓJ(θ, x, y)).

use std::time::Instant;

use netwright::prelude::*;
use netwright::schedule::Cosine;
use netwright::train::adversarial::{AdversarialTraining, Attack, evaluate_under};
use netwright::train::evaluate;

use super::Digits;

netwright::network! {
    /// LeNet-5 (LeCun et al., 1998).
    pub LeNet5(28x28x1) {
        conv 5x5x6 same tanh;  avgpool 2;
        conv 5x5x16 tanh;      avgpool 2;
        dense 120 tanh;        dense 84 tanh;
        softmax 10
    }
}

/// Trains LeNet-5 twice, once on clean images and once with half of each batch attacked, and attacks both.
pub(crate) fn run(train: &Digits, test: &Digits, epochs: u64, threads: usize) -> Result<(), netwright::Error> {
    println!("LeNet-5                clean    ε = 0.1    ε = 0.25   trained in");
    for (name, training) in [
        ("clean images", None),
        ("half attacked, ε = 0.25", Some(AdversarialTraining::new(Attack::fgsm(0.25)?.range(0.0, 1.0)?))),
    ] {
        let start = Instant::now();
        let mut network = LeNet5::init(1);
        let trainer = Trainer::new()
            .epochs(epochs)?
            .batch(64)?
            .seed(1)
            .threads(threads)?
            .loss(CrossEntropy::new())
            .optimizer(Sgd::new(0.05)?.momentum(0.9)?.l2(1e-4)?)
            .schedule(Cosine::new());
        let trainer = match training {
            Some(training) => trainer.adversarial(training),
            None => trainer,
        };
        trainer.fit(&mut network, train, None)?;
        let seconds = start.elapsed().as_secs_f64();
        let percent = |loss: netwright::train::BatchLoss| 100.0 * loss.accuracy().unwrap_or(0.0);
        let clean = percent(evaluate(&network, test, &CrossEntropy::new())?);
        let mut under = Vec::new();
        for epsilon in [0.1, 0.25] {
            let attack = Attack::fgsm(epsilon)?.range(0.0, 1.0)?;
            under.push(percent(evaluate_under(&network, test, &CrossEntropy::new(), &attack)?));
        }
        println!("{name:<23} {clean:>5.2} %  {:>6.2} %   {:>6.2} %   {seconds:.0} s", under[0], under[1]);
    }
    Ok(())
}
