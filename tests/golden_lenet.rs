//! LeNet-5 against the numbers of other frameworks.

#[path = "support/golden.rs"]
mod golden;
#[path = "support/gradient.rs"]
#[allow(dead_code)]
mod gradient;

use golden::Golden;

netwright::network! {
    /// LeNet-5 (LeCun et al., 1998).
    pub LeNet5(28x28x1) {
        conv 5x5x6 same tanh;  avgpool 2;
        conv 5x5x16 tanh;      avgpool 2;
        dense 120 tanh;        dense 84 tanh;
        softmax 10
    }
}

const _: () = assert!(LeNet5::PARAMETERS == 61_706 && LeNet5::MACS == 416_520);

const NUMBERS: &str = include_str!("golden/LeNet5.json");

#[test]
fn lenet5_predicts_and_trains_as_elsewhere_in_f32() {
    let golden = Golden::read(NUMBERS, 1e-5, 1e-5, 1e-5);
    let network = golden.network::<LeNet5>(|index| index);
    golden.check_prediction(&network);
    golden.check_training(&network, |index| index);
}

#[test]
fn lenet5_predicts_and_trains_as_elsewhere_in_f64() {
    // The golden logits are rounded to f32, the gradients with ten.
    let golden = Golden::read(NUMBERS, 1e-7, 1e-10, 1e-9);
    let network = golden.network::<LeNet5<f64>>(|index| index);
    golden.check_prediction(&network);
    golden.check_training(&network, |index| index);
}
