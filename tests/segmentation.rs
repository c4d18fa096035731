//! Labels of pixels in every supported type.

use netwright::prelude::*;
use netwright::train::augment::MixTarget;
use netwright::train::{Mixup, Target, predicted_classes};
use netwright::{Error, Tensor};

netwright::network! {
    Segments(4x4x1) { conv 3x3x4 same relu; conv 3x3x2 same; softmax }
    Yes(4x4x1) { conv 3x3x4 same relu; conv 3x3x1 same sigmoid }
    Wide(512x512x1) { conv 1x1x3; softmax }
}

fn images() -> Vec<Tensor<4, 4, 1>> {
    let number = |image: usize, y: usize, x: usize| ((image * 5 + y * 7 + x * 3) % 11) as f32 / 11.0;
    (0..12).map(|image| Tensor::from_fn(|y, x, _| number(image, y, x))).collect()
}

fn labels() -> Vec<[usize; 16]> {
    let bright = |image: &Tensor<4, 4, 1>, pixel: usize| usize::from(image.as_slice()[pixel] > 0.5);
    images().iter().map(|image| core::array::from_fn(|pixel| bright(image, pixel))).collect()
}

/// Trains a network; returns its weights, the last loss and the last accuracy.
fn trained<N, Y, L>(targets: Vec<Y>, loss: L, mixed: bool) -> Result<(Vec<f32>, f64, Option<f64>), Error>
where
    N: Network<Scalar = f32, Input = Tensor<4, 4, 1>>,
    Y: MixTarget,
    L: netwright::loss::Loss<N::Head, Y> + netwright::loss::Loss<N::Head, Y::Mixed>,
{
    let data = Dataset::new(images(), targets)?;
    let mut network = N::init(3);
    let trainer = Trainer::new().epochs(20)?.batch(5)?.seed(2).loss(loss).optimizer(Adam::new(0.02)?);
    let history = match mixed {
        true => trainer.mixup(Mixup::new(0.4)?).fit(&mut network, &data, Some(&data))?,
        false => trainer.fit(&mut network, &data, Some(&data))?,
    };
    let last = *history.last().expect("it has epochs");
    Ok((network.parameters().to_vec(), last.loss, last.validation_accuracy))
}

/// Asserts that labels of every type train to the same bits.
fn alike<N, L>(loss: L) -> Result<(), Error>
where
    N: Network<Scalar = f32, Input = Tensor<4, 4, 1>>,
    L: Copy
        + netwright::loss::Loss<N::Head, [usize; 16]>
        + netwright::loss::Loss<N::Head, [u8; 16]>
        + netwright::loss::Loss<N::Head, Vec<u16>>
        + netwright::loss::Loss<N::Head, [bool; 16]>
        + netwright::loss::Loss<N::Head, [netwright::train::MixedLabel; 16]>
        + netwright::loss::Loss<N::Head, Vec<netwright::train::MixedLabel>>,
{
    for mixed in [false, true] {
        let expected = trained::<N, _, L>(labels(), loss, mixed)?;
        assert!(expected.2 > Some(0.9), "{:?}", expected.2);
        let bytes = labels().into_iter().map(|labels| labels.map(|label| label as u8)).collect();
        assert!(trained::<N, [u8; 16], L>(bytes, loss, mixed)? == expected);
        let words = labels().into_iter().map(|labels| labels.map(|label| label as u16).to_vec()).collect();
        assert!(trained::<N, Vec<u16>, L>(words, loss, mixed)? == expected);
        let bits = labels().into_iter().map(|labels| labels.map(|label| label == 1)).collect();
        assert!(trained::<N, [bool; 16], L>(bits, loss, mixed)? == expected);
    }
    Ok(())
}

#[test]
fn labels_of_every_type_train_to_the_same_bits() -> Result<(), Error> {
    alike::<Segments, _>(CrossEntropy)?;
    alike::<Yes, _>(BinaryCrossEntropy)
}

#[test]
fn labels_of_another_size_are_refused_before_the_first_step() {
    let short = labels().iter().map(|labels| labels[..8].iter().map(|&label| label as u8).collect()).collect();
    let error = trained::<Segments, Vec<u8>, _>(short, CrossEntropy, false).unwrap_err().to_string();
    assert!(error.ends_with("8 elements, where 16 were expected"), "{error}");
    let error = trained::<Segments, Vec<u8>, _>(vec![vec![2; 16]; 12], CrossEntropy, false).unwrap_err();
    assert!(matches!(error, Error::Label { sample: 0, label: 2, classes: 2, .. }), "{error}");
}

#[test]
fn labels_of_many_pixels_are_trained_on_in_a_small_thread() {
    let small = std::thread::Builder::new().stack_size(512 << 10);
    let run = || -> Result<f64, Error> {
        let inputs = netwright::memory::zeros::<Tensor<512, 512, 1>>(2);
        let stripes: Vec<u8> = (0..512 * 512).map(|pixel| (pixel % 3) as u8).collect();
        let data = Dataset::new(inputs, vec![stripes.clone(), stripes])?;
        let mut network = Wide::init(1);
        let trainer = Trainer::new().epochs(1)?.batch(2)?.threads(1)?.loss(CrossEntropy).optimizer(Sgd::new(0.1)?);
        let loss = trainer.fit(&mut network, &data, None)?.last().map_or(f64::NAN, |last| last.loss);
        let answers = predict_all(&network, &data);
        let matrix = ConfusionMatrix::of(&answers, data.targets())?;
        assert_eq!((matrix.classes(), matrix.total(), matrix.none()), (3, 2 * 512 * 512, 0));
        assert_eq!(predicted_classes(answers[0].as_slice(), 3).count(), data.targets()[0].positions());
        Ok(loss)
    };
    let loss = small.spawn(run).unwrap().join().expect("no stack overflows").unwrap();
    // The mean over pixels, for equal probabilities of all classes.
    assert!((loss - 3.0_f64.ln()).abs() < 1e-4, "{loss}");
}
