//! A predictor that owns its weights: the same bits, no second copy of the weights, and files that other networks refuse.

use std::path::PathBuf;

use netwright::prelude::*;
use netwright::{Architecture, Error, InstructionSet, OwnedPredictor, PredictionFileError, Predictor};

netwright::network! {
    /// Winograd's transforms, packed and expanded filters, folded normalisations, and layers whose weights are read unchanged.
    Mixed(24x24x3) {
        conv 3x3x16 same nobias bn relu; conv 3x3x32 same kernel winograd bn relu; maxpool 2;
        dwconv 3x3 same bn relu; conv 1x1x64 kernel gemm tanh; layernorm;
        concat { } { conv 3x3x2 same kernel gemm connect (0, 63) (5) }; globalavgpool; dense 24 relu; softmax 10
    }
    /// A network that predicts blocks of images in the lanes.
    Digits(28x28x1) {
        conv 5x5x6 same tanh; avgpool 2; conv 5x5x16 tanh; avgpool 2; dense 120 tanh; dense 84 tanh; softmax 10
    }
    /// Kernels that pack weights, selected by name so that the cost model does not choose others.
    Packed(24x24x16) {
        conv 3x3x32 same kernel winograd; maxpool 2; conv 3x3x32 groups 2 pad 1 kernel winograd; conv 5x5x16 same kernel winograd;
        conv 3x3x48 same kernel gemm; conv 3x3x48 groups 4 same kernel grouped; conv 1x1x32 kernel gemm; globalavgpool; softmax 10
    }
    /// No weights are prepared.
    Small(28x28x1) memory least { conv 5x5x6 same tanh; avgpool 2; dense 10 tanh; softmax 10 }
}

/// Another program's network of the same name with other layers.
mod other {
    netwright::network! { pub(crate) Digits(28x28x1) { conv 3x3x6 same tanh; avgpool 2; dense 84 tanh; softmax 10 } }
}

/// A file that is removed when the test ends.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("netwright-predictor-{name}-{}", std::process::id())))
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn images<const H: usize, const C: usize>(count: usize) -> Vec<Tensor<H, H, C>> {
    let image = |number: usize| {
        Tensor::from_fn(|row, column, channel| {
            ((row * 31 + column * 17 + channel * 7 + number * 3) % 23) as f32 / 11.0 - 1.0
        })
    };
    (0..count).map(image).collect()
}

/// Copies the bytes to an address `shift` bytes after a multiple of 64; without a shift they are aligned as in a memory map of a file.
fn copied_to(bytes: &[u8], shift: usize) -> (Vec<u8>, std::ops::Range<usize>) {
    let mut memory = vec![0; bytes.len() + 128];
    let start = memory.as_ptr().align_offset(64) + shift;
    memory[start..start + bytes.len()].copy_from_slice(bytes);
    (memory, start..start + bytes.len())
}

/// Asserts that a predictor gives the outputs of the network, however it is created.
fn agrees<N: Network<Scalar = f32>>(network: N, images: &[N::Input], name: &str) -> Result<(), Error>
where
    N::Output: PartialEq + std::fmt::Debug,
{
    let (weights, prepared) = (TestFile::new(&format!("{name}.safetensors")), TestFile::new(name));
    network.save(&weights.0)?;
    let one = network.predict(&images[0]);
    let (mut answers, mut logits) = (network.predict_batch(images), network.predict_batch(images));
    network.predict_with_logits(images, &mut answers, &mut logits);
    let from_file = OwnedPredictor::<N>::from_file(&weights.0)?;
    let owned = network.into_predictor();
    owned.save(&prepared.0)?;
    let saved = OwnedPredictor::<N>::from_file(&prepared.0)?;
    for mut predictor in [from_file, owned, saved] {
        let [kept, statistics] = N::KEPT.lens();
        assert_eq!(predictor.bytes(), 4 * (kept + statistics + N::PREPARED), "it holds what it says, and no more");
        assert_eq!(predictor.predict(&images[0]), one);
        for threads in [1, 2, 3] {
            predictor.set_threads(threads)?;
            assert_eq!(predictor.predict_batch(images), answers);
        }
        let (mut found, mut found_logits) = (answers.clone(), answers.clone());
        predictor.predict_with_logits(images, &mut found, &mut found_logits);
        assert_eq!((found, found_logits), (answers.clone(), logits.clone()));
    }
    let (memory, mapped) = copied_to(&std::fs::read(&prepared.0).expect("it was written"), 0);
    let mut workspace = vec![0.0; Predictor::<N>::WORKSPACE];
    let mut predictor = Predictor::<N>::from_bytes(&memory[mapped], &mut workspace).expect("the same network");
    assert_eq!(predictor.predict(&images[0]), one);
    Ok(())
}

#[test]
fn a_predictor_gives_the_bits_of_its_network_however_it_is_created() -> Result<(), Error> {
    let mut mixed = Mixed::init(3);
    mixed.statistics_mut().iter_mut().enumerate().for_each(|(place, value)| *value += (place % 5) as f32 * 0.1);
    agrees(mixed, &images::<24, 3>(5), "mixed")?;
    agrees(Digits::init(4), &images::<28, 1>(40), "digits")?;
    agrees(Small::init(5), &images::<28, 1>(3), "small")
}

#[test]
fn packed_weights_are_not_kept_a_second_time() {
    let [kept, statistics] = <Mixed as Architecture>::KEPT.lens();
    let packed = 3 * 3 * 3 * 16 + 3 * 3 * 16 * 32 + 32 * 64;
    assert!(kept <= Mixed::PARAMETERS - packed, "{kept} of {}", Mixed::PARAMETERS);
    assert_eq!(statistics, 0, "normalisations are folded");
    let small = <Small as Architecture>::KEPT.lens();
    assert_eq!((small, <Small as Architecture>::PREPARED), ([Small::PARAMETERS, 0], 0));
}

