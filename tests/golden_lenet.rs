//! Compares LeNet-5 with golden values of other frameworks.

#[path = "support/golden/mod.rs"]
mod golden;

use golden::{Golden, Tolerance};

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

const GOLDEN: &str = include_str!("golden/LeNet5.json");

#[test]
fn lenet5_predicts_and_trains_as_in_other_frameworks_in_f32() {
    Golden::read(GOLDEN).check::<LeNet5>(Tolerance::F32);
}

#[test]
fn lenet5_predicts_and_trains_as_in_other_frameworks_in_f64() {
    Golden::read(GOLDEN).check::<LeNet5<f64>>(Tolerance::F64);
}
