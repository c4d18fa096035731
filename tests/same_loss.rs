//! The loss of the same data is the same value in training, evaluation, validation, attacks and hand-written loops.

use netwright::Pass;
use netwright::loss::{Loss, MeanAbsoluteError};
use netwright::optim::Optimizer;
use netwright::prelude::*;
use netwright::train::{
    Attack, GradientEngine, Target, Threads, Trainable, Validator, adversarial::evaluate_under, evaluate,
};

netwright::network! {
    Yes(1) { dense 1 sigmoid }
    Several(3) { dense 7 tanh; dense 4 sigmoid }
    Classes(3) { dense 9 relu; dense 5 softmax }
    Logarithms(3) { dense 9 relu; dense 5 logsoftmax }
    Bare(3) { softmax }
    /// The sigmoid follows a scale that folds into the dense layer, which could have the sigmoid as its epilogue.
    Folded(3) { dense 8; scale 3; sigmoid }
    Map(4x4x2) { conv 3x3x4 same relu; conv 1x1x3; softmax }
    Mask(4x4x2) { conv 3x3x3 same sigmoid }
    Values(3) { dense 6 relu; dense 2 }
}

/// Creates a network with weights scaled by `factor`; with a large factor most outputs round to 0 and 1.
fn scaled<N: Trainable>(factor: f64) -> N {
    let mut network = N::init(5);
    for number in network.parameters_mut() {
        *number = netwright::private::Scalar::from_f64(netwright::private::Scalar::to_f64(*number) * factor);
    }
    network
}

