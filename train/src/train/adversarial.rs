//! Images changed so that a network errs (slide 16).

use super::batch_loss::BatchLoss;
use super::evaluate::Evaluator;
use super::finite::{broken_forward, broken_input};
use super::parts;
use super::samples::{Pairs, Samples};
use super::target::Target;
use crate::architecture::Architecture;
use crate::error::{Error, count_setting, setting};
use crate::loss::Loss;
use crate::memory::copies;
use crate::network::Network;
use crate::network::TrainingWorkspace;
use crate::once::Once;
use crate::pass::Pass;
use crate::scalar::{Precision, Scalar};
use crate::tensor::{Output, Sample};
use crate::threads::Threads;

/// An attack on images: steps along the sign of the gradient of the loss with respect to the image,
/// x ← x + α · sign(∇ₓJ(θ, x, y)), never further than ε from the image in any element.
///
/// [`Attack::fgsm`] is the fast gradient sign method of the lecture (slide 16; Goodfellow et al., 2015), one step of ε;
/// [`Attack::pgd`] the iterated form, projected gradient descent (Madry et al., 2018).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attack {
    epsilon: f64,
    step: f64,
    iterations: usize,
    least: f64,
    most: f64,
}

impl Attack {
    /// One step of ε.
    ///
    /// # Errors
    /// [`Error::Setting`] where ε is negative or no number.
    pub fn fgsm(epsilon: f64) -> Result<Self, Error> {
        setting("epsilon", epsilon, epsilon >= 0.0, "at least 0")?;
        Ok(Self { epsilon, step: epsilon, iterations: 1, least: f64::NEG_INFINITY, most: f64::INFINITY })
    }

    /// `iterations` steps of `step`, each followed by a return to within ε of the image.
    ///
    /// # Errors
    /// [`Error::Setting`] where ε is negative or no number, the step is not more than 0 (for an ε of 0 it may be 0), or there are no
    /// iterations.
    pub fn pgd(epsilon: f64, step: f64, iterations: usize) -> Result<Self, Error> {
        let moves = step > 0.0 || (step == 0.0 && epsilon == 0.0);
        setting("step of the attack", step, moves, "more than 0")?;
        count_setting("iterations", iterations, iterations > 0, "at least 1")?;
        Ok(Self { step, iterations, ..Self::fgsm(epsilon)? })
    }

    /// Keeps elements between the least and the most that an image can have, such as 0 and 1.
    ///
    /// # Errors
    /// [`Error::Setting`] where `least` is not below `most`.
    pub fn range(mut self, least: f64, most: f64) -> Result<Self, Error> {
        setting("least number of an image", least, least < most, "below the most")?;
        (self.least, self.most) = (least, most);
        Ok(self)
    }

    pub(crate) fn iterations(&self) -> usize {
        self.iterations
    }

    /// One step of `elements`, which began as `clean`.
    pub(crate) fn advance<T: Precision>(&self, clean: &[T], elements: &mut [T], gradient: &[T]) {
        for ((element, clean), slope) in elements.iter_mut().zip(clean).zip(gradient) {
            let (clean, slope) = (clean.to_f64(), slope.to_f64());
            let sign = if slope > 0.0 {
                1.0
            } else if slope < 0.0 {
                -1.0
            } else {
                0.0
            };
            let moved = element.to_f64() + self.step * sign;
            let near = within(moved, clean - self.epsilon, clean + self.epsilon);
            *element = T::from_f64(within(near, self.least, self.most));
        }
    }
}

/// The number between two others that is nearest. A NaN stays one, where `f64::max` would lose it.
fn within(number: f64, least: f64, most: f64) -> f64 {
    if number < least {
        least
    } else if number > most {
        most
    } else {
        number
    }
}

/// Images that one pass of an attack takes together.
const TOGETHER: usize = 32;

/// ∇ₓJ for each image: the gradient of its loss with respect to its elements, images contiguous. As in training, unless
/// `pass` is frozen: where the network drops units, it does so by `pass`. Moving statistics stay as they are.
///
/// # Errors
/// [`Error::Count`] where there are not as many targets as images; those of [`Loss::check`]; [`Error::Input`] and [`Error::NotFinite`]
/// where the gradient is NaN or infinite, because an image is or something that the network computes from it;
/// [`PassError::OneValue`](crate::pass::PassError::OneValue) for one image where the network needs two, unless `pass` is frozen.
pub fn input_gradient<N, Y, L>(
    network: &N,
    images: &[N::Input],
    targets: &[Y],
    loss: &L,
    pass: Pass,
) -> Result<Vec<N::Scalar>, Error>
where
    N: Network,
    Y: Target,
    L: Loss<N::Head, Y>,
{
    let images = Pairs::new(images, targets)?.inputs();
    loss.check(N::OUTPUT, targets, "the images")?;
    let mut gradient = vec![N::Scalar::ZERO; images.len() * N::Input::LEN];
    let (count, fewest) = (images.len(), N::FEWEST_IMAGES);
    let mut workspace = N::workspace(parts::largest(count, TOGETHER, fewest));
    let mut parameters = N::gradients();
    for place in 0..parts::count(count, TOGETHER, fewest) {
        let part = parts::part(count, TOGETHER, fewest, place);
        let gradient = &mut gradient[part.start * N::Input::LEN..part.end * N::Input::LEN];
        let (images, targets) = (&images[part.clone()], &targets[part.clone()]);
        let made = slopes(network, images, targets, loss, pass, &mut workspace, &mut parameters, gradient);
        made.map_err(|error| error.of_sample("the images", &|place| part.start + place))?;
    }
    Ok(gradient)
}