#[test]
fn a_predictor_keeps_the_settings_of_its_network() -> Result<(), Error> {
    let mut network = Digits::init(6);
    network.set_instructions(InstructionSet::Portable)?;
    let images = images::<28, 1>(33);
    let answers = network.predict_batch(&images);
    let one_by_one: Vec<[f32; 10]> = images.iter().map(|image| network.predict(image)).collect();
    let predictor = network.into_predictor();
    assert_eq!(predictor.predict_batch(&images), answers);
    assert_eq!(images.iter().map(|image| predictor.predict(image)).collect::<Vec<_>>(), one_by_one);
    Ok(())
}

#[test]
fn a_file_of_something_else_is_refused_and_named() -> Result<(), Error> {
    use PredictionFileError as E;
    let file = TestFile::new("refused");
    let refused = |bytes: &[u8]| {
        std::fs::write(&file.0, bytes).expect("a folder for temporary files");
        match OwnedPredictor::<Digits>::from_file(&file.0) {
            Err(Error::PredictionFile { problem, .. }) => problem,
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it is read"),
        }
    };
    Digits::init(1).into_predictor().save(&file.0)?;
    let whole = std::fs::read(&file.0).expect("it was written");
    let with = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] ^= byte;
        refused(&bytes)
    };
    assert!(matches!(with(16, 2), E::Version { expected: 1, found: 3 }));
    assert!(matches!(with(20, 64), E::Layout { expected, found } if expected != found));
    assert!(matches!(with(24, 12), E::Element { expected: 4, found: 8 }));
    assert!(matches!(with(34, 1), E::Plan { network: "Digits" }));
    assert!(matches!(with(56, 1), E::Plan { network: "Digits" }));
    assert!(matches!(with(200, 1), E::Checksum { expected, found } if expected != found));
    assert!(matches!(with(whole.len() - 1, 1), E::Checksum { .. }), "what fills up the end counts too");
    let len = whole.len() as u64;
    assert_eq!(refused(&whole[..whole.len() - 4]), E::Length { expected: len, found: len - 4 });
    assert!(matches!(refused(&whole[..70]), E::Length { .. }));
    assert_eq!(refused(&[&whole[..], &[0]].concat()), E::Length { expected: len, found: len + 1 });

    Small::init(1).into_predictor().save(&file.0)?;
    let small = refused(&std::fs::read(&file.0).expect("it was written"));
    assert!(matches!(small, E::Network { expected: "Digits", .. }));
    assert_eq!(small.to_string(), "the weights of Small, where those of Digits were expected");
    other::Digits::init(1).into_predictor().save(&file.0)?;
    assert_eq!(refused(&std::fs::read(&file.0).expect("it was written")), E::Plan { network: "Digits" });

    std::fs::write(&file.0, b"PK\x03\x04 whatever").expect("a folder for temporary files");
    let error = OwnedPredictor::<Digits>::from_file(&file.0).expect_err("a zip archive");
    assert!(matches!(&error, Error::Format { found, .. } if found.contains("zip")), "{error}");
    Small::init(1).save(&file.0)?;
    let error = OwnedPredictor::<Digits>::from_file(&file.0).expect_err("weights of another network");
    assert!(matches!(&error, Error::Weights { network: "Digits", .. }), "{error}");
    Ok(())
}

#[test]
fn borrowed_bytes_are_checked_like_a_file() -> Result<(), Error> {
    use PredictionFileError as E;
    let file = TestFile::new("borrowed");
    Small::init(1).into_predictor().save(&file.0)?;
    let bytes = std::fs::read(&file.0).expect("it was written");
    let mut workspace = vec![0.0; Predictor::<Small>::WORKSPACE];
    let mut refused = |bytes: &[u8], workspace_len: usize| {
        Predictor::<Small>::from_bytes(bytes, &mut workspace[..workspace_len]).map(drop).unwrap_err()
    };
    let enough = Predictor::<Small>::WORKSPACE;
    assert_eq!(refused(&[], enough), E::Kind);
    assert_eq!(refused(&bytes[1..], enough), E::Kind);
    assert!(matches!(refused(&bytes[..bytes.len() - 1], enough), E::Length { .. }));
    assert!(matches!(refused(&bytes, enough - 1), E::Workspace(_)));
    let (memory, shifted) = copied_to(&bytes, 1);
    assert_eq!(refused(&memory[shifted], enough), E::Alignment { expected: 4 });
    let other = Predictor::<Digits>::from_bytes(&bytes, &mut []).map(drop).unwrap_err();
    assert!(matches!(other, E::Network { expected: "Digits", .. }), "{other}");
    Ok(())
}

/// FNV-1a over the bits of some elements.
fn digest(elements: &[f32]) -> u64 {
    let bytes = elements.iter().flat_map(|element| element.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// If this fails, weights are packed differently than before: raise `VERSION` in `compute/src/packed_layout.rs`, so that files of prepared
/// weights are refused and not misread, and then write layout and digest here.
#[test]
fn packed_weights_have_the_bits_of_their_layout() -> Result<(), Error> {
    let (network, file) = (Packed::init(3), TestFile::new("layout"));
    let found = digest(network.prepared().elements());
    network.into_predictor().save(&file.0)?;
    let layout = std::fs::read(&file.0).expect("it was written")[20];
    assert_eq!((layout, found), (24, 0x36d9_cc77_b5ef_ea94), "{found:#018x}");
    Ok(())
}
