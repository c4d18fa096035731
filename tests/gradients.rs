//! Compares the gradient of every word of the language with finite differences, for the examples in the table of words.

#[path = "support/gradient.rs"]
mod gradient;

use gradient::{FromElements, check, scatter};
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
    /// All epilogues of operations without filters, except scales and shifts.
    pub Epilogues(4x3x6) {
        layernorm tanh; prelu sigmoid; lrn softsign; upsample 2 elu;
        add { mul { } { globalavgpool; dense 6 sigmoid } } { } tanh;
        add { prelu } { conv 1x1x6 } selu; add { layernorm } { conv 1x1x6 }; add { lrn } { conv 1x1x6 } softplus;
        add { maxpool 2; upsample 2 } { conv 1x1x6 } gelu; dense 3
    }
}

#[test]
fn operations_with_sums_and_activations_as_epilogues_have_the_gradient_of_finite_differences() {
    check::<Epilogues<f64>>("operations without filters");
}

#[test]
fn fused_predictions_give_the_outputs_of_a_training_pass() {
    let mut network = Epilogues::<f64>::init(2);
    let images = [1, 2].map(|seed| FromElements::from_elements(&scatter(seed, 4 * 3 * 6)));
    let mut workspace = Epilogues::<f64>::workspace(2);
    let trained = network.forward(Pass { frozen: true, ..Pass::default() }, &images, &mut workspace).expect("it fits");
    for (image, trained) in images.iter().zip(trained.to_vec()) {
        for (predicted, trained) in network.predict(image).iter().zip(trained) {
            assert!((predicted - trained).abs() < 1e-12, "{predicted} for {trained}");
        }
    }
}
