//! A network predicts with the instruction set that its owner chooses, and refuses one that the processor lacks.

use netwright::{Error, InstructionSet, MissingInstructions, Network as _, Predictor, Tensor};

netwright::network! {
    /// Kernels of every kind whose sums an instruction set takes in its own way.
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
    for (place, element) in image.as_mut_slice().iter_mut().enumerate() {
        *element = ((place * 7919) % 1009) as f32 / 504.5 - 1.0;
    }
    image
}

/// FNV-1a over the bits of some answers.
fn digest(answer: [f32; 10]) -> u64 {
    let bytes = answer.iter().flat_map(|element| element.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn portable_code_gives_the_bits_of_every_machine() {
    let mut network = Small::init(5);
    network.set_instructions(InstructionSet::Portable).expect("it is everywhere");
    let portable = network.predict(&image());
    assert_eq!(digest(portable), 0x6f3c_5068_cd4d_60a4, "the bits that every target gives");
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
