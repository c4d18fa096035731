//! Every word of the language, by the examples of its own table: its gradient is that of finite differences.

#[path = "support/gradient.rs"]
mod gradient;

use gradient::check;

netwright::private::test_every_example!(check);

netwright::network! {
    pub Tied(6) { dense 6 tanh as first; dense 6 tied first tanh; dense 4 as encode; dense 6 tied encode }
}

#[test]
fn shared_weights_get_the_sum_of_their_gradients() {
    check::<Tied<f64>>("tied weights");
}

netwright::network! {
    pub Fused(6x6x2) { conv 3x3x3 same tanh; maxpool 2; dropout 0.25; dense 5 sigmoid dropout 0.5; dense 3 elu; softmax 3 }
}

#[test]
fn a_whole_network_has_the_gradient_of_finite_differences() {
    check::<Fused<f64>>("a small convolutional network");
}
