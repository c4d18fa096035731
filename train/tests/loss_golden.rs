//! The losses have the values of PyTorch and Keras.

use netwright_runtime::head::{Head, Linear, Sigmoid, Softmax};
use netwright_runtime::{Precision, Shape};
use netwright_train::loss::{BinaryCrossEntropy, CrossEntropy, Loss, MeanAbsoluteError, Reduction, SquaredError};
use serde_json::Value;

#[test]
fn every_loss_is_a_constant_a_default_and_new() {
    assert_eq!([CrossEntropy; 2], [CrossEntropy::new(), CrossEntropy::default()]);
    assert_eq!([BinaryCrossEntropy; 2], [BinaryCrossEntropy::new(), BinaryCrossEntropy::default()]);
    assert_eq!([SquaredError; 2], [SquaredError::new(), SquaredError::default()]);
    assert_eq!([MeanAbsoluteError; 2], [MeanAbsoluteError::new(), MeanAbsoluteError::default()]);
}

fn case(id: &str) -> Value {
    let golden: Value = serde_json::from_str(include_str!("golden/losses.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    cases.iter().find(|case| case["id"] == id).unwrap_or_else(|| panic!("no case {id}")).clone()
}

fn numbers(tensor: &Value) -> Vec<f64> {
    tensor["data"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn labels(case: &Value) -> Vec<usize> {
    numbers(&case["inputs"]["labels"]).iter().map(|&label| label as usize).collect()
}

fn rows<const K: usize>(tensor: &Value) -> Vec<[f64; K]> {
    numbers(tensor).as_chunks().0.to_vec()
}

fn image(height: usize, width: usize, channels: usize) -> Shape {
    Shape::Image { height, width, channels }
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{what}: {found}, not {expected}");
}

/// Compares the loss and its gradient, the mean over a batch of all targets, in f64 within `tolerance` and in f32.
fn compare<H: Head, Y>(loss: impl Loss<H, Y>, targets: &[Y], values: &[f64], expected: (f64, &[f64]), tolerance: f64) {
    fn one<T: Precision, H: Head, Y>(
        loss: &impl Loss<H, Y>,
        targets: &[Y],
        values: &[f64],
        (output, grads): (f64, &[f64]),
        tolerance: f64,
    ) {
        let values: Vec<T> = values.iter().map(|&value| T::from_f64(value)).collect();
        let mut gradient = vec![T::ONE; values.len()];
        let count = targets.len() as f64;
        let sum = loss.evaluate(&values, targets, T::from_f64(1.0 / count), &mut gradient);
        close(sum / count, output, tolerance, "loss");
        assert_eq!(loss.value(&values, targets), sum, "with and without gradient");
        for (found, &expected) in gradient.iter().zip(grads) {
            close(found.to_f64(), expected, tolerance, "gradient");
        }
    }
    one::<f64, H, Y>(&loss, targets, values, expected, tolerance);
    one::<f32, H, Y>(&loss, targets, values, expected, 1e-6);
}

fn compare_case<H: Head, Y>(loss: impl Loss<H, Y>, case: &Value, targets: &[Y]) {
    let values = numbers(&case["inputs"]["x"]);
    let (output, gradient) = (numbers(&case["output"])[0], numbers(&case["grads"]["x"]));
    compare(loss, targets, &values, (output, &gradient), 2e-14);
}

#[test]
fn squared_error() {
    let case = case("loss_mse");
    compare_case::<Linear, [f64; 5]>(SquaredError, &case, &rows(&case["inputs"]["target"]));
}

#[test]
fn mean_absolute_error() {
    let case = case("loss_mae");
    compare_case::<Linear, [f64; 5]>(MeanAbsoluteError, &case, &rows(&case["inputs"]["target"]));
}

#[test]
fn cross_entropy_from_labels() {
    let case = case("loss_ce_logits_labels");
    compare_case::<Softmax, usize>(CrossEntropy::new(), &case, &labels(&case));
    let soft: Vec<[f32; 5]> = labels(&case).into_iter().map(netwright_train::loss::one_hot).collect();
    compare_case::<Softmax, [f32; 5]>(CrossEntropy::new(), &case, &soft);
    let pixels = labels(&case);
    compare_case::<Softmax, [usize; 2]>(CrossEntropy::new(), &case, pixels.as_chunks().0);
    compare_case::<Softmax, [usize; 4]>(CrossEntropy::new(), &case, pixels.as_chunks().0);
    let pixels: Vec<u8> = pixels.into_iter().map(|label| label as u8).collect();
    compare_case::<Softmax, [u8; 2]>(CrossEntropy::new(), &case, pixels.as_chunks().0);
    compare_case::<Softmax, Vec<u8>>(CrossEntropy::new(), &case, &[pixels[..2].to_vec(), pixels[2..].to_vec()]);
    let pixels: Vec<u16> = pixels.into_iter().map(u16::from).collect();
    compare_case::<Softmax, [u16; 4]>(CrossEntropy::new(), &case, pixels.as_chunks().0);
}

#[test]
fn cross_entropy_from_shares() {
    let case = case("loss_ce_logits_onehot");
    compare_case::<Softmax, [f64; 5]>(CrossEntropy::new(), &case, &rows(&case["inputs"]["target"]));
}

#[test]
fn cross_entropy_with_label_smoothing() {
    let case = case("loss_ce_logits_smoothing");
    let loss = CrossEntropy::new().label_smoothing(0.1).unwrap();
    compare_case::<Softmax, usize>(loss, &case, &labels(&case));
}

#[test]
fn cross_entropy_of_large_logits() {
    let case = case("loss_ce_large_logits");
    compare_case::<Softmax, usize>(CrossEntropy::new(), &case, &labels(&case));
}

/// The golden gradient is that with respect to probabilities; propagated back through the softmax it must equal ours: z = ln p are logits of p.
/// The probabilities add up to 1 within the rounding of f32 alone, and the softmax divides by their sum.
#[test]
fn cross_entropy_from_probabilities_is_the_same_through_the_softmax() {
    let case = case("loss_ce_probs");
    let (p, dp) = (numbers(&case["inputs"]["x"]), numbers(&case["grads"]["x"]));
    let logits: Vec<f64> = p.iter().map(|p| p.ln()).collect();
    let through = p.chunks(5).zip(dp.chunks(5)).flat_map(|(p, dp)| {
        let dot: f64 = p.iter().zip(dp).map(|(p, dp)| p * dp).sum();
        p.iter().zip(dp).map(move |(p, dp)| p * (dp - dot)).collect::<Vec<_>>()
    });
    let grads: Vec<f64> = through.collect();
    let output = numbers(&case["output"])[0];
    compare::<Softmax, usize>(CrossEntropy::new(), &labels(&case), &logits, (output, &grads), 1e-7);
}

#[test]
fn binary_cross_entropy() {
    let case = case("loss_bce_logits");
    let targets = rows::<6>(&case["inputs"]["target"]);
    compare_case::<Sigmoid, [f64; 6]>(BinaryCrossEntropy, &case, &targets);
    let single: Vec<bool> = targets.as_flattened().iter().map(|&target| target == 1.0).collect();
    compare_case::<Sigmoid, bool>(BinaryCrossEntropy, &case, &single);
    compare_case::<Sigmoid, [bool; 6]>(BinaryCrossEntropy, &case, single.as_chunks().0);
    compare_case::<Sigmoid, Vec<bool>>(BinaryCrossEntropy, &case, std::slice::from_ref(&single));
    let single: Vec<usize> = single.into_iter().map(usize::from).collect();
    compare_case::<Sigmoid, usize>(BinaryCrossEntropy, &case, &single);
}

#[test]
fn binary_cross_entropy_of_large_logits() {
    let case = case("loss_bce_large_logits");
    let targets = rows::<4>(&case["inputs"]["target"]);
    compare_case::<Sigmoid, [f64; 4]>(BinaryCrossEntropy, &case, &targets);
    let mut gradient = [0.0; 4];
    let logits = rows::<4>(&case["inputs"]["x"]);
    BinaryCrossEntropy.evaluate(&logits[0], &targets, 1.0, &mut gradient);
    close(gradient[1] / numbers(&case["grads"]["x"])[1], 1.0, 1e-12, "a gradient of 1e-18");
}

/// As for the softmax: z = ln p/(1 − p).
#[test]
fn binary_cross_entropy_from_probabilities_is_the_same_through_the_sigmoid() {
    let case = case("loss_bce_probs");
    let (p, dp) = (numbers(&case["inputs"]["x"]), numbers(&case["grads"]["x"]));
    let logits: Vec<f64> = p.iter().map(|p| (p / (1.0 - p)).ln()).collect();
    let grads: Vec<f64> = p.iter().zip(dp).map(|(p, dp)| dp * p * (1.0 - p)).collect();
    let targets = rows::<6>(&case["inputs"]["target"]);
    let output = numbers(&case["output"])[0];
    compare::<Sigmoid, [f64; 6]>(BinaryCrossEntropy, &targets, &logits, (output, &grads), 2e-14);
}

/// The sum is the mean times the number of outputs or pixels.
#[test]
fn a_sum_is_the_mean_times_the_outputs() {
    fn times<H: Head, Y>(mean: impl Loss<H, Y>, sum: impl Loss<H, Y>, values: &[f64], targets: &[Y], parts: f64) {
        let mut gradients = [vec![0.0; values.len()], vec![0.0; values.len()]];
        let scale = 1.0 / targets.len() as f64;
        let of_mean = mean.evaluate(values, targets, scale, &mut gradients[0]);
        let of_sum = sum.evaluate(values, targets, scale, &mut gradients[1]);
        close(of_sum, parts * of_mean, 1e-14, "loss");
        assert_eq!(sum.value(values, targets), of_sum);
        for (mean, sum) in gradients[0].iter().zip(&gradients[1]) {
            close(*sum, parts * mean, 1e-14, "gradient");
        }
    }
    let values = [0.3, -0.2, 0.9, 0.4, -1.0, 0.6];
    let targets = [[0.0, 1.0, 0.5], [0.25, 1.0, 0.0]];
    times::<Linear, _>(SquaredError, SquaredError.reduction(Reduction::Sum), &values, &targets, 3.0);
    times::<Linear, _>(MeanAbsoluteError, MeanAbsoluteError.reduction(Reduction::Sum), &values, &targets, 3.0);
    times::<Sigmoid, _>(BinaryCrossEntropy, BinaryCrossEntropy.reduction(Reduction::Sum), &values, &targets, 3.0);
    let smoothed = CrossEntropy.label_smoothing(0.1).unwrap();
    times::<Softmax, _>(smoothed, smoothed.reduction(Reduction::Sum), &values, &[[0_u8, 1, 1]], 3.0);
    times::<Softmax, _>(smoothed, smoothed.reduction(Reduction::Sum), &values, &[1_usize, 0], 1.0);
}

#[test]
fn nonsense_shows_in_the_loss_or_is_refused() {
    let loss = CrossEntropy::new();
    let value = |logits: [f64; 2], label: usize| Loss::<Softmax, usize>::value(&loss, &logits, &[label]);
    assert!(value([f64::NAN, 0.0], 1).is_nan());
    assert!(value([f64::INFINITY, 0.0], 1).is_nan());
    assert_eq!(value([0.0, 0.0], 2), f64::INFINITY, "a label that is no class");
    assert!(BinaryCrossEntropy.value(&[f64::NAN], &[true]).is_nan());
    assert!(Loss::<Linear, _>::value(&MeanAbsoluteError, &[f64::NAN], &[[0.0_f64]]).is_nan());
    for share in [-0.1, 1.0, f64::NAN] {
        assert!(loss.label_smoothing(share).is_err(), "{share}");
    }
}

#[test]
fn targets_that_no_network_can_meet_name_their_sample() {
    let told = |result: Result<(), netwright_runtime::Error>| result.unwrap_err().to_string();
    let loss = CrossEntropy::new();
    let message = told(Loss::<Softmax, usize>::check(&loss, Shape::Flat(10), &[3, 10], "the set"));
    assert_eq!(message, "the set: sample 1 has the label 10; the classes are 0 to 9");
    let message = told(Loss::<Softmax, [f32; 2]>::check(&loss, Shape::Flat(2), &[[1.0, 0.0], [1.5, 0.0]], "the set"));
    assert_eq!(message, "the set: the target of sample 1 is 1.5; it must be a share between 0 and 1");
    assert!(Loss::<Softmax, [f32; 3]>::check(&loss, Shape::Flat(2), &[[1.0, 0.0, 0.0]], "the set").is_err());
    assert!(Loss::<Softmax, [usize; 2]>::check(&loss, image(1, 2, 3), &[[0, 2], [1, 3]], "the set").is_err());
    assert!(Loss::<Softmax, [usize; 2]>::check(&loss, image(1, 2, 3), &[[0, 2], [1, 2]], "the set").is_ok());
    // Eight labels for sixteen pixels of two classes are not labels for eight pixels of four.
    let message = told(Loss::<Softmax, Vec<u8>>::check(&loss, image(4, 4, 2), &[vec![3; 8]], "the set"));
    assert_eq!(
        message,
        "the labels of one target, one for each position of the answer: 8 elements, where 16 were expected"
    );
    assert!(Loss::<Softmax, usize>::check(&loss, image(4, 4, 2), &[3], "the set").is_err());
    assert!(Loss::<Softmax, [f32; 4]>::check(&loss, image(1, 2, 2), &[[1.0, 0.0, 0.0, 0.0]], "the set").is_err());
    assert!(Loss::<Sigmoid, [u8; 2]>::check(&BinaryCrossEntropy, image(1, 2, 1), &[[0, 1]], "the set").is_ok());
    assert!(Loss::<Sigmoid, [u8; 2]>::check(&BinaryCrossEntropy, image(1, 2, 1), &[[0, 2]], "the set").is_err());
    assert!(Loss::<Sigmoid, [u8; 2]>::check(&BinaryCrossEntropy, image(1, 3, 1), &[[0, 1]], "the set").is_err());
    assert!(Loss::<Sigmoid, usize>::check(&BinaryCrossEntropy, Shape::Flat(1), &[0, 1, 2], "the set").is_err());
    assert!(Loss::<Sigmoid, bool>::check(&BinaryCrossEntropy, Shape::Flat(2), &[true], "the set").is_err());
    assert!(Loss::<Linear, [f32; 1]>::check(&SquaredError, Shape::Flat(1), &[[f32::NAN]], "the set").is_err());
    assert!(Loss::<Softmax, usize>::check(&loss, Shape::Flat(10), &[0, 9], "the set").is_ok());
}