#[allow(clippy::too_many_arguments)]
fn slopes<N: Network, Y: Target, L: Loss<N::Head, Y>>(
    network: &N,
    images: &[N::Input],
    targets: &[Y],
    loss: &L,
    pass: Pass,
    workspace: &mut TrainingWorkspace<N>,
    parameters: &mut crate::network::Gradients<N>,
    gradient: &mut [<N as Architecture>::Scalar],
) -> Result<(), Error> {
    let (mut statistics, pass) = (network.statistics().to_vec(), pass.or_isa(network.weights_ref().isa()));
    workspace.forward(pass, network.parameters(), &mut statistics, images)?;
    let (values, seed) = workspace.loss_operands(L::SEED);
    loss.evaluate(values, targets, N::Scalar::ONE, seed);
    workspace.backward(pass, L::SEED, network.parameters(), images, parameters, gradient)?;
    if N::Scalar::all_finite(gradient) {
        return Ok(());
    }
    if let Some(sample) = broken_input(images) {
        return Err(Error::Input { origin: "the images".to_owned(), sample });
    }
    let origin = broken_forward(pass, images, network.parameters(), &mut statistics, workspace)?;
    Err(Error::NotFinite { step: pass.step, origin, checkpoint: None })
}

/// The images as `attack` changes them against `network` as it predicts: without dropout, and with moving statistics.
///
/// # Errors
/// As [`input_gradient`].
pub fn attack<N, Y, L>(
    network: &N,
    images: &[N::Input],
    targets: &[Y],
    loss: &L,
    attack: &Attack,
) -> Result<Vec<N::Input>, Error>
where
    N: Network,
    N::Input: Output<N::Scalar>,
    Y: Target,
    L: Loss<N::Head, Y>,
{
    let mut changed = copies(images);
    for _ in 0..attack.iterations {
        let gradient = input_gradient(network, &changed, targets, loss, Pass { frozen: true, ..Pass::default() })?;
        attack.advance(Sample::many(images), Output::many_mut(&mut changed), &gradient);
    }
    Ok(changed)
}

/// x + ε · sign(∇ₓJ) for each image (slide 16).
///
/// # Errors
/// As [`input_gradient`], and [`Error::Setting`] for a negative ε.
pub fn fgsm<N, Y, L>(
    network: &N,
    images: &[N::Input],
    targets: &[Y],
    loss: &L,
    epsilon: f64,
) -> Result<Vec<N::Input>, Error>
where
    N: Network,
    N::Input: Output<N::Scalar>,
    Y: Target,
    L: Loss<N::Head, Y>,
{
    attack(network, images, targets, loss, &Attack::fgsm(epsilon)?)
}

/// Loss and accuracy on the samples as `attack` changes them: beside [`evaluate`](super::evaluate), the adversarial accuracy.
///
/// # Errors
/// As [`input_gradient`]; [`Error::Empty`] without samples.
pub fn evaluate_under<N, Y, S, L>(network: &N, samples: &S, loss: &L, under: &Attack) -> Result<BatchLoss, Error>
where
    N: Network,
    N::Input: Output<N::Scalar>,
    Y: Target,
    S: Samples<N::Input, Y> + ?Sized,
    L: Loss<N::Head, Y>,
{
    super::evaluate::check::<N, Y, L>(&samples, loss)?;
    let mut total = BatchLoss::default();
    for first in (0..samples.len()).step_by(TOGETHER) {
        let range = first..samples.len().min(first + TOGETHER);
        let images = copies(range.clone().map(|index| samples.input(index)));
        let targets = copies(range.map(|index| samples.target(index)));
        let changed = attack(network, &images, &targets, loss, under);
        let changed = changed.map_err(|error| error.of_sample(samples.origin(), &|place| first + place))?;
        let pairs = Pairs::new(&changed, &targets)?;
        total.add(&Evaluator::new(changed.len()).run(network, &pairs, loss, &Threads::default(), &mut []));
    }
    Ok(total)
}

/// Adversarial training: a share of every batch is attacked, with the weights as they are at that step, before it is trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdversarialTraining {
    pub(crate) attack: Attack,
    pub(crate) share: f64,
}

impl AdversarialTraining {
    /// Attacks half of the images.
    pub fn new(attack: Attack) -> Self {
        Self { attack, share: 0.5 }
    }

    /// Attacks this share of the images, from 0 to 1; which ones is drawn from the run's seed.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it lies between 0 and 1.
    pub fn share(mut self, share: f64) -> Result<Self, Error> {
        self.share = setting("share of attacked images", share, (0.0..=1.0).contains(&share), "between 0 and 1")?;
        Ok(self)
    }
}
