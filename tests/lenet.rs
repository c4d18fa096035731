//! LeNet-5, the whole way.
netwright::network! {
    /// LeNet-5 (LeCun et al., 1998).
    pub LeNet5(28x28x1) {
        conv 5x5x6 same tanh;  avgpool 2;
        conv 5x5x16 tanh;      avgpool 2;
        dense 120 tanh;        dense 84 tanh;
        softmax 10
    }
}
const _: () = assert!(LeNet5::PARAMETERS == 61_706);

#[test]
fn predicts_probabilities() {
    let net = LeNet5::init(1);
    let p = net.predict(&netwright::Tensor::zeros());
    assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{p:?}");
    println!("{:?} {:?}", LeNet5::LAYERS, LeNet5::PLAN);
}
