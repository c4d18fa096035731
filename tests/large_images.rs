//! Nothing that grows with an image is on the stack: every operation runs in threads with a stack of 512 KiB, on images of 12 MiB with a
//! label for each pixel. This holds in builds without optimisation, and so in every build.

use std::thread;

use netwright::data::{Images, Normalization};
use netwright::loss::{MeanAbsoluteError, SquaredError};
use netwright::memory::{boxed_zeros, copies, values_from, zeros};
use netwright::prelude::*;
use netwright::see::{
    Feature, Maximisation, Occlusion, Sheet, Tones, activations, feature_sheet, projection, strongest,
};
use netwright::train::adversarial::{attack, evaluate_under, fgsm};
use netwright::train::augment::MixTarget;
use netwright::train::statistics::StatisticsRecorder;
use netwright::train::{AdversarialTraining, Attack, Ensemble, Loader, Mixup, Preparation, Samples, Stream, metrics};
use netwright::{BackwardRule, Error, Predictor, network};

const SIDE: usize = 1024;
const PIXELS: usize = SIDE * SIDE;

type Image = Tensor<SIDE, SIDE, 3>;
type Labels = [usize; PIXELS];
type Set = Dataset<Image, Labels>;

network! {
    /// A label for each pixel.
    Pixels(1024x1024x3) { conv 1x1x2 softmax }
    /// The output is an image, too.
    Mirror(1024x1024x3) { conv 1x1x3 }
    /// A label for each image.
    Whole(1024x1024x3) { avgpool 64; conv 3x3x2 relu; globalavgpool; softmax 2 }
}

/// Runs `work` in a thread with a stack smaller than a tenth of an image. An overflow aborts the whole test.
fn in_a_small_thread(work: impl FnOnce() -> Result<(), Error> + Send + 'static) {
    let thread = thread::Builder::new().stack_size(512 * 1024).spawn(work).expect("a thread");
    thread.join().expect("no panic").expect("no error");
}

fn label(sample: usize, pixel: usize) -> usize {
    usize::from((pixel / SIDE + pixel % SIDE) / 128 % 2 == sample % 2)
}

fn draw(sample: usize, image: &mut Image) {
    for (pixel, numbers) in image.as_mut_slice().chunks_exact_mut(3).enumerate() {
        numbers.fill(if label(sample, pixel) == 1 { 0.9 } else { 0.1 });
    }
}

fn set(count: usize) -> Result<Set, Error> {
    Dataset::from_fn(count, |sample, image: &mut Image, labels: &mut Labels| {
        draw(sample, image);
        labels.iter_mut().enumerate().for_each(|(pixel, target)| *target = label(sample, pixel));
    })
}

#[test]
fn images_are_created_read_normalised_and_split() {
    in_a_small_thread(|| {
        let image = Image::boxed_from_fn(|y, x, c| (y + x + c) as f32);
        assert!(image.boxed_clone() == image && image[[1023, 1023, 2]] == 2048.0);
        assert!(Image::boxed_from(image.as_slice().to_vec()).expect("as many numbers") == image);
        assert!(*Image::boxed_zeros() != *image);

        let bytes = Images::new("two", [SIDE, SIDE, 3], 255, vec![51; 2 * 3 * PIXELS])?;
        assert_eq!(bytes.tensors::<SIDE, SIDE, 3, f32>()?[1][[1023, 0, 1]], 0.2);
        assert_eq!(bytes.rows::<{ 3 * PIXELS }, f64>()?[1][3 * PIXELS - 1], 0.2);
        let small = Images::new("small", [2, 2, 3], 255, vec![51; 24])?;
        assert_eq!(small.resized::<SIDE, SIDE, 3, f32>()?[1][[1023, 1023, 2]], 0.2);

        let labels = (0..4 * PIXELS).map(|pixel| label(pixel / PIXELS, pixel % PIXELS)).collect();
        let numbers = (0..4 * 3 * PIXELS).map(|place| (place % 7) as f32).collect();
        let mut set = Set::from_elements(numbers, labels)?;
        let normal = Normalization::fit(set.inputs(), 3)?;
        normal.apply(set.inputs_mut())?;
        let subset = set.subset(&[3, 0, 3])?;
        assert!(subset.inputs()[2] == set.inputs()[3] && subset.targets()[1] == set.targets()[0]);
        let (rest, held_out) = set.clone().split_by(0.5, 1, |labels| labels[0])?;
        assert_eq!((rest.len(), held_out.len()), (2, 2));
        let mut batches = rest.batches(2, 1, 0)?;
        assert!(batches.next_batch().is_some_and(|(images, labels)| images.len() == 2 && labels.len() == 2));
        let (first, second) = set.split_at(1)?;
        assert_eq!((first.len(), second.len()), (1, 3));
        Ok(())
    });
}

