//! The passes of a training step read weights that are packed once for all of them. They never read those of an earlier step, and give the bits
//! of passes that pack weights themselves.

use netwright::head::Softmax;
use netwright::loss::{CrossEntropy, Loss};
use netwright::prelude::*;
use netwright::train::{AdversarialTraining, Attack, GradientEngine, Threads};
use netwright::{GradientSeed, Pass, PreparedStep};

netwright::network! {
    /// Layers of every kind whose kernels pack weights, also one that packs the transposed weights of another layer.
    Packs(5x4x3) {
        conv 3x3x72 same relu;
        conv 3x3x80 stride 2 pad 1 tanh;
        conv 3x3x64 same kernel winograd;
        conv 1x1x68 relu;
        deconv 3x3x66 stride 2;
        conv 3x3x68 groups 2 kernel gemm;
        conv 3x3x72 same groups 4 kernel grouped;
        conv 2x2x24 kernel direct relu;
        maxpool 2;
        dense 90 as code relu;
        dense 70 as narrow relu;
        dense 90 tied narrow;
        softmax 4
    }
}

const IMAGES: usize = 34;

fn images() -> (Vec<Tensor<5, 4, 3>>, Vec<usize>) {
    let image = |image: usize| {
        let mut tensor = Tensor::zeros();
        let elements = tensor.as_mut_slice().iter_mut().enumerate();
        elements.for_each(|(place, element)| *element = ((place * 37 + image * 53) % 101) as f32 / 50.0 - 1.0);
        tensor
    };
    ((0..IMAGES).map(image).collect(), (0..IMAGES).map(|image| image * 7 % 4).collect())
}

fn bits(elements: &[f32]) -> Vec<u32> {
    elements.iter().map(|element| element.to_bits()).collect()
}

/// Computes the gradient of a batch by passes that pack weights themselves, with the micro-batches of the engine.
fn by_hand(network: &Packs, (images, labels): &(Vec<Tensor<5, 4, 3>>, Vec<usize>), micro_batches: usize) -> Vec<u32> {
    let mut workspace = Packs::workspace(IMAGES);
    let mut total: Option<Vec<f32>> = None;
    for index in 0..micro_batches {
        let range = index * IMAGES / micro_batches..(index + 1) * IMAGES / micro_batches;
        let (images, labels) = (&images[range.clone()], &labels[range.clone()]);
        let (mut gradients, mut statistics) = (Packs::gradients(), network.statistics().to_vec());
        let pass = Pass { batch: images.len(), first_image: range.start, ..Pass::default() };
        workspace.forward(pass, network.parameters(), &mut statistics, images).expect("it fits");
        let (values, seed) = workspace.loss_operands(GradientSeed::Logits);
        Loss::<Softmax, usize>::evaluate(&CrossEntropy::new(), values, labels, 1.0 / IMAGES as f32, seed);
        let parameters = network.parameters();
        workspace.backward(pass, GradientSeed::Logits, parameters, images, &mut gradients, &mut []).expect("it fits");
        match &mut total {
            None => total = Some(gradients.as_slice().to_vec()),
            Some(total) => total.iter_mut().zip(gradients.as_slice()).for_each(|(sum, part)| *sum += part),
        }
    }
    bits(&total.expect("there are micro-batches"))
}

fn by_engine(engine: &mut GradientEngine<Packs>, network: &mut Packs) -> Vec<u32> {
    let (images, labels) = images();
    engine.gradient(network, &images, &labels, &CrossEntropy::new(), Pass::default()).expect("it is finite");
    bits(engine.gradients().as_slice())
}

#[test]
fn every_kernel_that_packs_weights_reads_them_packed_once_a_step() {
    let plan = Packs::PLAN.to_string();
    for kernel in [
        "conv_gemm_forward",
        "conv_gemm_grad_input",
        "conv_direct_grad_input",
        "conv_grouped_forward",
        "conv_grouped_grad_input",
        "conv_winograd_train_forward",
        "conv_winograd_grad_input",
        "deconv_forward",
        "deconv_grad_input",
        "dense_transposed_forward",
    ] {
        let mut calls = plan.lines().filter(|line| line.contains(kernel));
        assert!(calls.any(|line| line.contains("packed once a step")), "{kernel}\n{plan}");
    }
}

