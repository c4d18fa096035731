//! Every word of the language, by the examples of its own table: its gradient is that of finite differences.

#[path = "support/gradient.rs"]
mod gradient;

use gradient::{FromNumbers, check, scatter};
use netwright::{Network as _, Pass};

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

netwright::network! {
    /// Everything but a scale and a shift that operations without filters end in.
    pub Ended(4x3x6) {
        layernorm tanh; prelu sigmoid; lrn softsign; upsample 2 elu;
        add { mul { } { globalavgpool; dense 6 sigmoid } } { } tanh;
        add { prelu } { conv 1x1x6 } selu; add { layernorm } { conv 1x1x6 }; add { lrn } { conv 1x1x6 } softplus;
        add { maxpool 2; upsample 2 } { conv 1x1x6 } gelu; dense 3
    }
}

#[test]
fn operations_that_end_in_sums_and_activations_have_the_gradient_of_finite_differences() {
    check::<Ended<f64>>("operations without filters");
}

#[test]
fn what_is_fused_for_a_prediction_computes_what_a_training_pass_does() {
    let mut network = Ended::<f64>::init(2);
    let images = [1, 2].map(|seed| FromNumbers::from_numbers(&scatter(seed, 4 * 3 * 6)));
    let mut workspace = Ended::<f64>::workspace(2);
    let trained = network.forward(Pass { frozen: true, ..Pass::default() }, &images, &mut workspace).expect("it fits");
    for (image, trained) in images.iter().zip(trained.to_vec()) {
        for (predicted, trained) in network.predict(image).iter().zip(trained) {
            assert!((predicted - trained).abs() < 1e-12, "{predicted} for {trained}");
        }
    }
}
