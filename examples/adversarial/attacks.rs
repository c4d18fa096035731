//! A small convolutional network, and adversarial attacks on the digits that it classifies.

use netwright::prelude::*;
use netwright::random::Random;
use netwright::see::{Picture, Sheet, Tones};
use netwright::train::adversarial::{self, AdversarialTraining, Attack};
use netwright::train::{evaluate, predicted_class};
use netwright::{Error, Sample};

netwright::network! {
    /// A classifier of digits of 16x16 pixels.
    pub Reader(16x16x1) { conv 3x3x8 same relu; maxpool 2; conv 3x3x16 same relu; maxpool 2; dense 32 relu; softmax 10 }
}

pub(crate) type Digits = Dataset<Tensor<16, 16, 1>>;

/// Trains on clean digits or, with `epsilon`, with half of each batch attacked by the fast gradient sign method with this ε.
pub(crate) fn trained(train: &Digits, epochs: u64, seed: u64, epsilon: Option<f64>) -> Result<Reader, Error> {
    let mut network = Reader::init(seed);
    let mut trainer = Trainer::new()
        .epochs(epochs)?
        .batch(32)?
        .seed(seed)
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.02)?.momentum(0.9)?)
        .progress(false);
    if let Some(epsilon) = epsilon {
        trainer = trainer.adversarial(AdversarialTraining::new(fgsm(epsilon)?));
    }
    trainer.fit(&mut network, train, None)?;
    Ok(network)
}

/// The fast gradient sign method: one step of ε, clamped to the range of a pixel.
pub(crate) fn fgsm(epsilon: f64) -> Result<Attack, Error> {
    Attack::fgsm(epsilon)?.range(0.0, 1.0)
}

/// Projected gradient descent: ten steps of ε/4 that stay within a distance of ε.
pub(crate) fn pgd(epsilon: f64) -> Result<Attack, Error> {
    Attack::pgd(epsilon, epsilon / 4.0, 10)?.range(0.0, 1.0)
}

/// Returns the accuracy on clean digits.
pub(crate) fn clean(network: &Reader, digits: &Digits) -> Result<f64, Error> {
    Ok(evaluate(network, digits, &CrossEntropy::new())?.accuracy().unwrap_or(f64::NAN))
}

/// Returns the accuracy on attacked digits.
pub(crate) fn under(network: &Reader, digits: &Digits, attack: &Attack) -> Result<f64, Error> {
    let loss = adversarial::evaluate_under(network, digits, &CrossEntropy::new(), attack)?;
    Ok(loss.accuracy().unwrap_or(f64::NAN))
}

/// Returns the accuracy where each pixel moves by ε up or down at random: as far as under the fast gradient sign method, but without its direction.
pub(crate) fn under_noise(network: &Reader, digits: &Digits, epsilon: f32, seed: u64) -> Result<f64, Error> {
    let mut random = Random::new(seed);
    let mut noisy = digits.clone();
    for image in noisy.inputs_mut() {
        for pixel in image.as_mut_slice() {
            let sign = if random.below(2) == 0 { -epsilon } else { epsilon };
            *pixel = (*pixel + sign).clamp(0.0, 1.0);
        }
    }
    clean(network, &noisy)
}

/// Returns the largest change that an attack makes to a pixel.
pub(crate) fn largest_change(network: &Reader, digits: &Digits, attack: &Attack) -> Result<f32, Error> {
    let loss = CrossEntropy::new();
    let changed = adversarial::attack(network, digits.inputs(), digits.targets(), &loss, attack)?;
    let pairs = Sample::many(digits.inputs()).iter().zip(Sample::many(&changed));
    Ok(pairs.map(|(before, after): (&f32, &f32)| (after - before).abs()).fold(0.0, f32::max))
}

/// Draws `count` digits that the network classifies correctly until they are attacked: each digit, the perturbation and their sum, with the
/// network's predictions.
pub(crate) fn pictures(network: &Reader, digits: &Digits, epsilon: f64, count: usize) -> Result<Sheet, Error> {
    let (loss, attack) = (CrossEntropy::new(), fgsm(epsilon)?);
    let says = |image: &Tensor<16, 16, 1>| {
        let answer = network.predict(image);
        let digit = predicted_class(&answer);
        (digit, digit.map_or("no digit".to_owned(), |digit| format!("{digit} ({:.1} %)", 100.0 * answer[digit])))
    };
    let (ink, added) = (Tones::Range(0.0, 1.0), Tones::SignedTo(epsilon as f32));
    let mut sheet = Sheet::new(format!("digit, ε · sign(∇ₓJ) with ε = {epsilon}, sum")).columns(3);
    let mut shown = 0;
    for (image, label) in digits.iter() {
        let changed = adversarial::attack(network, &[*image], &[*label], &loss, &attack)?;
        let ((before, clean), (after, attacked)) = (says(image), says(&changed[0]));
        if before == Some(*label) && after != before && shown < count {
            let (picture, sum) = (Picture::from(image), Picture::from(&changed[0]));
            let difference = sum.minus(&picture)?;
            sheet = sheet.tones(ink).add(picture, clean).tones(added).add(difference, "");
            sheet = sheet.tones(ink).add(sum, attacked);
            shown += 1;
        }
    }
    Ok(sheet.legend(added, "added to the pixel"))
}
