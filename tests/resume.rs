//! A checkpoint belongs to one network and its settings; the shapes of the tensors are not enough to recognise it.

use netwright::Error;
use netwright::prelude::*;
use netwright::schedule::{Cosine, ReduceOnPlateau};
use netwright::train::{AdversarialTraining, Attack};

mod before {
    netwright::network! { pub Net(4) { dense 5 tanh; dropout 0.5; softmax 2 } }
}
mod activation {
    netwright::network! { pub Net(4) { dense 5 relu; dropout 0.5; softmax 2 } }
}
mod shorter {
    netwright::network! { pub Net(4) { dense 5 tanh; softmax 2 } }
}
mod wider {
    netwright::network! { pub Net(4) { dense 6 tanh; dropout 0.5; softmax 2 } }
}

mod frozen {
    netwright::network! { pub Net(4) { dense 5 tanh frozen; dropout 0.5; softmax 2 } }
}

type Trained<'c, N> = Trainer<'c, N, usize, CrossEntropy, Sgd>;

#[test]
fn changed_layers_and_settings_are_refused_and_the_first_is_named() -> Result<(), Error> {
    let file = std::env::temp_dir().join(format!("netwright-other-layers-{}", std::process::id()));
    let data: Dataset<[f32; 4]> = Dataset::from_pairs([([0.0, 1.0, 2.0, 3.0], 0), ([3.0, 2.0, 1.0, 0.0], 1)])?;
    fn refused<N>(data: &Dataset<[f32; 4]>, file: &std::path::Path, change: fn(Trained<N>) -> Trained<N>) -> Error
    where
        N: Network<Scalar = f32, Head = netwright::head::Softmax, Input = [f32; 4]>,
    {
        let trainer = || Ok(Trainer::new().epochs(2)?.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1)?));
        let checkpoints = Checkpoints::new(file).resume(true);
        let mut network = N::init(7);
        let error =
            trainer().and_then(|t| change(t).checkpoints(checkpoints).fit(&mut network, data, None)).unwrap_err();
        assert!(network.parameters() == N::init(7).parameters(), "{error}");
        error
    }

    let trainer = Trainer::new().epochs(1)?.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1)?);
    trainer.checkpoints(Checkpoints::new(&file)).fit(&mut before::Net::init(1), &data, None)?;
    let said = |error: Error| match error {
        Error::Changed { name, before, now, .. } => format!("{name} was {before}, and is {now} now"),
        error => error.to_string(),
    };
    assert_eq!(
        said(refused::<activation::Net>(&data, &file, |trainer| trainer)),
        "a layer was `dense 5 tanh`, and is `dense 5 relu` now"
    );
    assert_eq!(
        said(refused::<frozen::Net>(&data, &file, |trainer| trainer)),
        "a layer was `dense 5 tanh`, and is `dense 5 tanh frozen` now"
    );
    let freezing = said(refused::<before::Net>(&data, &file, |t| t.optimizer(Sgd::new(0.1).unwrap().freeze("dense1"))));
    assert!(freezing.starts_with("the freezing of `dense1` was "), "{freezing}");
    assert_eq!(
        said(refused::<shorter::Net>(&data, &file, |trainer| trainer)),
        "a layer was `dropout 0.5`, and is `softmax 2` now"
    );
    assert_eq!(
        said(refused::<before::Net>(&data, &file, |t| t.schedule(ReduceOnPlateau::new(0.5, 1).unwrap()))),
        "the schedule was Constant, and is ReduceOnPlateau { gamma: 0.5, patience: 1, min_delta: 0.0, least: 0.0 } now"
    );
    let rate = said(refused::<before::Net>(&data, &file, |t| t.optimizer(Sgd::new(0.02).unwrap())));
    assert_eq!(rate, "the learning rate was 0.1, and is 0.02 now");
    let penalty = said(refused::<before::Net>(&data, &file, |t| {
        t.optimizer(Sgd::new(0.1).unwrap().l2(0.01).unwrap().l2_for("dense1", 0.5).unwrap().clip_norm(2.0).unwrap())
    }));
    assert_eq!(penalty, "the l2 was none, and is 0.01 now");
    let smoothing =
        said(refused::<before::Net>(&data, &file, |t| t.loss(CrossEntropy::new().label_smoothing(0.1).unwrap())));
    assert_eq!(
        smoothing,
        "the loss was CrossEntropy { smoothing: 0.0, reduction: Mean }, and is CrossEntropy { smoothing: 0.1, reduction: Mean } now"
    );
    let augmentation = said(refused::<before::Net>(&data, &file, |t| {
        t.augment(|source: &[f32; 4], copy: &mut [f32; 4], _: &mut netwright::random::Random| *copy = *source)
    }));
    assert_eq!(augmentation, "the augmentation was none, and is one of its own now");
    let attack = said(refused::<before::Net>(&data, &file, |t| {
        t.adversarial(AdversarialTraining::new(Attack::fgsm(0.1).unwrap()))
    }));
    assert!(attack.starts_with("adversarial training was none, and is AdversarialTraining { attack: "), "{attack}");
    let error = refused::<wider::Net>(&data, &file, |trainer| trainer);
    assert!(matches!(&error, Error::Weights { differences, .. } if differences.len() == 3), "{error}");
    let error = refused::<before::Net>(&data, &file, |t| t.optimizer(Sgd::new(0.02).unwrap()));
    assert!(error.to_string().ends_with("(`Checkpoints::allow_changes(true)` goes on with it)"), "{error}");
    std::fs::remove_file(file).ok();
    Ok(())
}

