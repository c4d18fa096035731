//! The optimisers follow the trajectories of PyTorch and Keras.

use netwright_runtime::Shape;
use netwright_runtime::init::Init;
use netwright_runtime::layer::{Axes, Layer, ParameterKind, ParameterTensor, WeightLayout};
use netwright_train::loss::{CrossEntropy, Loss};
use netwright_train::optim::{Adam, AdamW, Epsilon, Optimizer, RmsProp, Sgd};
use serde_json::Value;

fn numbers(list: &Value) -> Vec<f64> {
    match list {
        Value::Array(parts) => parts.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// Returns the largest difference, relative to numbers above 1.
fn difference(found: &[f64], expected: &[f64], what: &str) -> f64 {
    assert_eq!(found.len(), expected.len(), "{what}");
    let each = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs() / expected.abs().max(1.0));
    let largest = each.fold(0.0, f64::max);
    assert!(largest <= 1e-10, "{what}: {found:?}, not {expected:?}");
    largest
}

/// Returns a layer for each parameter tensor of a problem; the last part of its name and its `decay` determine its kind.
fn layers(problem: &Value) -> Vec<Layer> {
    let mut offset = 0;
    let mut layers = Vec::new();
    for tensor in problem["params"].as_array().unwrap() {
        let len = tensor["data"].as_array().unwrap().len();
        let name: &'static str = tensor["name"].as_str().unwrap().to_owned().leak();
        let kind = if tensor["decay"] == true { ParameterKind::Weight } else { ParameterKind::Bias };
        let init = Init::Constant(0.0);
        let (shape, fan) = (&*vec![len].leak(), len);
        let tensor = ParameterTensor {
            name,
            kind,
            shape,
            offset,
            len,
            fan_in: fan,
            fan_out: fan,
            init,
            layout: WeightLayout::of(Axes::Own),
        };
        let (input, output) = (Shape::Flat(1), Shape::Flat(1));
        layers.push(Layer {
            name,
            text: "",
            input,
            output,
            activation: None,
            tensors: vec![tensor].leak(),
            macs: 0,
            frozen: false,
            foreign: None,
        });
        offset += len;
    }
    layers
}

fn optimizer(run: &Value) -> Box<dyn Optimizer<f64>> {
    let hyper = |name: &str| run["hyper"][name].as_f64();
    let given = |name: &str| hyper(name).unwrap_or_else(|| panic!("{name} of {run}"));
    let (rate, l2) = (given("lr"), run["l2"].as_f64().unwrap());
    let placement = if run["engine"] == "keras" { Epsilon::Keras } else { Epsilon::Torch };
    let id = run["id"].as_str().unwrap();
    match id.split('_').next().unwrap() {
        "adam" => {
            let adam = Adam::new(rate).unwrap().betas(given("beta1"), given("beta2")).unwrap();
            Box::new(adam.epsilon(given("eps")).unwrap().epsilon_placement(placement).l2(l2).unwrap())
        }
        "adamw" => {
            let adam = AdamW::new(rate).unwrap().betas(given("beta1"), given("beta2")).unwrap();
            let adam = adam.epsilon(given("eps")).unwrap().epsilon_placement(placement);
            Box::new(adam.weight_decay(given("weight_decay")).unwrap())
        }
        "rmsprop" => {
            let smoothing = hyper("alpha").unwrap_or_else(|| given("rho"));
            let rms_prop = RmsProp::new(rate).unwrap().smoothing(smoothing).unwrap().epsilon(given("eps")).unwrap();
            let rms_prop = rms_prop.momentum(hyper("momentum").unwrap_or(0.0)).unwrap();
            Box::new(rms_prop.epsilon_placement(placement).l2(l2).unwrap())
        }
        "sgd" | "momentum" | "nesterov" => {
            let sgd = Sgd::new(rate).unwrap().momentum(hyper("momentum").unwrap_or(0.0)).unwrap();
            Box::new(sgd.nesterov(run["hyper"]["nesterov"] == true).l2(l2).unwrap())
        }
        _ => panic!("an optimiser not known here: {id}"),
    }
}

/// Computes ½ w'Aw − b'w and its gradient.
fn quadratic(problem: &Value, w: &[f64]) -> (f64, Vec<f64>) {
    let (a, b) = (numbers(&problem["A"]), numbers(&problem["b"]));
    let aw: Vec<f64> = a.chunks(w.len()).map(|row| row.iter().zip(w).map(|(a, w)| a * w).sum()).collect();
    let loss = w.iter().zip(&aw).zip(&b).map(|((w, aw), b)| 0.5 * w * aw - b * w).sum();
    (loss, aw.iter().zip(&b).map(|(aw, b)| aw - b).collect())
}

/// Computes the mean cross-entropy of dense 5 tanh, softmax 3 on four features, and its gradient.
fn perceptron(problem: &Value, w: &[f64]) -> (f64, Vec<f64>) {
    const I: usize = 4;
    const H: usize = 5;
    const K: usize = 3;
    let x = numbers(&problem["x"]["data"]);
    let labels: Vec<usize> = numbers(&problem["labels"]).iter().map(|&label| label as usize).collect();
    let (w1, rest) = w.split_at(I * H);
    let (b1, rest) = rest.split_at(H);
    let (w2, b2) = rest.split_at(H * K);
    let (mut loss, mut gradient) = (0.0, vec![0.0; w.len()]);
    let scale = 1.0 / labels.len() as f64;
    for (x, &label) in x.chunks(I).zip(&labels) {
        let hidden: Vec<f64> =
            (0..H).map(|h| (b1[h] + (0..I).map(|i| x[i] * w1[i * H + h]).sum::<f64>()).tanh()).collect();
        let logits: Vec<f64> = (0..K).map(|k| b2[k] + (0..H).map(|h| hidden[h] * w2[h * K + k]).sum::<f64>()).collect();
        let mut d_logits = [0.0; K];
        loss += scale
            * Loss::<netwright_runtime::head::Softmax, usize>::evaluate(
                &CrossEntropy::new(),
                &logits,
                &[label],
                scale,
                &mut d_logits,
            );
        let (g1, rest) = gradient.split_at_mut(I * H);
        let (gb1, rest) = rest.split_at_mut(H);
        let (g2, gb2) = rest.split_at_mut(H * K);
        for h in 0..H {
            let back: f64 = (0..K).map(|k| d_logits[k] * w2[h * K + k]).sum();
            let d_hidden = back * (1.0 - hidden[h] * hidden[h]);
            gb1[h] += d_hidden;
            (0..I).for_each(|i| g1[i * H + h] += x[i] * d_hidden);
            (0..K).for_each(|k| g2[h * K + k] += hidden[h] * d_logits[k]);
        }
        (0..K).for_each(|k| gb2[k] += d_logits[k]);
    }
    (loss, gradient)
}

#[test]
fn all_trajectories() {
    let golden: Value = serde_json::from_str(include_str!("golden/optim.json")).unwrap();
    let (mut runs, mut worst) = (0, 0.0_f64);
    let mut close = |found: &[f64], expected: &[f64], what: &str| worst = worst.max(difference(found, expected, what));
    for problem in golden["problems"].as_array().unwrap() {
        let layers = layers(problem);
        let start: Vec<f64> =
            problem["params"].as_array().unwrap().iter().flat_map(|tensor| numbers(&tensor["data"])).collect();
        let function = if problem["name"] == "quadratic" { quadratic } else { perceptron };
        for run in problem["runs"].as_array().unwrap() {
            let what = format!("{} {}", problem["name"], run["id"]);
            let mut optimizer = optimizer(run);
            let mut w = start.clone();
            for step in run["trajectory"].as_array().unwrap() {
                let (loss, gradient) = function(problem, &w);
                close(&[loss], &numbers(&step["loss"]), &what);
                close(&gradient, &numbers(&step["grad_of_loss"]), &what);
                close(&[optimizer.penalty(&layers, &w).unwrap()], &numbers(&step["penalty"]), &what);
                optimizer.step(optimizer.rate(), &layers, &mut w, &gradient).unwrap();
                close(&w, &numbers(&step["params_after"]), &what);
                // PyTorch names RMSProp's mean square `v_sq`, and its momentum `v`.
                let (first, second) = match optimizer.name() {
                    "Adam" | "AdamW" => ("state_m", "state_v"),
                    "RmsProp" => ("state_v_sq", "state_v"),
                    _ => ("state_v", ""),
                };
                for ((name, slice), golden) in optimizer.state().iter().zip([first, second]) {
                    if !step[golden].is_null() {
                        close(slice, &numbers(&step[golden]), &format!("{what} {name}"));
                    }
                }
            }
            close(&[function(problem, &w).0], &numbers(&run["final_loss"]), &what);
            runs += 1;
        }
    }
    assert_eq!(runs, 2 * 17);
    println!("{runs} trajectories, at most {worst:.1e} from the reference");
}