#[test]
fn a_step_with_prepared_weights_has_the_bits_of_passes_that_pack_them() {
    let mut network = Packs::init(1);
    let micro_batches = IMAGES.div_ceil(GradientEngine::<Packs>::new(IMAGES, 1).expect("an engine").micro_batch_size());
    assert!(micro_batches > 1);
    let expected = by_hand(&network, &images(), micro_batches);
    for threads in [1, 2, 3] {
        let mut engine = GradientEngine::new(IMAGES, threads).expect("an engine");
        assert!(by_engine(&mut engine, &mut network) == expected, "{threads} threads");
    }
}

#[test]
fn every_change_of_the_weights_is_seen_by_the_next_step() {
    let (mut network, mut engine) = (Packs::init(1), GradientEngine::new(IMAGES, 2).expect("an engine"));
    let mut last = by_engine(&mut engine, &mut network);
    let mut check = |network: &mut Packs, what: &str| {
        let gradient = by_engine(&mut engine, network);
        assert!(gradient != last, "{what} changes the gradient");
        let mut another = GradientEngine::new(IMAGES, 1).expect("an engine");
        assert!(gradient == by_engine(&mut another, network), "{what}");
        last = gradient;
    };
    network.parameters_mut()[5] += 1.0;
    check(&mut network, "a parameter");
    network.tensor_mut("conv2", "kernel").expect("a kernel")[7] -= 1.0;
    check(&mut network, "a tensor");
    network.layers_mut().code.kernel[1][4] += 2.0;
    check(&mut network, "a view of a layer");
    check(&mut Packs::init(2), "another network");
    let step = 0.1;
    let gradient: Vec<f32> = (0..Packs::PARAMETERS).map(|place| (place % 3) as f32 - 1.0).collect();
    network.parameters_mut().iter_mut().zip(gradient).for_each(|(weight, slope)| *weight -= step * slope);
    check(&mut network, "a step");
}

#[test]
fn attacked_images_are_those_of_passes_that_pack_weights() {
    // One micro-batch, and several passes over it.
    let (images, labels) = images();
    let (images, labels) = (&images[..12], &labels[..12]);
    let attack = Attack::pgd(0.1, 0.05, 3).expect("an attack");
    let training = AdversarialTraining::new(attack).share(1.0).expect("a share");
    let mut network = Packs::init(3);
    let mut engine = GradientEngine::new(12, 2).expect("an engine").adversarial(training);
    engine.gradient(&mut network, images, labels, &CrossEntropy::new(), Pass::default()).expect("it is finite");
    let attacked = netwright::train::adversarial::attack(&network, images, labels, &CrossEntropy::new(), &attack)
        .expect("an attack");
    let mut plain = GradientEngine::new(12, 1).expect("an engine");
    plain.gradient(&mut network, &attacked, labels, &CrossEntropy::new(), Pass::default()).expect("it is finite");
    assert!(bits(engine.gradients().as_slice()) == bits(plain.gradients().as_slice()));
}

#[test]
fn a_hand_written_loop_of_passes_can_prepare_weights_itself() {
    let (network, (images, _)) = (Packs::init(4), images());
    let (mut workspace, mut prepared) = (Packs::workspace(16), PreparedStep::<Packs>::default());
    let weights = prepared.prepare(network.parameters(), &Threads::default());
    for images in images.chunks(8) {
        workspace.forward(Pass::default(), weights, &mut [], images).expect("it fits");
        let answers = workspace.outputs().to_vec();
        workspace.forward(Pass::default(), network.parameters(), &mut [], images).expect("it fits");
        assert_eq!(workspace.outputs(), answers);
    }
}