#[test]
fn allowed_changes_resume_from_the_weights_and_the_position_in_the_run() -> Result<(), Error> {
    let file = std::env::temp_dir().join(format!("netwright-allowed-changes-{}", std::process::id()));
    let data: Dataset<[f32; 4]> = Dataset::from_pairs([([0.0, 1.0, 2.0, 3.0], 0), ([3.0, 2.0, 1.0, 0.0], 1)])?;
    let rates = |epochs, rate| -> Result<Vec<f64>, Error> {
        let checkpoints = Checkpoints::new(&file).resume(true).allow_changes(true);
        let trainer = Trainer::new().epochs(epochs)?.loss(CrossEntropy::new()).optimizer(Sgd::new(rate)?);
        let trainer = trainer.schedule(ReduceOnPlateau::new(0.5, epochs)?).checkpoints(checkpoints);
        let history = trainer.fit(&mut before::Net::init(1), &data, None)?;
        Ok(history.epochs.iter().map(|record| record.rate).collect())
    };
    assert_eq!(rates(1, 0.1)?, [0.1]);
    assert_eq!(rates(3, 0.02)?, [0.1, 0.02, 0.02]);

    let cosine = |epochs, allow| -> Result<usize, Error> {
        let file = file.with_extension("cosine");
        let checkpoints = Checkpoints::new(&file).resume(true).allow_changes(allow);
        let trainer = Trainer::new().epochs(epochs)?.loss(CrossEntropy).optimizer(Sgd::new(0.1)?).schedule(Cosine);
        Ok(trainer.checkpoints(checkpoints).fit(&mut before::Net::init(1), &data, None)?.epochs.len())
    };
    assert_eq!(cosine(2, false)?, 2);
    let error = cosine(4, false).unwrap_err().to_string();
    assert!(error.contains("the schedule was for a run of 2 epochs, and is for a run of 4 epochs now"), "{error}");
    assert_eq!(cosine(4, true)?, 4);
    std::fs::remove_file(file.with_extension("cosine")).ok();

    let trainer = Trainer::new().epochs(4)?.loss(CrossEntropy::new()).optimizer(Sgd::new(0.02)?);
    let checkpoints = Checkpoints::new(&file).resume(true).allow_changes(true);
    let history = trainer.checkpoints(checkpoints).fit(&mut activation::Net::init(1), &data, None)?;
    assert_eq!(history.epochs.len(), 4);
    std::fs::remove_file(file).ok();
    Ok(())
}
