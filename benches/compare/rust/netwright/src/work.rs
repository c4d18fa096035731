//! Predicting and training with netwright.

use netwright::loss::{CrossEntropy, Loss};
use netwright::memory::values_from;
use netwright::optim::Sgd;
use netwright::train::{GradientEngine, Update};
use netwright::{Network, Output, Pass, Sample};
use speak::{Failure, Job, LOSSES, RATE};

use crate::models::transposed;

/// Computes the logits of one image.
pub(crate) fn logits<N: Network<Scalar = f32>>(network: &N, image: &[f32]) -> Result<Vec<f32>, Failure> {
    let images: Vec<N::Input> = values_from(image.to_vec())?;
    let (mut answers, mut logits) = (vec![N::Output::zeros()], vec![N::Output::zeros()]);
    network.predict_with_logits(&images, &mut answers, &mut logits);
    Ok(logits[0].elements().to_vec())
}

/// Loads the network and the images of a job.
fn load<N: Network<Scalar = f32>>(job: &Job) -> Result<(N, Vec<N::Input>), Failure> {
    let mut network = N::init(1);
    let weights = speak::read(&job.folder.join("weights.f32"))?;
    let (parameters, statistics) = weights.split_at(N::PARAMETERS);
    network.parameters_mut().copy_from_slice(parameters);
    network.statistics_mut().copy_from_slice(statistics);
    network.set_threads(job.threads)?;
    Ok((network, values_from(transposed(N::INPUT, &job.images()?, false))?))
}

/// Predicts the images of a job.
pub(crate) fn predict<N: Network<Scalar = f32>>(job: &Job) -> Result<(), Failure> {
    let (network, images) = load::<N>(job)?;
    let mut answers = network.predict_batch(&images);
    let first: Vec<f32> = answers.iter().flat_map(|answer| answer.elements()).copied().collect();
    job.serve(&first, || network.predict_batch_into(&images, &mut answers))
}

/// Runs steps of plain gradient descent.
pub(crate) fn train<N: Network<Scalar = f32>>(job: &Job) -> Result<(), Failure>
where
    CrossEntropy: Loss<N::Head, usize>,
{
    let (mut network, images) = load::<N>(job)?;
    let labels = job.labels()?;
    let mut engine = GradientEngine::<N>::new(job.batch, job.threads)?;
    let mut optimizer = Sgd::new(RATE)?;
    let mut step = || -> Result<f64, Failure> {
        let update = Update { optimizer: &mut optimizer, rate: RATE };
        Ok(engine.step(&mut network, &images, &labels, &CrossEntropy, Pass::default(), update)?.mean())
    };
    let losses = (0..LOSSES).map(|_| step().map(|loss| loss as f32)).collect::<Result<Vec<_>, _>>()?;
    job.serve(&losses, || {
        step().expect("a step like those before");
    })
}
