//! User-defined metrics on the validation set: in the history, in files, in checkpoints, and watched by early stopping.

mod support;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use netwright_runtime::Error;
use netwright_runtime::network::Network;
use netwright_train::loss::CrossEntropy;
use netwright_train::optim::Sgd;
use netwright_train::train::metrics::{self, ConfusionMatrix, top_k};
use netwright_train::train::{Checkpoints, EarlyStopping, Ending, Run, Trainer, Validator, Watch, predict_all};
use support::{Spot, data};

fn trainer<'c>(epochs: u64) -> Trainer<'c, Spot, usize, CrossEntropy, Sgd> {
    let trainer =
        Trainer::new().epochs(epochs).unwrap().batch(16).unwrap().threads(2).unwrap().loss(CrossEntropy::new());
    trainer
        .optimizer(Sgd::new(0.05).unwrap())
        .metric("top-2", |answers, labels| top_k(answers, labels, 2))
        .unwrap()
        .metric("F1", |answers, labels| Ok(ConfusionMatrix::of(answers, labels)?.macro_f1()))
        .unwrap()
}

#[test]
fn metrics_stand_beside_loss_and_accuracy() {
    let (train, validation) = (data(60, 1), data(130, 2));
    let mut network = Spot::init(1);
    let mut heard = Vec::new();
    let history = trainer(3)
        .on_epoch(|report| {
            heard.push(report.history.metric("F1").unwrap().last().copied());
            assert_eq!(report.metric("F1").ok(), heard.last().copied().flatten());
            assert!(report.metric("f1").unwrap_err().to_string().ends_with("did you mean `F1`?"));
            ControlFlow::Continue(())
        })
        .fit(&mut network, &train, Some(&validation))
        .unwrap();
    let answers = predict_all::<_, usize, _>(&network, &validation);
    let matrix = ConfusionMatrix::of(&answers, validation.targets()).unwrap();
    assert_eq!(history.metric("F1").unwrap().last(), Some(&matrix.macro_f1()));
    assert_eq!(history.metric("top-2").unwrap().last(), top_k(&answers, validation.targets(), 2).ok().as_ref());
    assert_eq!((history.metric("F1").unwrap().len(), heard.len(), history.metric("recall")), (3, 3, None));
    assert_eq!(heard.last().unwrap().as_ref(), history.metric("F1").unwrap().last());
    let csv = history.to_csv();
    assert!(csv.lines().next().unwrap().ends_with(",seconds,top-2,F1"), "{csv}");
    assert!(csv.lines().all(|line| line.split(',').count() == 10), "{csv}");
    let line: serde_json::Value = serde_json::from_str(history.to_json_lines().lines().last().unwrap()).unwrap();
    assert_eq!(line["F1"].as_f64(), Some(matrix.macro_f1()));
}

#[test]
fn early_stopping_can_watch_a_metric() {
    let (train, validation) = (data(60, 1), data(30, 2));
    let run = |watch: Watch, values: [f64; 5]| {
        let call = Arc::new(AtomicU64::new(0));
        let mut after = Vec::new();
        let mut network = Spot::init(1);
        let history = trainer(5)
            .metric("scripted", move |answers, _| {
                // A single answer is the check before the first epoch.
                let epoch = if answers.len() == 1 { 0 } else { call.fetch_add(1, Ordering::Relaxed) };
                Ok(values[epoch as usize])
            })
            .unwrap()
            .early_stopping(EarlyStopping::new(2).unwrap().watch(watch))
            .on_epoch(|report| {
                after.push(report.network.parameters().to_vec());
                ControlFlow::Continue(())
            })
            .fit(&mut network, &train, Some(&validation))
            .unwrap();
        let best = after.iter().position(|parameters| parameters == network.parameters());
        (history.ending, history.epochs.len(), best)
    };
    assert_eq!(run(Watch::Highest("scripted"), [1.0, 3.0, 2.0, 2.5, 9.0]), (Ending::Early, 4, Some(1)));
    assert_eq!(run(Watch::Lowest("scripted"), [1.0, 3.0, 2.0, 2.5, 9.0]), (Ending::Early, 3, Some(0)));
}

#[test]
fn what_cannot_be_measured_is_refused_before_the_first_step() {
    let (train, validation) = (data(60, 1), data(30, 2));
    let mut network = Spot::init(1);
    let before = network.parameters().to_vec();
    let rules = EarlyStopping::new(2).unwrap().watch(Watch::Highest("recall"));
    let error = trainer(1).early_stopping(rules).fit(&mut network, &train, Some(&validation)).unwrap_err();
    assert!(
        matches!(&error, Error::UnknownMetric { metric: "recall", known, .. } if known == "loss, accuracy, top-2, F1"),
        "{error}"
    );
    let error = trainer(1).fit(&mut network, &train, None).unwrap_err();
    assert!(matches!(error, Error::NoValidation { setting: "a metric" }), "{error}");
    let failing = trainer(1).metric("broken", |_, _| Err(Error::other("out of ink"))).unwrap();
    let error = failing.fit(&mut network, &train, Some(&validation)).unwrap_err();
    assert!(matches!(error, Error::Other(_)) && error.to_string() == "out of ink");
    assert!(network.parameters() == before);
}

#[test]
fn two_metrics_of_one_name_are_refused_when_they_are_set() {
    for name in ["F1", "f1", "Top 2", "validation loss", "Rate", "epoch"] {
        let error = trainer(1).metric(name, metrics::accuracy).unwrap_err();
        assert!(matches!(&error, Error::MetricName { name: found, .. } if found == name), "{error}");
    }
    let validation = data(30, 2);
    let validator = Validator::<Spot, usize>::new(&validation).unwrap().metric("top-2", metrics::accuracy).unwrap();
    assert!(validator.metric("top_2", metrics::accuracy).is_err());
    let mut network = Spot::init(1);
    let run = Run::new(&mut network, Sgd::new(0.05).unwrap(), 1, 1).unwrap();
    assert!(matches!(run.metrics(["F1", "F1"]), Err(Error::MetricName { .. })));
}

#[test]
fn a_checkpoint_holds_them() {
    let (train, validation) = (data(60, 1), data(30, 2));
    let file = std::env::temp_dir().join(format!("netwright-metrics-{}", std::process::id()));
    let run = |epochs: u64, file: Option<&std::path::Path>| {
        let trainer = match file {
            Some(file) => trainer(epochs).checkpoints(Checkpoints::new(file).resume(true)),
            None => trainer(epochs),
        };
        trainer.fit(&mut Spot::init(1), &train, Some(&validation)).unwrap()
    };
    let whole = run(4, None);
    run(2, Some(&file));
    assert_eq!(run(4, Some(&file)).metrics, whole.metrics);
    let other = Trainer::new().batch(16).unwrap().loss(CrossEntropy::new()).optimizer(Sgd::new(0.05).unwrap());
    let other = other.checkpoints(Checkpoints::new(&file).resume(true));
    let error = other.fit(&mut Spot::init(1), &train, Some(&validation)).unwrap_err();
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(&error, Error::Resume { what: "the list of metrics", .. }), "{error}");
}
