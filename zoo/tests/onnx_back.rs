//! Networks of the zoo give the same outputs when the macro reads their ONNX files, and when these are printed in the language and compiled.
//! `onnx/` has the files without their weights, `printed/` the texts. `compiler/tests/onnx_zoo.rs` checks that both are up to date, and writes
//! them again with `NETWRIGHT_OVERWRITE=1`.

use std::path::Path;

use netwright::onnx::{FromOnnx, ToOnnx};
use netwright::{Architecture, Network, Sample as _};
use netwright_zoo::{LeNet5, LeNet5Of1998, ResNet50, ToyConvnet};

/// Networks read from ONNX files.
mod read {
    netwright::network! {
        pub Toy = onnx "tests/onnx/toy.onnx";
        pub LeNet = onnx "tests/onnx/lenet5.onnx";
        pub LeNetOf1998 = onnx "tests/onnx/lenet5_1998.onnx";
    }
}

/// Networks from the texts printed for ONNX files.
mod printed {
    include!("printed/lenet5.rs");
    include!("printed/resnet50.rs");
}

/// Returns the `index`-th of a sequence of distinct values around 0.
fn spread(index: usize) -> f32 {
    ((index as f64 + 1.0) * 0.754_877_666).fract() as f32 - 0.5
}

/// Returns the largest difference between the outputs of two networks for some images, relative to the largest element.
fn difference<A: Network<Scalar = f32>, B: Network<Scalar = f32>>(one: &A, other: &B, images: usize) -> f32 {
    fn answers<N: Network<Scalar = f32>>(network: &N, images: usize) -> Vec<f32> {
        let elements = (0..images * N::INPUT.len()).map(spread).collect();
        let images: Vec<N::Input> = netwright::memory::values_from(elements).expect("so many images");
        network.predict_batch(&images).iter().flat_map(|answer| answer.elements().to_vec()).collect()
    }
    assert_eq!([A::INPUT, A::OUTPUT], [B::INPUT, B::OUTPUT]);
    let [one, other] = [answers(one, images), answers(other, images)];
    let largest = one.iter().fold(f32::MIN_POSITIVE, |largest, element| largest.max(element.abs()));
    one.iter().zip(&other).fold(0.0_f32, |worst, (one, other)| worst.max((one - other).abs())) / largest
}

fn through_a_file<N: ToOnnx + Network<Scalar = f32>, B: FromOnnx + Network<Scalar = f32>>(file: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx-back");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let network = N::init(1);
    network.to_onnx_beside(folder.join(file)).expect("it can be written");
    let back = B::from_onnx(folder.join(file)).expect("it has the tensors of the file that was compiled");
    // In ONNX, a pool with one coefficient per channel is a convolution with several weights per channel.
    assert!(B::PARAMETERS >= N::PARAMETERS && B::STATISTICS == N::STATISTICS, "{file}");
    let difference = difference(&network, &back, 3);
    assert!(difference <= 1e-6, "{file}: {difference:e}");
}

#[test]
fn a_network_read_from_its_onnx_file_gives_the_same_outputs() {
    through_a_file::<ToyConvnet<f32>, read::Toy<f32>>("toy.onnx");
    through_a_file::<LeNet5<f32>, read::LeNet<f32>>("lenet5.onnx");
    through_a_file::<LeNet5Of1998<f32>, read::LeNetOf1998<f32>>("lenet5_1998.onnx");
}

/// Returns the shapes of all weights and statistics.
fn shapes<N: Architecture>() -> Vec<Vec<usize>> {
    N::LAYERS.iter().flat_map(|layer| layer.tensors).map(|tensor| tensor.shape.to_vec()).collect()
}

fn through_the_text<N: Network<Scalar = f32> + Architecture, B: Network<Scalar = f32> + Architecture>() {
    assert_eq!(shapes::<N>(), shapes::<B>());
    assert_eq!(N::MACS, B::MACS);
    let mut network = N::init(1);
    let (_, statistics) = network.weights_mut().buffers_mut();
    for (index, statistic) in statistics.iter_mut().enumerate() {
        *statistic = 0.9 + 0.5 * spread(index);
    }
    let mut again = B::init(2);
    let (parameters, statistics) = again.weights_mut().buffers_mut();
    parameters.copy_from_slice(network.weights_ref().parameters());
    statistics.copy_from_slice(network.weights_ref().statistics());
    assert_eq!(difference(&network, &again, 2), 0.0);
}

#[test]
fn a_network_printed_from_its_onnx_file_is_the_same_network() {
    through_the_text::<LeNet5<f32>, printed::LeNet5<f32>>();
    through_the_text::<ResNet50<f32>, printed::ResNet50<f32>>();
}