#[test]
fn pixels_are_learned_evaluated_attacked_and_visualised() {
    in_a_small_thread(|| {
        let (train, validation) = (set(2)?, set(1)?);
        let mut network = Pixels::init(1);
        let (images, labels) = validation.subset(&[0])?.into_parts();
        let mut recorder = StatisticsRecorder::new(images, labels, CrossEntropy)?;
        let trainer = Trainer::new().epochs(1)?.batch(2)?.threads(2)?.loss(CrossEntropy).optimizer(Sgd::new(1e-7)?);
        let history = trainer
            .progress(false)
            .augment(Augmentation::new().shift(1.0)?.brightness(0.1)?.flip_horizontal(0.5)?)
            .adversarial(AdversarialTraining::new(Attack::fgsm(0.01)?))
            .early_stopping(EarlyStopping::new(2)?)
            .callback(&mut recorder)
            .fit(&mut network, &train, Some(&validation))?;
        assert!(history.last().is_some_and(|last| last.validation_loss.is_some()));

        assert!(evaluate(&network, &validation, &CrossEntropy)?.mean().is_finite());
        assert!(evaluate_under(&network, &validation, &CrossEntropy, &Attack::fgsm(0.01)?)?.mean().is_finite());
        let (images, labels) = (&validation.inputs()[..1], &validation.targets()[..1]);
        let moved = attack(&network, images, labels, &CrossEntropy, &Attack::pgd(0.02, 0.01, 1)?)?;
        assert!(moved[0] != images[0]);

        let answers = predict_all::<_, Labels, _>(&network, &validation);
        let mut answer = Tensor::<SIDE, SIDE, 2>::boxed_zeros();
        network.predict_into(&images[0], &mut answer);
        assert!(*answer == answers[0] && network.predict_batch(images)[0] == answers[0]);
        let ensemble = Ensemble::new(vec![network.clone(), network.clone()])?;
        let mut together = Tensor::<SIDE, SIDE, 2>::boxed_zeros();
        ensemble.predict_into(&images[0], &mut together);
        assert!(*together == *answer && ensemble.predict_batch(images)[0] == *answer);
        let mut memory = vec![0.0; Predictor::<Pixels>::WORKSPACE];
        let mut predictor = Predictor::<Pixels>::new(network.parameters(), &[], network.prepared(), &mut memory)
            .expect("the lengths fit");
        predictor.predict_into(&images[0], &mut together);
        assert!(together == answer);

        assert_eq!(activations(&network, &images[0], "conv1")?.sizes(), [SIDE, SIDE, 2]);
        assert_eq!(
            projection(&network, &images[0], &Feature::map("conv1", 1), BackwardRule::Gradient)?.picture.sizes()[0],
            SIDE
        );
        assert_eq!(strongest(&network, images, "conv1", 1)?.len(), 2);
        Ok(())
    });
}

#[test]
fn images_are_learned_and_labels_mixed() {
    in_a_small_thread(|| {
        let set = set(2)?;
        // Images as targets, with a metric that keeps all answers.
        let mut copy = Mirror::init(1);
        let images = Dataset::new(copies(set.inputs()), copies(set.inputs()))?;
        let trainer = Trainer::new().epochs(1)?.batch(2)?.threads(2)?.progress(false).mixup(Mixup::new(0.3)?);
        trainer.loss(SquaredError).optimizer(Sgd::new(1e-9)?).fit(&mut copy, &images, Some(&images))?;
        assert!(evaluate(&copy, &images, &MeanAbsoluteError)?.mean().is_finite());
        // Two labels and their shares for each pixel: 24 MiB per target.
        let mut mixed = Vec::new();
        set.targets()[0].push_unmixed(&mut mixed);
        set.targets()[0].mixed(&set.targets()[1], 0.25, &mut mixed[0]);
        assert_eq!(mixed[0][0].share, 0.25);
        let trainer = Trainer::new().epochs(1)?.batch(2)?.threads(2)?.progress(false).mixup(Mixup::new(0.3)?);
        trainer.loss(CrossEntropy).optimizer(Sgd::new(1e-7)?).fit(&mut Pixels::init(1), &set, None)?;
        Ok(())
    });
}

