//! The sheets of pictures that the example saves.

use netwright::see::{self, Feature, Maximisation, Occlusion, Picture, Projector, Sheet, Tones};
use netwright::train::{Attack, adversarial::attack, predicted_class};
use netwright::{BackwardRule, Error, Tensor};

use crate::{Digits, LeNet5};
use netwright::loss::CrossEntropy;

/// Digits are white on black.
const INK: Tones = Tones::Range(0.0, 1.0);

/// Returns the first digit of each of `classes`, with its label.
fn examples(digits: &Digits, classes: &[usize]) -> Vec<(Tensor<28, 28, 1>, usize)> {
    let first = |class: &usize| digits.iter().find(|(_, label)| *label == class).map(|(image, label)| (*image, *label));
    classes.iter().filter_map(first).collect()
}

/// Draws the filters of the first layer.
pub(crate) fn filters(network: &LeNet5) -> Result<Sheet, Error> {
    let filters = see::filters(network, "conv1")?;
    let most = filters.iter().flat_map(Picture::elements).fold(0.0_f32, |most, weight| most.max(weight.abs()));
    let tones = Tones::SignedTo(most);
    Ok(Sheet::new("The filters of conv1").columns(6).tones(tones).numbered(filters).legend(tones, "weight"))
}

/// Draws the feature maps of both convolutions for one digit.
pub(crate) fn feature_maps(network: &LeNet5, digits: &Digits) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new("A digit and its feature maps").columns(7);
    for (image, label) in examples(digits, &[5]) {
        sheet = sheet.tones(INK).add(Picture::from(&image), format!("the digit {label}"));
        for layer in ["conv1", "conv2"] {
            let maps = see::activations(network, &image, layer)?;
            sheet = sheet.tones(Tones::Range(0.0, maps.range().1));
            let named = |(map, picture)| (picture, format!("{layer}: {map}"));
            sheet = sheet.extend(maps.split().into_iter().enumerate().map(named));
        }
    }
    Ok(sheet)
}

/// Draws what excites the feature maps of the second convolution (slide 27).
pub(crate) fn projections(network: &LeNet5, digits: &Digits) -> Result<Sheet, Error> {
    see::feature_sheet(network, digits.inputs(), "conv2", &[0, 1, 2, 3, 4, 5], 4, INK)
}

/// Draws occlusion maps: the probability of the right digit while a square of the image is hidden.
pub(crate) fn occlusion(network: &LeNet5, digits: &Digits) -> Result<Sheet, Error> {
    // Yellow marks a low probability.
    let heat = Tones::Heat(1.0, 0.0);
    let mut sheet = Sheet::new("The probability of the right digit with a square of 7 x 7 pixels hidden").columns(3);
    for (image, label) in examples(digits, &[2, 4, 7, 9]) {
        let map = Occlusion::new(7)?.map(network, &image, label)?;
        let picture = Picture::from(&image);
        let over = picture.under(&map.answer, heat, 0.6)?;
        sheet = sheet.tones(INK).add(picture, format!("{label}: {:.1} %", 100.0 * map.whole));
        sheet = sheet.tones(heat).add(map.answer, "while hidden");
        sheet = sheet.tones(INK).add(over, "over the digit");
    }
    Ok(sheet.legend(heat, "probability of the right digit"))
}

/// Draws the saliency of each pixel for the right class, by the three backward rules.
pub(crate) fn saliency(network: &LeNet5, digits: &Digits) -> Result<Sheet, Error> {
    let mut projector = Projector::new(network);
    let mut sheet = Sheet::new("What speaks for the right digit (red) and against it (blue)").columns(4);
    for (image, label) in examples(digits, &[0, 3, 6, 8]) {
        sheet = sheet.tones(INK).add(Picture::from(&image), format!("{label}")).tones(Tones::Signed);
        let rules = [("gradient", BackwardRule::Gradient), ("deconvnet", BackwardRule::Deconvnet)];
        for (name, rule) in rules.into_iter().chain([("guided", BackwardRule::Guided)]) {
            sheet = sheet.add(projector.project(&image, &Feature::class(label), rule)?.picture, name);
        }
    }
    Ok(sheet)
}

/// Draws the images that maximise each class.
pub(crate) fn ideal_digits(network: &LeNet5, seed: u64) -> Result<Sheet, Error> {
    let settings = Maximisation::new().steps(60)?.rate(0.1)?.decay(0.02)?.blur(3, 0.8)?.jitter(1).range(0.0, 1.0)?;
    let mut sheet = Sheet::new("The ideal digits").columns(5).tones(Tones::Own);
    for digit in 0..10 {
        let found = settings.seed(seed).run(network, &Feature::class(digit))?;
        sheet = sheet.add(found.picture, format!("{digit}: {:.1}", found.value));
    }
    Ok(sheet)
}

/// Draws digits before and after an attack that a person hardly sees (slide 16).
pub(crate) fn adversarial(network: &LeNet5, digits: &Digits) -> Result<Sheet, Error> {
    let (images, labels): (Vec<_>, Vec<_>) = examples(digits, &[1, 3, 5, 8]).into_iter().unzip();
    let fgsm = Attack::fgsm(0.1)?.range(0.0, 1.0)?;
    let attacked = attack(network, &images, &labels, &CrossEntropy::new(), &fgsm)?;
    let mut sheet = Sheet::new("Fast gradient sign, ε = 0.1: the digit, what is added, the sum").columns(3);
    for (clean, changed) in images.iter().zip(&attacked) {
        let says = |image: &Tensor<28, 28, 1>| {
            let answer = network.predict(image);
            let digit = predicted_class(&answer);
            digit.map_or("no digit".to_owned(), |digit| format!("{digit} ({:.1} %)", 100.0 * answer[digit]))
        };
        let (before, after) = (Picture::from(clean), Picture::from(changed));
        let added = after.minus(&before)?;
        sheet = sheet.tones(INK).add(before, says(clean)).tones(Tones::SignedTo(0.1)).add(added, "");
        sheet = sheet.tones(INK).add(after, says(changed));
    }
    Ok(sheet.legend(Tones::SignedTo(0.1), "added to the pixel"))
}
