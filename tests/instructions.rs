//! A network predicts with the instruction set that its owner chooses, and refuses one that the processor lacks.

#[path = "portable/src/lib.rs"]
#[allow(unreachable_pub)]
mod portable;

use netwright::loss::CrossEntropy;
use netwright::train::GradientEngine;
use netwright::{Error, InstructionSet, MissingInstructions, Network as _, Pass, Predictor, Tensor};

netwright::network! {
    /// Kernels of every kind whose order of summation depends on the instruction set.
    Small(20x20x16) {
        conv 3x3x16 same bn relu;
        conv 3x3x32 groups 4 pad 1 tanh;
        dwconv 3x3 stride 2 pad 1 gelu;
        maxpool 2;
        dense 40 sigmoid;
        softmax 10
    }
}

const ALL: [InstructionSet; 5] = [
    InstructionSet::Portable,
    InstructionSet::Avx2,
    InstructionSet::Avx512,
    InstructionSet::Neon,
    InstructionSet::Wasm128,
];

fn image() -> Tensor<20, 20, 16> {
    let mut image = Tensor::zeros();
    for (index, element) in image.as_mut_slice().iter_mut().enumerate() {
        *element = ((index * 7919) % 1009) as f32 / 504.5 - 1.0;
    }
    image
}

/// Returns the FNV-1a hash of the bits of an output.
fn digest(answer: [f32; 10]) -> u64 {
    let bytes = answer.iter().flat_map(|element| element.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn portable_code_gives_the_bits_of_every_machine() {
    let mut network = Small::init(5);
    network.set_instructions(InstructionSet::Portable).expect("it is everywhere");
    let portable = network.predict(&image());
    assert_eq!(digest(portable), 0xa22a_5611_4e07_3b79, "the bits that every target gives");
    network.set_threads(2).expect("threads");
    assert_eq!(network.predict_batch(&[image(), image(), image()]), [portable; 3]);
    let mut workspace = vec![0.0; Predictor::<Small>::WORKSPACE];
    let predictor =
        Predictor::<Small>::new(network.parameters(), network.statistics(), network.prepared(), &mut workspace);
    let predictor = predictor.expect("lengths").with_instructions(InstructionSet::Portable);
    assert_eq!(predictor.expect("it is everywhere").predict(&image()), portable);
}

#[test]
fn instruction_sets_differ_by_rounding_alone() {
    let mut network = Small::init(5);
    network.set_instructions(InstructionSet::Portable).expect("it is everywhere");
    let portable = network.predict(&image());
    for instructions in ALL {
        let before = network.clone();
        match network.set_instructions(instructions) {
            Ok(()) => {
                for (found, expected) in network.predict(&image()).iter().zip(portable) {
                    assert!((found - expected).abs() < 1e-6, "{instructions}: {found} for {expected}");
                }
            }
            Err(Error::Instructions(MissingInstructions { expected, found })) => {
                assert!(expected == instructions && found != instructions);
                assert_eq!(network.predict(&image()), before.predict(&image()), "nothing has changed");
            }
            Err(error) => panic!("{error}"),
        }
    }
    // No processor has both.
    let refused = [InstructionSet::Avx512, InstructionSet::Neon].map(|of| network.set_instructions(of).is_err());
    assert!(refused.contains(&true));
}

#[test]
fn portable_training_gives_the_bits_of_every_machine_on_any_number_of_threads() -> Result<(), Error> {
    for threads in [1, 3] {
        let found = portable::trained(threads)?;
        assert_eq!(found, portable::TRAINED, "{threads} threads: {found:#018x}");
    }
    Ok(())
}

/// Computes the gradient of a batch with an instruction set.
fn gradient(instructions: InstructionSet) -> Result<Vec<f32>, Error> {
    let mut network = Small::init(5);
    network.set_instructions(instructions)?;
    let (images, labels) = (vec![image(); 8], (0..8).collect::<Vec<usize>>());
    let mut engine = GradientEngine::<Small>::new(images.len(), 2)?;
    engine.gradient(&mut network, &images, &labels, &CrossEntropy, Pass::default())?;
    Ok(engine.gradients().as_slice().to_vec())
}

/// The bound in the guide: the gradients of each layer differ by at most 1e-5 of their root mean square.
#[test]
fn gradients_of_instruction_sets_differ_by_rounding_alone() -> Result<(), Error> {
    let portable = gradient(InstructionSet::Portable)?;
    for instructions in ALL {
        let Ok(found) = gradient(instructions) else { continue };
        for layer in Small::LAYERS {
            let tensors = layer.tensors.iter().filter(|tensor| tensor.kind.is_trained());
            let indices: Vec<usize> = tensors.flat_map(|tensor| tensor.offset..tensor.offset + tensor.len).collect();
            let squares = indices.iter().map(|&index| f64::from(portable[index]).powi(2)).sum::<f64>();
            let size = (squares / indices.len().max(1) as f64).sqrt();
            for index in indices {
                let difference = f64::from((found[index] - portable[index]).abs());
                assert!(difference <= 1e-5 * size, "{instructions}, {}: {difference:e} of {size:e}", layer.name);
            }
        }
    }
    Ok(())
}

#[test]
fn a_pass_over_borrowed_weights_selects_its_instruction_set() -> Result<(), Error> {
    let mut network = Small::init(5);
    let mut workspace = Small::workspace(1);
    let pass = Pass { frozen: true, ..Pass::default() };
    let portable = pass.with_instructions(InstructionSet::Portable)?;
    let selected = network.forward(portable, &[image()], &mut workspace)?[0];
    network.set_instructions(InstructionSet::Portable)?;
    assert_eq!(network.forward(pass, &[image()], &mut workspace)?[0], selected);
    Ok(())
}
