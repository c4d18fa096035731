//! Initial weights and biases, chosen in the language and in code (slide 12).

use netwright::Error;
use netwright::init::Init;
use netwright::prelude::*;

netwright::network! {
    Plain(200) { dense 300 tanh; dense 300 relu; dense 300 sigmoid; softmax 10 }
    Said(200) {
        dense 300 relu init constant 0.25 bias 0.1;
        dense 300 sigmoid init glorot bias normal 0.5;
        dense 300 tanh init uniform 0.05 bias uniform 0.3;
        dense 300 tanh init normal 0.02;
        dense 200 tanh init orthogonal;
        dense 20 relu bias constant 0.2;
        dense 20 relu bias zeros;
        softmax 10 init zeros
    }
}

fn mean_and_deviation(numbers: &[f32]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().map(|&number| f64::from(number)).sum::<f64>() / count;
    let variance = numbers.iter().map(|&number| (f64::from(number) - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// Returns whether the values look drawn with mean 0 and this standard deviation: within 15 % for 300 values and more.
fn drawn_with(numbers: &[f32], deviation: f64) -> bool {
    let (mean, found) = mean_and_deviation(numbers);
    mean.abs() < 0.2 * deviation && (found / deviation - 1.0).abs() < 0.15
}

fn tensor<'n, N: Network<Scalar = f32>>(network: &'n N, layer: &str, tensor: &str) -> &'n [f32] {
    network.tensor(layer, tensor).unwrap()
}

#[test]
fn without_init_the_activation_decides() {
    let network = Plain::init(1);
    assert!(drawn_with(tensor(&network, "dense1", "kernel"), (1.0_f64 / 200.0).sqrt()), "N(0, 1/D) before tanh");
    assert!(drawn_with(tensor(&network, "dense2", "kernel"), (2.0_f64 / 300.0).sqrt()), "He before a rectifier");
    assert!(drawn_with(tensor(&network, "dense3", "kernel"), (1.0_f64 / 300.0).sqrt()), "N(0, 1/D) before a sigmoid");
    for layer in ["dense1", "dense2", "dense3", "softmax1"] {
        assert!(tensor(&network, layer, "bias").iter().all(|&bias| bias == 0.0), "{layer}");
    }
}

#[test]
fn init_and_bias_set_the_initial_values() {
    let network = Said::init(1);
    assert!(tensor(&network, "dense1", "kernel").iter().all(|&weight| weight == 0.25));
    assert!(tensor(&network, "dense1", "bias").iter().all(|&bias| bias == 0.1));
    assert!(drawn_with(tensor(&network, "dense2", "kernel"), (2.0_f64 / 600.0).sqrt()));
    assert!(drawn_with(tensor(&network, "dense2", "bias"), 0.5));
    let biases = tensor(&network, "dense3", "bias");
    assert!(drawn_with(biases, 0.3 / 3.0_f64.sqrt()) && biases.iter().all(|bias| bias.abs() <= 0.3));
    assert!(tensor(&network, "dense3", "kernel").iter().all(|weight| weight.abs() <= 0.05));
    assert!(drawn_with(tensor(&network, "dense3", "kernel"), 0.05 / 3.0_f64.sqrt()));
    assert!(drawn_with(tensor(&network, "dense4", "kernel"), 0.02));
    let columns: Vec<Vec<f32>> = {
        let kernel = tensor(&network, "dense5", "kernel");
        (0..2).map(|column| kernel.iter().skip(column).step_by(200).copied().collect()).collect()
    };
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    assert!((dot(&columns[0], &columns[0]) - 1.0).abs() < 1e-4 && dot(&columns[0], &columns[1]).abs() < 1e-4);
    assert!(tensor(&network, "softmax1", "kernel").iter().all(|&weight| weight == 0.0));
    assert!(tensor(&network, "dense6", "bias").iter().all(|&bias| bias == 0.2));
    assert!(tensor(&network, "dense7", "bias").iter().all(|&bias| bias == 0.0));
}

#[test]
fn initialise_draws_one_tensor_and_leaves_the_others() {
    let mut network = Plain::init(1);
    let before = network.clone();
    network.initialise("dense3", "bias", Init::Normal(0.5), 7).unwrap();
    assert!(drawn_with(tensor(&network, "dense3", "bias"), 0.5));
    network.initialise("dense2", "bias", Init::Constant(0.01), 7).unwrap();
    assert!(tensor(&network, "dense2", "bias").iter().all(|&bias| bias == 0.01));
    for (layer, name) in [("dense1", "kernel"), ("dense2", "kernel"), ("dense3", "kernel"), ("softmax1", "bias")] {
        assert!(tensor(&network, layer, name) == tensor(&before, layer, name), "{layer} {name}");
    }
    let mut again = before.clone();
    again.initialise("dense3", "bias", Init::Normal(0.5), 7).unwrap();
    assert!(tensor(&again, "dense3", "bias") == tensor(&network, "dense3", "bias"), "the same seed, the same numbers");
    again.initialise("dense3", "bias", Init::Normal(0.5), 8).unwrap();
    assert!(tensor(&again, "dense3", "bias") != tensor(&network, "dense3", "bias"));
}

fn refusal(layer: &str, name: &str) -> Error {
    Plain::init(1).initialise(layer, name, Init::Constant(1.0), 1).unwrap_err()
}

#[test]
fn unknown_names_and_invalid_deviations_are_refused_and_nothing_changes() {
    let mut network = Plain::init(1);
    let before = network.parameters().to_vec();
    for (layer, name) in [("dense9", "bias"), ("dense1", "scale")] {
        let error = network.initialise(layer, name, Init::Constant(1.0), 1).unwrap_err();
        assert!(matches!(error, Error::UnknownTensor { .. }), "{error}");
    }
    let message = |layer, name| refusal(layer, name).to_string();
    assert_eq!(
        message("dense1", "bais"),
        "the network has no tensor `dense1.bais`; it has dense1.kernel, dense1.bias; did you mean `dense1.bias`?"
    );
    assert!(
        message("denes1", "kernel").ends_with("; did you mean `dense1.kernel`?"),
        "{}",
        message("denes1", "kernel")
    );
    for init in [Init::Normal(-0.1), Init::Uniform(-1.0), Init::Normal(f64::NAN), Init::Constant(f64::INFINITY)] {
        let error = network.initialise("dense1", "kernel", init, 1).unwrap_err();
        assert!(matches!(error, Error::Setting { .. }), "{init:?}: {error}");
    }
    assert_eq!(network.parameters(), before);
}
