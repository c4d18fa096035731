// Printed of the file that `LeNet5` is written to.
netwright::network! {
pub LeNet5(28x28x1) {
    conv 5x5x6 same tanh;
    avgpool 2;
    conv 5x5x16 tanh;
    avgpool 2;
    dense 120 tanh;
    dense 84 tanh;
    dense 10 softmax
}
}
