//! Adversarial attacks: images that are changed so that a network errs (slide 16).

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
/// x ← x + α · sign(∇ₓJ(θ, x, y)), at most ε away from the original image in any element.
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
    /// Creates an attack of one step of ε.
    ///
    /// # Errors
    /// [`Error::Setting`] where ε is negative or not finite.
    pub fn fgsm(epsilon: f64) -> Result<Self, Error> {
        setting("epsilon", epsilon, epsilon >= 0.0, "at least 0")?;
        Ok(Self { epsilon, step: epsilon, iterations: 1, least: f64::NEG_INFINITY, most: f64::INFINITY })
    }

    /// Creates an attack of `iterations` steps of size `step`, each followed by a projection to within ε of the image.
    ///
    /// # Errors
    /// [`Error::Setting`] where ε is negative or not finite, the step is not greater than 0 (for ε = 0 it may be 0), or there are no
    /// iterations.
    pub fn pgd(epsilon: f64, step: f64, iterations: usize) -> Result<Self, Error> {
        let moves = step > 0.0 || (step == 0.0 && epsilon == 0.0);
        setting("step of the attack", step, moves, "more than 0")?;
        count_setting("iterations", iterations, iterations > 0, "at least 1")?;
        Ok(Self { step, iterations, ..Self::fgsm(epsilon)? })
    }

    /// Clamps elements to the range of an image, such as 0 to 1.
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

    /// Makes one step from `elements`, whose original values are `clean`.
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

/// Clamps a number. A NaN stays NaN, while `f64::max` would drop it.
fn within(number: f64, least: f64, most: f64) -> f64 {
    if number < least {
        least
    } else if number > most {
        most
    } else {
        number
    }
}

/// The number of images in one pass of an attack.
const IMAGES_PER_PASS: usize = 32;

/// Returns ∇ₓJ for each image: the gradient of its loss with respect to its elements, images contiguous. The network runs as in training,
/// with dropout drawn by `pass`, unless `pass` is frozen. Moving statistics stay unchanged.
///
/// # Errors
/// [`Error::Count`] where the numbers of targets and images differ; those of [`Loss::check`]; [`Error::Input`] where the gradient is NaN
/// or infinite because an image is, and [`Error::NotFinite`] where it is for another reason;
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
    let mut workspace = N::workspace(parts::largest(count, IMAGES_PER_PASS, fewest));
    let mut parameters = N::gradients();
    for index in 0..parts::count(count, IMAGES_PER_PASS, fewest) {
        let part = parts::part(count, IMAGES_PER_PASS, fewest, index);
        let gradient = &mut gradient[part.start * N::Input::LEN..part.end * N::Input::LEN];
        let (images, targets) = (&images[part.clone()], &targets[part.clone()]);
        let made = slopes(network, images, targets, loss, pass, &mut workspace, &mut parameters, gradient);
        made.map_err(|error| error.of_sample("the images", &|index| part.start + index))?;
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

/// Returns the images as `attack` changes them. The network runs as in prediction: without dropout, and with moving statistics.
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

/// Returns x + ε · sign(∇ₓJ) for each image (slide 16).
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

/// Computes loss and accuracy on samples that `attack` has changed: the adversarial accuracy. [`evaluate`](super::evaluate) uses the clean
/// samples.
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
    super::evaluate::check::<N, Y, L>(&samples, loss, samples.origin())?;
    let mut total = BatchLoss::default();
    for first in (0..samples.len()).step_by(IMAGES_PER_PASS) {
        let range = first..samples.len().min(first + IMAGES_PER_PASS);
        let images = copies(range.clone().map(|index| samples.input(index)));
        let targets = copies(range.map(|index| samples.target(index)));
        let changed = attack(network, &images, &targets, loss, under);
        let changed = changed.map_err(|error| error.of_sample(samples.origin(), &|index| first + index))?;
        let pairs = Pairs::new(&changed, &targets)?;
        total.add(&Evaluator::new(changed.len()).run(network, &pairs, loss, &Threads::default(), &mut []));
    }
    Ok(total)
}

/// Adversarial training: before each step, a share of the batch is attacked with the current weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdversarialTraining {
    pub(crate) attack: Attack,
    pub(crate) share: f64,
}

impl AdversarialTraining {
    /// Attacks half of the images of each batch.
    pub fn new(attack: Attack) -> Self {
        Self { attack, share: 0.5 }
    }

    /// Sets the share of attacked images, from 0 to 1; the images are drawn from the run's seed.
    ///
    /// # Errors
    /// [`Error::Setting`] for a share outside of 0 to 1.
    pub fn share(mut self, share: f64) -> Result<Self, Error> {
        self.share = setting("share of attacked images", share, (0.0..=1.0).contains(&share), "between 0 and 1")?;
        Ok(self)
    }
}
