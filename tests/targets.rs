//! Types of training targets.

use netwright::Error;
use netwright::loss::{Loss, MeanAbsoluteError};
use netwright::prelude::*;
use netwright::train::{Mixup, Target};

netwright::network! {
    Height(2) { dense 5 tanh; dense 1 }
    Chance(2) { dense 5 tanh; dense 1 sigmoid }
    Pair(2) { dense 2 }
}

/// Trains a network on targets with a loss; returns its weights, the last loss and the last accuracy.
fn trained<N, Y, L>(targets: Vec<Y>, loss: L, mixed: bool) -> Result<(Vec<f32>, f64, Option<f64>), Error>
where
    N: Network<Scalar = f32, Input = [f32; 2]>,
    Y: Target + netwright::train::augment::MixTarget<Mixed = Y>,
    L: Loss<N::Head, Y>,
{
    let inputs = (0..20).map(|i| [i as f32 / 20.0, (i * 7 % 20) as f32 / 20.0]).collect();
    let data = Dataset::new(inputs, targets)?;
    let mut network = N::init(3);
    let trainer = Trainer::new().epochs(30)?.batch(6)?.seed(1).loss(loss).optimizer(Adam::new(0.02)?);
    let history = match mixed {
        true => trainer.mixup(Mixup::new(0.3)?).fit(&mut network, &data, Some(&data))?,
        false => trainer.fit(&mut network, &data, Some(&data))?,
    };
    let last = *history.last().expect("it has epochs");
    Ok((network.parameters().to_vec(), last.loss, last.validation_accuracy))
}

#[test]
fn a_number_is_the_target_of_a_single_output_as_an_array_of_one_is() -> Result<(), Error> {
    let numbers: Vec<f32> = (0..20).map(|i| (i * i % 20) as f32 / 20.0).collect();
    let arrays: Vec<[f32; 1]> = numbers.iter().map(|&number| [number]).collect();
    let wide: Vec<f64> = numbers.iter().map(|&number| f64::from(number)).collect();
    for mixed in [false, true] {
        let expected = trained::<Height, _, _>(arrays.clone(), SquaredError, mixed)?;
        assert!(trained::<Height, _, _>(numbers.clone(), SquaredError, mixed)? == expected);
        let expected = trained::<Height, _, _>(arrays.clone(), MeanAbsoluteError, mixed)?;
        assert!(trained::<Height, _, _>(numbers.clone(), MeanAbsoluteError, mixed)? == expected);
        let expected = trained::<Chance, _, _>(arrays.clone(), BinaryCrossEntropy, mixed)?;
        assert!(trained::<Chance, _, _>(numbers.clone(), BinaryCrossEntropy, mixed)? == expected);
        assert!(expected.2.is_some(), "more than a half is a yes");
    }
    let expected = trained::<Chance, _, _>(arrays, BinaryCrossEntropy, false)?;
    assert!(trained::<Chance, _, _>(wide, BinaryCrossEntropy, false)? == expected);
    Ok(())
}

#[test]
fn a_number_is_no_target_of_two_outputs() {
    let error = trained::<Pair, _, _>(vec![0.5_f32; 20], SquaredError, false).unwrap_err().to_string();
    assert_eq!(error, "one target: 1 element, where 2 were expected");
    let error = trained::<Chance, _, _>(vec![1.5_f32; 20], BinaryCrossEntropy, false).unwrap_err();
    assert!(matches!(error, Error::Target { sample: 0, .. }), "{error}");
}