#[test]
fn streams_and_loaders_pass_large_samples_on() {
    in_a_small_thread(|| {
        let stream = Stream::new(3, |_epoch| {
            (0..3).map(|sample| {
                let (mut image, mut labels) = (Image::boxed_zeros(), boxed_zeros::<Labels>());
                draw(sample, &mut image);
                labels.fill(1);
                Ok::<_, Error>((image, labels))
            })
        })?
        .shuffle(2)?;
        let trainer = Trainer::new().epochs(1)?.batch(2)?.threads(2)?.progress(false).loss(CrossEntropy);
        trainer.optimizer(Sgd::new(1e-7)?).fit_stream(&mut Pixels::init(1), &stream, None)?;
        let set = set(3)?;
        let mut loader: Loader<_, Image, Labels> = Loader::new(&set, 2, Preparation::new(1))?;
        assert_eq!(loader.next_batch()?.map(|batch| batch.targets().len()), Some(2));
        Ok(())
    });
}

#[test]
fn whole_images_are_classified_and_visualised() {
    in_a_small_thread(|| {
        let images: Dataset<Image> = Dataset::from_fn(4, |sample, image: &mut Image, label: &mut usize| {
            draw(sample, image);
            *label = sample % 2;
        })?;
        let mut network = Whole::init(1);
        let trainer = Trainer::new().epochs(1)?.batch(2)?.threads(2)?.progress(false).loss(CrossEntropy);
        let trainer =
            trainer.metric("top-1", |answers: &[[f32; 2]], labels: &[usize]| metrics::top_k(answers, labels, 1))?;
        trainer.mixup(Mixup::new(0.3)?).optimizer(Sgd::new(1e-7)?).fit(&mut network, &images, Some(&images))?;
        assert_eq!(Samples::<Image, usize>::len(&images), 4);
        let image = &images.inputs()[0];
        assert!((network.predict(image).iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(fgsm(&network, &images.inputs()[..1], &[0], &CrossEntropy, 0.1)?[0] != *image);
        let occlusion = Occlusion::new(512)?.stride(512)?;
        assert_eq!(occlusion.map(&network, image, 1)?.answer.sizes(), [2, 2, 1]);
        assert_eq!(occlusion.feature(&network, image, &Feature::class(1))?.sizes(), [2, 2, 1]);
        let ideal = Maximisation::new().steps(1)?.jitter(1).blur(1, 1.0)?.run(&network, &Feature::class(0))?;
        let further = Maximisation::new().steps(1)?.climb(&network, &Feature::class(0), &ideal.image)?;
        assert!(further.image != ideal.image);
        let sheet = feature_sheet(&network, &images.inputs()[..2], "conv1", &[0], 1, Tones::Own)?;
        assert!(!sheet.to_string().is_empty());
        assert!(!Sheet::new("ideal").numbered([ideal.picture]).to_string().is_empty());
        Ok(())
    });
}

#[test]
fn memory_is_viewed_as_whole_values_or_refused() {
    let masks: Vec<[[u8; 2]; 3]> = values_from((0..12).collect()).expect("two of six");
    assert_eq!(masks, [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]);
    assert!(values_from::<[u8; 5]>(vec![0; 12]).is_err() && values_from::<[u8; 5]>(vec![]).expect("none").is_empty());
    assert_eq!(values_from::<Tensor<1, 2, 1, f64>>(vec![1.0, 2.0]).expect("one")[0][[0, 1, 0]], 2.0);
    assert_eq!(zeros::<[bool; 2]>(2), [[false; 2]; 2]);
    assert_eq!(*boxed_zeros::<[u16; 3]>(), [0; 3]);
    let error = Dataset::<[f32; 2]>::from_elements(vec![0.0; 3], vec![0, 1]).unwrap_err().to_string();
    assert!(error.contains("the elements of whole inputs") && error.contains('3') && error.contains('4'), "{error}");
    assert!(matches!(Dataset::<[f32; 2]>::from_fn(0, |_, _, _| {}), Err(Error::Empty { .. })));
}
