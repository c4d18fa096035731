//! Mixup of a label for each position, as in segmentation.

use netwright::prelude::*;
use netwright::train::Mixup;
use netwright::{Error, Tensor};

netwright::network! { pub Segments(4x4x1) { conv 3x3x4 same relu; conv 3x3x2 same; softmax } }

#[test]
fn mixed_labels_of_pixels_train_as_the_same_distributions() -> Result<(), Error> {
    let number = |image: usize, y: usize, x: usize| ((image * 5 + y * 7 + x * 3) % 11) as f32 / 11.0;
    let images: Vec<Tensor<4, 4, 1>> = (0..12).map(|i| Tensor::from_fn(|y, x, _| number(i, y, x))).collect();
    let bright = |image: &Tensor<4, 4, 1>, pixel: usize| usize::from(image.as_slice()[pixel] > 0.5);
    let labels: Vec<[usize; 16]> =
        images.iter().map(|image| core::array::from_fn(|pixel| bright(image, pixel))).collect();
    let shares: Vec<Tensor<4, 4, 2, f64>> = labels
        .iter()
        .map(|labels| Tensor::from_fn(|y, x, class| f64::from(u8::from(labels[4 * y + x] == class))))
        .collect();
    let (by_labels, by_shares) = (Dataset::new(images.clone(), labels)?, Dataset::new(images, shares)?);

    let loss = CrossEntropy::new().label_smoothing(0.1)?;
    let mut networks = [Segments::init(3), Segments::init(3)];
    let trainer = Trainer::new().epochs(20)?.batch(5)?.seed(2).loss(loss).optimizer(Adam::new(0.02)?);
    let history = trainer.mixup(Mixup::new(0.4)?).fit(&mut networks[0], &by_labels, Some(&by_labels))?;
    let trainer = Trainer::new().epochs(20)?.batch(5)?.seed(2).loss(loss).optimizer(Adam::new(0.02)?);
    let expected = trainer.mixup(Mixup::new(0.4)?).fit(&mut networks[1], &by_shares, None)?;

    assert!(networks[0].parameters() == networks[1].parameters());
    let last = history.last().expect("it has epochs");
    assert_eq!(Some(last.loss), expected.last().map(|record| record.loss));
    assert!(last.validation_accuracy > Some(0.9) && last.accuracy < last.validation_accuracy, "{last:?}");
    Ok(())
}
