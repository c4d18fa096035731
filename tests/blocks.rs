//! Predictions of blocks of images in the lanes of vectors: a separate program that gives the same outputs.

use netwright::plan::Plan;
use netwright::{Architecture as _, Network as _, Tensor};

netwright::network! {
    /// All layers that have kernels for the layout, with few channels.
    Narrow(13x11x2) {
        conv 5x5x6 same batchnorm tanh;
        avgpool 2;
        add { conv 3x3x5 same bn } { conv 1x1x5 dilate 1 } relu;
        zeropad 1;
        conv 3x3x7 dilate 2 pad 1 connect (0, 1) (1, 2, 3) (4) (0, 3) (2, 4) (0, 1, 2, 3, 4) (3) gelu;
        maxpool 2;
        flatten;
        dropout 0.5;
        dense 9 tanh;
        softmax 4
    }

    /// The last layer is a sigmoid, and the caller can request its inputs.
    YesOrNo(9x9x1) {
        conv 3x3x6 same relu;
        conv 3x3x6 relu;
        dense 1 sigmoid
    }

    /// The outputs come directly from the lanes.
    Values(9x9x1) {
        conv 3x3x6 same relu;
        conv 3x3x6 relu;
        dense 3
    }

    /// The channels fill the vectors.
    Wide(6x6x64) {
        conv 3x3x64 same relu;
        dense 10
    }
}

fn element(seed: usize) -> f32 {
    ((seed * 7919) % 1009) as f32 / 504.5 - 1.0
}

fn images<const H: usize, const W: usize, const C: usize>(count: usize) -> Vec<Tensor<H, W, C>> {
    let mut images = vec![Tensor::zeros(); count];
    for (image, tensor) in images.iter_mut().enumerate() {
        for (index, value) in tensor.as_mut_slice().iter_mut().enumerate() {
            *value = element(index + 613 * image);
        }
    }
    images
}

/// Asserts that blocks give the bits of single images, for any number of images and threads. Where another crate computes matrix products with
/// other bits, they agree up to rounding.
macro_rules! blocks_agree {
    ($network:ident, $height:literal, $width:literal, $channels:literal) => {
        let mut network = $network::init(5);
        network.set_threads(1).expect("one thread");
        let all = images::<$height, $width, $channels>(67);
        let alone: Vec<_> = all.iter().map(|image| network.predict(image)).collect();
        for threads in [1, 2, 7] {
            network.set_threads(threads).expect("threads");
            for count in [1, 15, 16, 17, 31, 64, 67] {
                let (mut answers, mut logits) = (alone.clone(), alone.clone());
                network.predict_with_logits(&all[..count], &mut answers, &mut logits);
                assert_eq!(network.predict_batch(&all[..count]), answers[..count], "with logits or without");
                for (image, (answer, alone)) in answers.iter().zip(&alone).enumerate() {
                    for (answer, alone) in answer.iter().zip(alone) {
                        let agree = if cfg!(feature = "matrixmultiply") {
                            (answer - alone).abs() < 1e-5
                        } else {
                            answer == alone
                        };
                        assert!(agree, "image {image} of {count}, {threads} threads: {answer} for {alone}");
                    }
                }
            }
        }
    };
}

#[test]
fn blocks_of_images_give_the_outputs_of_single_images() {
    assert!(<Narrow>::BLOCKS.is_some() && <YesOrNo>::BLOCKS.is_some() && <Values>::BLOCKS.is_some());
    blocks_agree!(Narrow, 13, 11, 2);
    blocks_agree!(YesOrNo, 9, 9, 1);
    blocks_agree!(Values, 9, 9, 1);
}

#[test]
fn the_plan_says_when_blocks_are_used() {
    let fewest = <Values>::BLOCKS.expect("few channels").fewest;
    let first = Values::PLAN.calls().find(|call| call.kernel == "into_lanes").expect("images go into the lanes");
    assert!(first.why.contains(&format!("16 images at once, where there are {fewest} or more")), "{}", first.why);
    let in_lanes = |plan: Plan| plan.calls().filter(|call| call.kernel == "conv_lanes_forward").count();
    assert_eq!([Values::PLAN, Narrow::PLAN].map(in_lanes), [2, 4], "also the one with a connection table");
}

#[test]
fn networks_with_many_channels_have_no_program_for_blocks() {
    assert_eq!(<Wide>::BLOCKS, None);
    assert!(Wide::PLAN.calls().all(|call| !call.kernel.contains("lanes")));
}

#[test]
fn an_image_that_is_not_finite_changes_no_other_output() {
    let network = Values::init(5);
    let mut all = images::<9, 9, 1>(21);
    let before = network.predict_batch(&all);
    all[3].as_mut_slice().fill(f32::NAN);
    all[20].as_mut_slice().fill(f32::INFINITY);
    for (image, (after, before)) in network.predict_batch(&all).iter().zip(&before).enumerate() {
        match image {
            3 | 20 => assert!(after.iter().any(|element| !element.is_finite())),
            _ => assert_eq!(after, before, "image {image}"),
        }
    }
}

#[test]
fn double_precision_predicts_without_blocks() {
    let network = <Values<f64> as netwright::Network>::init(5);
    let image = Tensor::<9, 9, 1, f64>::zeros();
    assert_eq!(network.predict_batch(&[image; 16])[15], network.predict(&image));
}
