//! LeNet-5 predicts what other frameworks do, by the kernels that need the least memory and with the instruction set of the target;
//! and the portable code gives every target the same bits.

use board::LeNet5;
use netwright::{Architecture, InstructionSet, MissingInstructions, Predictor, PreparedWeights, Tensor};

#[allow(dead_code)]
#[path = "../../support/golden/formula.rs"]
mod formula;

const GOLDEN: &str = include_str!("../../golden/LeNet5.json");

/// Returns the numbers of a flat list in the golden file.
fn list(name: &str) -> Vec<f64> {
    let (_, rest) = GOLDEN.split_once(&format!("\"{name}\":[")).expect("it is in the file");
    let (list, _) = rest.split_once(']').expect("the list ends");
    list.split(',').map(|number| number.parse().expect("a number")).collect()
}

fn number(name: &str) -> f64 {
    let (_, rest) = GOLDEN.split_once(&format!("\"{name}\":")).expect("it is in the file");
    rest.split([',', '}']).next().expect("it ends").parse().expect("a number")
}

/// Returns the formula's weights; the tensors of the file are in the order of the table of layers.
fn weights() -> Vec<f32> {
    let mut weights = vec![0.0; LeNet5::PARAMETERS];
    let tensors: Vec<_> = <LeNet5 as Architecture>::LAYERS.iter().flat_map(|layer| layer.tensors).collect();
    let head = tensors.iter().rposition(|tensor| tensor.name == "kernel").expect("there are weights");
    for (index, tensor) in tensors.iter().enumerate() {
        let gain = number(if index == head { "head_gain" } else { "gain" });
        for (position, weight) in weights[tensor.offset..][..tensor.len].iter_mut().enumerate() {
            *weight = formula::weight(index as u64, position, tensor.name, gain, tensor.fan_in as f64);
        }
    }
    weights
}

fn predict(instructions: Option<InstructionSet>) -> Result<[f32; 10], MissingInstructions> {
    let (weights, mut workspace) = (weights(), vec![0.0; LeNet5::WORKSPACE]);
    let mut image = Tensor::zeros();
    for (position, pixel) in image.as_mut_slice().iter_mut().enumerate() {
        *pixel = formula::pixel(position, number("input_scale"));
    }
    let prepared = PreparedWeights::<LeNet5>::of(&weights, &[], &mut []).expect("it prepares nothing");
    let mut predictor = Predictor::new(&weights, &[], prepared, &mut workspace).expect("lengths");
    if let Some(instructions) = instructions {
        predictor = predictor.with_instructions(instructions)?;
    }
    Ok(predictor.predict(&image))
}

#[test]
fn lenet5_predicts_what_pytorch_does() {
    let logits = list("logits");
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    for instructions in [None, Some(InstructionSet::Portable)] {
        for (found, logit) in predict(instructions).expect("it is there").iter().zip(&logits) {
            let expected = logit.exp() / total;
            assert!((f64::from(*found) - expected).abs() < 1e-6 * expected.max(0.1), "{found} for {expected}");
        }
    }
}

#[test]
fn portable_code_gives_the_bits_of_every_target() {
    let found = predict(Some(InstructionSet::Portable)).expect("it is everywhere").map(f32::to_bits);
    let everywhere = [
        0x3ba3_b63f,
        0x39de_0b62,
        0x3c8d_cace,
        0x3d42_335a,
        0x3e0c_b849,
        0x3a45_1ddc,
        0x3f3b_392a,
        0x3d2c_91aa,
        0x3c91_bac7,
        0x39de_7cd9,
    ];
    assert_eq!(found, everywhere);
}

#[test]
fn an_instruction_set_of_another_processor_is_refused() {
    let foreign = if cfg!(target_arch = "aarch64") { InstructionSet::Avx2 } else { InstructionSet::Neon };
    let error = predict(Some(foreign)).expect_err("another processor's");
    assert_eq!(error.expected, foreign);
}
