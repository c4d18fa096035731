//! The same training run twice: by a hand-written loop over the parts of the `Trainer`, and by the `Trainer` itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use netwright::optim::clip_by_global_norm;
use netwright::train::{Ending, GradientEngine, History, Loader, Preparation, Run, RunFolder, Trainer, Validator};
use netwright::{Error, Pass};

use super::settings::{
    BATCH, DigitNet, Digits, EPOCHS, MAX_GRADIENT_NORM, SEED, augmentation, checkpoints, early_stopping, loss, mixup,
    optimizer, schedule, top_3,
};

/// Trains in a hand-written loop. It ends after the step in which `stop` becomes true, and resumes from the checkpoint in `folder` if there is one.
pub(crate) fn train_by_hand(
    network: &mut DigitNet,
    [train, validation]: [&Digits; 2],
    threads: usize,
    folder: &RunFolder,
    stop: &AtomicBool,
) -> Result<History, Error> {
    let loss = loss()?;
    let mut engine = GradientEngine::<DigitNet>::new(BATCH, threads)?;
    let preparation = Preparation::new(SEED).augment(augmentation()?).mixup(mixup()?);
    let mut loader = Loader::new(train, BATCH, preparation)?.threads(engine.threads());
    let mut validator = Validator::new(validation)?.metric("top-3", top_3)?;
    let checkpoints = checkpoints(folder)?;
    let stopping = early_stopping()?;
    let mut run = Run::new(network, optimizer()?, EPOCHS, loader.steps_per_epoch())?
        .schedule(schedule()?)
        .early_stopping(stopping)
        .metrics(validator.names())?;
    // A run resumes from a checkpoint only with the same settings. The parts do not know these two, so they are added here.
    let mut identity = loader.identity();
    identity.settings =
        identity.settings.with("the loss", format!("{loss:?}")).with("the clipping norm", MAX_GRADIENT_NORM);
    checkpoints.resume_run(&identity, &mut run)?;

    run.history.ending = 'training: loop {
        if run.is_over() {
            break Ending::Early;
        }
        if run.position.epoch == run.epochs {
            break Ending::Finished;
        }
        let start = Instant::now();
        loader.begin(run.position.epoch, run.position.batch);
        // While a step runs, the loader prepares the next batch.
        while let Some(made) = loader.step(|batch| {
            let pass = Pass { seed: SEED, step: run.position.step, ..Pass::default() };
            let made = engine.gradient(run.network, batch.inputs(), batch.targets(), &loss, pass);
            let made = made.map_err(|error| run.with_checkpoint(batch.name_sample(error)))?;
            clip_by_global_norm(engine.gradients_mut().as_mut_slice(), MAX_GRADIENT_NORM)?;
            run.step(made, engine.gradients())
        })? {
            made?;
            if stopping.is_due_after_step(run.position.step) {
                let found = validator.measure(run.network, &loss, engine.threads())?;
                if run.watch(&found) {
                    break 'training Ending::Early;
                }
            }
            if stop.load(Ordering::Relaxed) {
                break 'training Ending::Interrupted;
            }
            if checkpoints.is_due_after_step(run.position.step) {
                checkpoints.save(&identity, &mut run)?;
            }
        }
        let found = validator.measure(run.network, &loss, engine.threads())?;
        run.end_epoch(Some(&found), start.elapsed())?;
        folder.write(&run.history)?;
        if checkpoints.is_due_after_epoch(run.position.epoch) {
            checkpoints.save(&identity, &mut run)?;
        }
    };
    checkpoints.save(&identity, &mut run)?;
    run.restore_best();
    Ok(run.history)
}

/// Trains by the `Trainer` with the same settings.
pub(crate) fn train_by_trainer(
    network: &mut DigitNet,
    [train, validation]: [&Digits; 2],
    threads: usize,
    folder: &RunFolder,
    stop: &Arc<AtomicBool>,
) -> Result<History, Error> {
    Trainer::new()
        .epochs(EPOCHS)?
        .batch(BATCH)?
        .seed(SEED)
        .threads(threads)?
        .loss(loss()?)
        .optimizer(optimizer()?.clip_norm(MAX_GRADIENT_NORM)?)
        .schedule(schedule()?)
        .augment(augmentation()?)
        .mixup(mixup()?)
        .metric("top-3", top_3)?
        .early_stopping(early_stopping()?)
        .checkpoints(checkpoints(folder)?)
        .callback(folder.clone())
        .interrupt(Arc::clone(stop))
        .fit(network, train, Some(validation))
}
