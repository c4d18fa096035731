//! Predictions and gradients on several threads: any number gives the same bits, for one image and for many.

use netwright::loss::CrossEntropy;
use netwright::train::GradientEngine;
use netwright::{Network as _, Pass, Tensor};

netwright::network! {
    /// Kernels of every kind that can use threads, over sizes that no number of threads divides.
    Wide(67x61x8) {
        conv 3x3x32 same bn relu;
        maxpool 3 stride 2 same;
        conv 3x3x32 groups 4 pad 1 tanh;
        dwconv 3x3 stride 2 pad 1 bn relu;
        add { conv 1x1x48 } { conv 3x3x48 same stride 1 gelu } relu;
        lrn;
        avgpool 2;
        conv 5x5x24 dilate 2 pad 4 stride 3;
        batchnorm;
        dense 700 relu;
        softmax 10
    }
}

fn image(seed: usize) -> Box<Tensor<67, 61, 8>> {
    let mut image = Box::new(Tensor::<67, 61, 8>::zeros());
    for (place, element) in image.as_mut_slice().iter_mut().enumerate() {
        *element = ((place * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0;
    }
    image
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let mut network = Wide::init(3);
    let images: Vec<Tensor<67, 61, 8>> = (0..9).map(|seed| *image(seed)).collect();
    network.set_threads(1).expect("one thread");
    let alone: Vec<[f32; 10]> = images.iter().map(|image| network.predict(image)).collect();
    assert_eq!(alone, network.predict_batch(&images), "an image gets the same answer alone and in a batch");
    let (mut answers, mut logits_alone) = (alone.clone(), vec![[f32::NAN; 10]; images.len()]);
    network.predict_with_logits(&images, &mut answers, &mut logits_alone);
    for threads in [2, 3, 7] {
        network.set_threads(threads).expect("threads");
        for (image, alone) in images.iter().zip(&alone) {
            assert_eq!(network.predict(image), *alone, "{threads} threads");
        }
        for count in [2, 3, 9] {
            assert_eq!(network.predict_batch(&images[..count]), alone[..count], "{count} images, {threads} threads");
            let (mut answers, mut logits) = (vec![[0.0; 10]; count], vec![[f32::NAN; 10]; count]);
            network.predict_with_logits(&images[..count], &mut answers, &mut logits);
            assert_eq!(answers, alone[..count], "with logits, {count} images, {threads} threads");
            assert_eq!(logits, logits_alone[..count], "logits of {count} images, {threads} threads");
        }
    }
}

/// Batch normalisation keeps the batch whole: the threads share the work of its kernels.
#[test]
fn the_gradient_of_a_whole_batch_has_the_same_bits_on_any_number_of_threads() {
    let images: Vec<Tensor<67, 61, 8>> = (0..5).map(|seed| *image(seed)).collect();
    let labels = [3_usize, 1, 4, 1, 5];
    let gradient = |threads| {
        let mut network = Wide::init(3);
        let mut engine = GradientEngine::<Wide>::new(images.len(), threads).expect("threads");
        let loss = engine.gradient(&mut network, &images, &labels, &CrossEntropy::new(), Pass::default());
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let gradients = bits(engine.gradients().as_slice());
        assert!(gradients.iter().filter(|&&bits| bits != 0).count() > gradients.len() / 2);
        (loss.expect("it is finite").mean().to_bits(), gradients, bits(network.statistics()))
    };
    let alone = gradient(1);
    for threads in [2, 3, 7] {
        assert!(gradient(threads) == alone, "{threads} threads");
    }
}

#[test]
fn no_thread_and_a_great_many_are_refused() {
    let mut network = Wide::init(3);
    for count in [0, 1025, usize::MAX] {
        let error = network.set_threads(count).expect_err("refused").to_string();
        assert_eq!(error, format!("threads is {count}; it must be at least 1 and at most 1024"));
    }
}