/// Returns the mean loss of a sample, computed in training at rate 0 and in every other way.
fn losses<N, Y, L>(network: &N, inputs: &[N::Input], targets: &[Y], loss: &L) -> Vec<(&'static str, f64)>
where
    N: Trainable<Input: netwright::private::Output<N::Scalar>>,
    Y: Target,
    L: Loss<N::Head, Y> + Copy,
    Sgd<N::Scalar>: Optimizer<N::Scalar>,
{
    let set = Dataset::new(inputs.to_vec(), targets.to_vec()).unwrap();
    let mut engine = GradientEngine::<N>::new(inputs.len(), 2).unwrap();
    let step = engine.gradient(&mut network.clone(), inputs, targets, loss, Pass::default()).unwrap().mean();

    let mut trained = network.clone();
    let trainer = Trainer::new().epochs(1).unwrap().batch(7).unwrap().loss(*loss).progress(false);
    let trainer = trainer.optimizer(Sgd::<N::Scalar>::new(0.0).unwrap());
    let history = trainer.fit(&mut trained, &set, Some(&set)).unwrap();
    let epoch = history.last().unwrap();

    let mut workspace = N::workspace(inputs.len());
    trained.forward(Pass::default(), inputs, &mut workspace).unwrap();
    let values = workspace.loss_operands(L::SEED).0;
    let own = loss.value(values, targets) / inputs.len() as f64;

    let mut validator = Validator::new(&set).unwrap();
    let validated = validator.measure(network, loss, &Threads::new(2).unwrap()).unwrap();
    let unchanged = Attack::fgsm(0.0).unwrap();
    vec![
        ("a step", step),
        ("an epoch at rate 0", epoch.loss),
        ("its validation", epoch.validation_loss.unwrap()),
        ("a loop of one's own", own),
        ("a validator", validated.loss.mean()),
        ("evaluate", evaluate(network, &set, loss).unwrap().mean()),
        ("evaluate_under", evaluate_under(network, &set, loss, &unchanged).unwrap().mean()),
    ]
}

fn assert_same<N, Y, L>(factor: f64, inputs: &[N::Input], targets: &[Y], loss: &L) -> f64
where
    N: Trainable<Input: netwright::private::Output<N::Scalar>>,
    Y: Target,
    L: Loss<N::Head, Y> + Copy,
    Sgd<N::Scalar>: Optimizer<N::Scalar>,
{
    let found = losses(&scaled::<N>(factor), inputs, targets, loss);
    let expected = found[0].1;
    for (who, loss) in &found {
        // The terms are the same; the order of summation is not.
        assert!((loss - expected).abs() <= 1e-14 * expected, "{}: {who} says {loss} of {found:?}", N::NAME);
    }
    expected
}

fn features<T: netwright::private::Scalar>() -> Vec<[T; 3]> {
    (0..50).map(|i| core::array::from_fn(|k| T::from_f64(f64::from((7 * i + 3 * k as i32) % 11) / 5.0 - 1.0))).collect()
}

#[test]
fn a_loss_is_the_same_in_every_computation() {
    let labels: Vec<usize> = (0..50).map(|i| i * 3 % 5).collect();
    let several: Vec<[f32; 4]> = (0..50).map(|i| core::array::from_fn(|k| ((i * 5 + k) % 3 % 2) as f32)).collect();
    let pairs: Vec<[f32; 2]> = (0..50).map(|i| [i as f32 / 50.0, 1.0]).collect();
    for factor in [1.0, 30.0] {
        assert_same::<Classes, _, _>(factor, &features(), &labels, &CrossEntropy::new());
        assert_same::<Classes<f64>, _, _>(factor, &features(), &labels, &CrossEntropy::new());
        let of_logarithms = assert_same::<Logarithms, _, _>(factor, &features(), &labels, &CrossEntropy::new());
        let of_classes = assert_same::<Classes, _, _>(factor, &features(), &labels, &CrossEntropy::new());
        assert_eq!(of_logarithms, of_classes, "the negative log-likelihood is the cross-entropy");
        assert_same::<Several, _, _>(factor, &features(), &several, &BinaryCrossEntropy);
        assert_same::<Several<f64>, _, _>(factor, &features(), &several, &BinaryCrossEntropy);
        assert_same::<Several, _, _>(factor, &features(), &several, &MeanAbsoluteError);
        assert_same::<Values, _, _>(factor, &features(), &pairs, &SquaredError);
    }
    let labels: Vec<usize> = labels.iter().map(|label| label % 3).collect();
    assert_same::<Bare, _, _>(1.0, &features().map_numbers(|x| 300.0 * x), &labels, &CrossEntropy::new());
}

trait MapNumbers {
    fn map_numbers(self, change: impl Fn(f32) -> f32) -> Self;
}

impl MapNumbers for Vec<[f32; 3]> {
    fn map_numbers(self, change: impl Fn(f32) -> f32) -> Self {
        self.into_iter().map(|row| row.map(&change)).collect()
    }
}

#[test]
fn a_loss_of_pixels_is_the_same_in_every_computation() {
    let images: Vec<Tensor<4, 4, 2>> =
        (0..20).map(|i| Tensor::from_fn(|y, x, c| ((i * 5 + y * 3 + x * 7 + c) % 13) as f32 / 6.0 - 1.0)).collect();
    let labels: Vec<[usize; 16]> = (0..20).map(|i| core::array::from_fn(|p| (i + p * p) % 3)).collect();
    let masks: Vec<Tensor<4, 4, 3>> =
        (0..20).map(|i| Tensor::from_fn(|y, x, c| ((i + y + x * c) % 2) as f32)).collect();
    for factor in [1.0, 40.0] {
        assert_same::<Map, _, _>(factor, &images, &labels, &CrossEntropy::new());
        assert_same::<Mask, _, _>(factor, &images, &masks, &BinaryCrossEntropy);
    }
}

#[test]
fn the_loss_of_a_saturated_wrong_output_is_its_logit() {
    let mut network = Yes::init(1);
    network.tensor_mut("dense1", "kernel").unwrap().fill(17.0);
    let set = Dataset::new(vec![[1.0_f32]], vec![false]).unwrap();
    assert_eq!(network.predict(&[1.0]), [1.0], "1 − 4·10⁻⁸ is no number of single precision");
    let loss = evaluate(&network, &set, &BinaryCrossEntropy).unwrap();
    assert!((loss.mean() - 17.0 - (-17.0_f64).exp().ln_1p()).abs() < 1e-12, "{loss:?}");
    assert_eq!(loss.accuracy(), Some(0.0));
    // The output is below the smallest value of single precision, so its logarithm would be infinite.
    network.tensor_mut("dense1", "kernel").unwrap().fill(-4000.0);
    let set = Dataset::new(vec![[1.0_f32]], vec![true]).unwrap();
    assert_eq!(evaluate(&network, &set, &BinaryCrossEntropy).unwrap().mean(), 4000.0);
}

#[test]
fn logits_are_the_inputs_of_the_head_and_the_outputs_without_one() {
    let inputs = features::<f32>();
    fn both<N: Trainable<Input = [f32; 3]>>(inputs: &[[f32; 3]], wanted: usize) -> [Vec<N::Output>; 2] {
        let network = scaled::<N>(2.0);
        let zeros = vec![netwright::private::Output::zeros(); inputs.len()];
        let (mut answers, mut logits) = (zeros.clone(), zeros);
        network.predict_with_logits(inputs, &mut answers, &mut logits[..wanted]);
        [answers, logits]
    }
    let [answers, logits] = both::<Folded>(&inputs, 50);
    assert_eq!(answers, scaled::<Folded>(2.0).predict_batch(&inputs));
    for (answer, logit) in answers.as_flattened().iter().zip(logits.as_flattened()) {
        assert!((answer - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6);
    }
    let [some, first] = both::<Folded>(&inputs, 35);
    assert_eq!((&some[..35], &first[..35]), (&answers[..35], &logits[..35]));
    assert_eq!((&some[35..], &first[35..]), (&[[0.0; 8]; 15][..], &[[0.0; 8]; 15][..]));
    let [answers, logits] = both::<Bare>(&inputs, 50);
    assert_eq!((logits, answers.len()), (inputs.clone(), 50));
    let [answers, logits] = both::<Values>(&inputs, 50);
    assert_eq!(answers, logits);
}
