//! An observer sees the values and gradients between the kernels of a pass, and can change them.

use netwright::{Architecture, GradientSeed, Network, Observer, Pass};

netwright::network! {
    Chain(2x2x1) { conv 1x1x2; relu; flatten; dense 2 }
    Branches(2) { add { dense 2 } { dense 2 tanh } { }; scale 3 }
}

/// Records each layer's values and gradients, and replaces those of one layer.
#[derive(Default)]
struct Notes {
    values: Vec<(usize, Vec<f64>)>,
    gradients: Vec<(usize, Vec<f64>)>,
    propagated: Vec<usize>,
    value: Option<(usize, f64)>,
    gradient: Option<(usize, f64)>,
}

impl Notes {
    fn last(&self, layer: usize) -> &[f64] {
        let (_, values) = self.values.iter().rfind(|(seen, _)| *seen == layer).expect("it was seen");
        values
    }
}

impl Observer<f64> for Notes {
    fn computed(&mut self, layer: usize, values: &mut [f64]) {
        if let Some((_, value)) = self.value.filter(|(replaced, _)| *replaced == layer) {
            values.fill(value);
        }
        self.values.push((layer, values.to_vec()));
    }

    fn gradient(&mut self, layer: usize, gradient: &mut [f64]) {
        if let Some((_, value)) = self.gradient.filter(|(replaced, _)| *replaced == layer) {
            gradient.fill(value);
        }
        self.gradients.push((layer, gradient.to_vec()));
    }

    fn propagated(&mut self, layer: usize) {
        self.propagated.push(layer);
    }
}

fn layer<N: Architecture>(name: &str) -> usize {
    N::LAYERS.iter().position(|layer| layer.name == name).expect("it is a layer")
}

/// Runs a forward pass and, from output gradients of 1, a backward pass; returns the outputs and the input gradient.
fn run<N: Network<Scalar = f64>>(network: &mut N, image: N::Input, notes: &mut Notes) -> (Vec<f64>, Vec<f64>) {
    use netwright::private::Sample;
    let (mut workspace, mut gradients) = (N::workspace(1), N::gradients());
    let images = [image];
    let answers = network.forward_observed(Pass::default(), &images, &mut workspace, notes).expect("it fits");
    let answer = Sample::many(answers).to_vec();
    workspace.output_gradient_mut().fill(1.0);
    let mut input_gradient = vec![0.0; N::INPUT.len()];
    workspace
        .backward_observed(
            Pass::default(),
            GradientSeed::Output,
            network.parameters(),
            &images,
            &mut gradients,
            &mut input_gradient,
            notes,
        )
        .expect("it fits");
    (answer, input_gradient)
}

#[test]
fn every_layer_is_seen_in_both_passes_even_if_it_works_in_place() {
    let mut network = Chain::<f64>::init(1);
    let image = netwright::Tensor::new([[[1.0], [-1.0]], [[0.5], [2.0]]]);
    let mut notes = Notes::default();
    let (answer, _) = run(&mut network, image, &mut notes);
    for (index, entry) in Chain::<f64>::LAYERS.iter().enumerate() {
        assert_eq!(notes.last(index).len(), entry.output.len(), "{}", entry.name);
        assert!(notes.gradients.iter().any(|(seen, _)| *seen == index), "{}", entry.name);
    }
    let [conv, relu, flatten, dense] = ["conv1", "relu1", "flatten1", "dense1"].map(layer::<Chain<f64>>);
    assert!(notes.last(conv).iter().any(|value| *value < 0.0), "before the rectifier");
    let rectified: Vec<f64> = notes.last(conv).iter().map(|value| value.max(0.0)).collect();
    assert_eq!(notes.last(relu), rectified);
    assert_eq!(notes.last(flatten), rectified);
    assert_eq!(notes.last(dense), answer);
    let order: Vec<usize> = notes.gradients.iter().map(|(index, _)| *index).collect();
    assert_eq!(order, [dense, flatten, relu, conv]);
    assert_eq!(notes.propagated.first(), Some(&dense));
    assert_eq!(notes.propagated.last(), Some(&conv));
}

#[test]
fn later_layers_read_changed_values() {
    let mut network = Chain::<f64>::init(1);
    let image = netwright::Tensor::new([[[1.0], [-1.0]], [[0.5], [2.0]]]);
    let mut notes = Notes { value: Some((layer::<Chain<f64>>("relu1"), 0.0)), ..Notes::default() };
    let (answer, _) = run(&mut network, image, &mut notes);
    assert_eq!(network.tensor("dense1", "bias"), Some(&answer[..]), "nothing came through the rectifier");
    assert_ne!(network.predict(&image).to_vec(), answer, "other passes are left alone");
}

#[test]
fn a_gradient_that_is_changed_in_one_branch_leaves_the_others_alone() {
    let mut network = Branches::<f64>::init(1);
    let second = layer::<Branches<f64>>("dense2");
    let mut plain = Notes::default();
    let (_, gradient) = run(&mut network, [0.3, -0.2], &mut plain);
    let mut without = Notes { gradient: Some((second, 0.0)), ..Notes::default() };
    let (_, rest) = run(&mut network, [0.3, -0.2], &mut without);
    // The rest of the gradient: 3 from the identity, and 3 times the first branch's weights.
    let weights = network.tensor("dense1", "kernel").expect("it has a kernel");
    for (input, found) in rest.iter().enumerate() {
        let expected = 3.0 + 3.0 * (weights[2 * input] + weights[2 * input + 1]);
        assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
    }
    assert_ne!(gradient, rest);
    let seen = |notes: &Notes| notes.gradients.iter().find(|(seen, _)| *seen == second).map(|(_, g)| g.clone());
    assert_eq!(seen(&plain), Some(vec![3.0, 3.0]));
}

#[test]
fn a_prediction_can_be_observed_and_changed() {
    let network = Branches::<f64>::init(1);
    let mut notes = Notes::default();
    assert_eq!(network.predict_observed(&[0.3, -0.2], &mut notes), network.predict(&[0.3, -0.2]));
    let scale = layer::<Branches<f64>>("scale1");
    assert_eq!(notes.last(scale), network.predict(&[0.3, -0.2]));
    let mut notes = Notes { value: Some((scale, 7.0)), ..Notes::default() };
    assert_eq!(network.predict_observed(&[0.3, -0.2], &mut notes), [7.0, 7.0]);
}
