//! Pools, activations, normalisations and operations on several values against PyTorch's outputs and gradients.

use netwright_abi::Epilogue;
use netwright_compute::Pass;
use netwright_compute::context::Context;
use netwright_compute::kernels::activation::{self, Activation};
use netwright_compute::kernels::{
    Kernels, add, batchnorm, concat, copy, dropout, layernorm, lrn, multiply, pad, pool, prelu, scale, softmax,
    upsample,
};
use serde_json::Value;

/// One case: the inputs, and the expected results.
struct Case<'a> {
    json: &'a Value,
    /// The largest error of a result, relative to the larger of the element and a tenth of the largest of its array.
    tolerance: f64,
}

impl Case<'_> {
    fn elements<T: Kernels>(&self, name: &str) -> Vec<T> {
        self.optional(name).unwrap_or_else(|| panic!("{} has no {name}", self.id()))
    }

    fn optional<T: Kernels>(&self, name: &str) -> Option<Vec<T>> {
        let list = self.json.get(name)?.as_array()?;
        Some(list.iter().map(|x| T::from_f64(x.as_f64().unwrap())).collect())
    }

    fn parameter<T: Kernels>(&self, name: &str) -> Vec<T> {
        self.optional(name).unwrap_or_default()
    }

    fn id(&self) -> &str {
        self.json["id"].as_str().unwrap()
    }

    fn attribute(&self, name: &str) -> &Value {
        &self.json["attrs"][name]
    }

    fn number(&self, name: &str) -> f64 {
        self.attribute(name).as_f64().unwrap()
    }

    fn sizes<const N: usize>(value: &Value) -> [usize; N] {
        core::array::from_fn(|i| value[i].as_u64().unwrap() as usize)
    }

    fn shape(&self) -> Vec<usize> {
        self.json["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
    }

    /// Returns the shape of one image, for a case of images with height, width and channels.
    fn image(&self) -> [usize; 3] {
        self.shape()[1..].try_into().unwrap()
    }

    fn batch(&self) -> usize {
        self.shape()[0]
    }

    fn len(&self) -> usize {
        self.shape()[1..].iter().product()
    }

    fn expect<T: Kernels>(&self, name: &str, actual: &[T]) {
        let expected = self.elements::<f64>(name);
        assert_eq!(actual.len(), expected.len(), "{}: {name}", self.id());
        let largest = expected.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        for (i, (actual, &expected)) in actual.iter().zip(&expected).enumerate() {
            let error = (actual.to_f64() - expected).abs();
            assert!(
                error <= self.tolerance * expected.abs().max(0.1 * largest),
                "{} in {}: {name}[{i}] is {actual:e}, not {expected:e}",
                self.id(),
                T::NAME
            );
        }
    }
}

fn zeros<T: Kernels>(len: usize) -> Vec<T> {
    vec![T::ZERO; len]
}

fn pools<T: Kernels>(case: &Case, maximum: bool, global: bool) {
    let (mut x, mut input) = (case.elements::<T>("x"), case.image());
    let batch = case.batch();
    let [high, wide, channels] = input;
    let (window, stride, mut padding) = if global {
        ([high, wide], [high, wide], [0; 4])
    } else {
        let attribute = |name| Case::sizes(case.attribute(name));
        (attribute("kernel"), attribute("stride"), Case::sizes::<4>(case.attribute("pads_tblr")))
    };
    if case.attribute("ceil_mode") == &Value::Bool(true) {
        (padding[1], padding[3]) = (stride[0] - 1, stride[1] - 1);
    }
    // Padding that is included in the mean is a layer of its own.
    let zeros_count =
        case.attribute("pad_value").is_number() || case.attribute("count_include_pad") == &Value::Bool(true);
    let border = zeros_count.then_some(pad::Spec { input, padding });
    if let Some(border) = border {
        input = border.output();
        padding = [0; 4];
        let mut padded = zeros(batch * input.iter().product::<usize>());
        T::zeropad_forward(&Context::of(batch), &border, &x, &mut padded);
        x = padded;
    }
    let output =
        if global { [1, 1, channels] } else { Case::sizes::<4>(&case.json["output_shape"])[1..].try_into().unwrap() };
    let spec = pool::Spec { input, output, window, stride, padding, epilogue: netwright_abi::Epilogue::NONE };
    let (mut y, dy, mut dx) = (zeros(batch * spec.output_len()), case.elements::<T>("dy"), zeros(x.len()));
    if maximum {
        T::maxpool_forward(&Context::of(batch), &spec, &x, &[], &[], &mut y);
        T::maxpool_grad(&Context::of(batch), &spec, &x, &y, &dy, &mut dx);
    } else {
        T::avgpool_forward(&Context::of(batch), &spec, &x, &[], &[], &mut y);
        T::avgpool_grad(&Context::of(batch), &spec, &dy, &mut dx);
    }
    case.expect("output", &y);
    if let Some(border) = border {
        let mut inner = zeros(case.batch() * case.len());
        T::zeropad_grad(&Context::of(batch), &border, &dx, &mut inner);
        dx = inner;
    }
    case.expect("d_x", &dx);
}

fn activations<T: Kernels>(case: &Case) {
    let name = case.attribute("name").as_str().unwrap();
    let activation = match name {
        "relu" => Activation::Relu,
        "leaky_relu" => Activation::LeakyRelu(case.number("slope")),
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        "elu" => Activation::Elu(case.number("alpha")),
        "selu" => Activation::Selu,
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "softplus" => Activation::Softplus,
        "hard_sigmoid" => Activation::HardSigmoid(1.0 / 6.0),
        "hard_sigmoid_keras2" => Activation::HardSigmoid(0.2),
        "relu6" => Activation::Relu6,
        "gelu_tanh" => Activation::GeluTanh,
        "softsign" => Activation::Softsign,
        "exp" => Activation::Exp,
        other => panic!("{other}"),
    };
    let spec = activation::Spec::new(activation, case.len());
    let (x, dy) = (case.elements::<T>("x"), case.elements::<T>("dy"));
    let mut y = x.clone();
    T::activation_forward(&Context::of(case.batch()), &spec, &[], &mut y);
    case.expect("output", &y);
    // PyTorch multiplies by 1/6 rounded to f32 there.
    let rounded = if name == "hard_sigmoid" { 1e-7 } else { 0.0 };
    let case = &Case { tolerance: case.tolerance.max(rounded), ..*case };
    let mut dx = dy.clone();
    T::activation_grad_from_input(&Context::of(case.batch()), &spec, &Pass::default(), &x, &[], &mut dx);
    case.expect("d_x", &dx);
    if activation.has_gradient_from_output() {
        let mut dx = dy;
        T::activation_grad_from_output(&Context::of(case.batch()), &spec, &Pass::default(), &y, &[], &mut dx);
        case.expect("d_x", &dx);
    }
}

fn batch_normalisation<T: Kernels>(case: &Case) {
    let channels = *case.shape().last().unwrap();
    let (epsilon, momentum) = (case.number("eps"), case.number("momentum_keep_old"));
    let spec = batchnorm::Spec { rows: case.len() / channels, channels, epsilon, momentum, activation: None };
    let (x, gamma, beta) = (case.elements::<T>("x"), case.parameter("gamma"), case.parameter("beta"));
    let (mut mean, mut variance) = (case.elements::<T>("moving_mean"), case.elements::<T>("moving_variance"));
    if case.attribute("mode") == "infer" {
        let mut values = x;
        T::batchnorm_predict_forward(
            &Context::of(case.batch()),
            &spec,
            &gamma,
            &beta,
            &mean,
            &variance,
            &[],
            &mut values,
        );
        return case.expect("output", &values);
    }
    let (mut y, mut saved, mut inverse) = (zeros(x.len()), zeros(channels), zeros(channels));
    T::batchnorm_train_forward(
        &Context::of(case.batch()),
        &spec,
        &Pass::default(),
        &x,
        &gamma,
        &beta,
        &mut mean,
        &mut variance,
        &mut y,
        &mut saved,
        &mut inverse,
    );
    case.expect("output", &y);
    case.expect("new_mean", &mean);
    case.expect("new_variance", &variance);
    let (mut dx, mut dgamma, mut dbeta) = (case.elements::<T>("dy"), zeros(gamma.len()), zeros(beta.len()));
    T::batchnorm_grad(
        &Context::of(case.batch()),
        &spec,
        &Pass::default(),
        &x,
        &gamma,
        &beta,
        &saved,
        &inverse,
        &[],
        &mut dx,
        &mut dgamma,
        &mut dbeta,
    );
    case.expect("d_x", &dx);
    if !gamma.is_empty() {
        case.expect("d_gamma", &dgamma);
    }
    if !beta.is_empty() {
        case.expect("d_beta", &dbeta);
    }
}

fn layer_normalisation<T: Kernels>(case: &Case) {
    let axes: Vec<usize> =
        case.attribute("axes").as_array().unwrap().iter().map(|a| a.as_u64().unwrap() as usize).collect();
    let channels = axes.iter().map(|&axis| case.shape()[axis]).product();
    let spec = layernorm::Spec {
        rows: case.len() / channels,
        channels,
        epsilon: case.number("eps"),
        epilogue: Epilogue::NONE,
    };
    let (x, gamma, beta) = (case.elements::<T>("x"), case.parameter("gamma"), case.parameter("beta"));
    let mut y = zeros(x.len());
    T::layernorm_forward(&Context::of(case.batch()), &spec, &x, &gamma, &beta, &mut y);
    case.expect("output", &y);
    let (mut dx, mut dgamma, mut dbeta) = (case.elements::<T>("dy"), zeros(gamma.len()), zeros(beta.len()));
    T::layernorm_grad(&Context::of(case.batch()), &spec, &x, &gamma, &mut dx, &mut dgamma, &mut dbeta);
    case.expect("d_x", &dx);
    if !gamma.is_empty() {
        case.expect("d_gamma", &dgamma);
        case.expect("d_beta", &dbeta);
    }
}

fn response_normalisation<T: Kernels>(case: &Case) {
    let [height, width, channels] = case.image();
    let size = case.number("size");
    let divided = case.attribute("alpha_divided_by_size") == &Value::Bool(true);
    let alpha = case.number("alpha") / if divided { size } else { 1.0 };
    let (beta, k) = (case.number("beta"), case.number("k"));
    let spec =
        lrn::Spec { rows: height * width, channels, size: size as usize, alpha, beta, k, epilogue: Epilogue::NONE };
    let (x, dy) = (case.elements::<T>("x"), case.elements::<T>("dy"));
    let (mut y, mut dx) = (zeros(x.len()), zeros(x.len()));
    T::lrn_forward(&Context::of(case.batch()), &spec, &x, &mut y);
    T::lrn_grad(&Context::of(case.batch()), &spec, &x, &dy, &mut dx);
    case.expect("output", &y);
    case.expect("d_x", &dx);
}

fn parametric_relu<T: Kernels>(case: &Case) {
    let (x, slopes) = (case.elements::<T>("x"), case.elements::<T>("alpha"));
    let spec = prelu::Spec { len: case.len(), slopes: slopes.len(), epilogue: Epilogue::NONE };
    let (mut y, mut dx, mut dslopes) = (zeros(x.len()), case.elements::<T>("dy"), zeros(slopes.len()));
    T::prelu_forward(&Context::of(case.batch()), &spec, &x, &slopes, &mut y);
    T::prelu_grad(&Context::of(case.batch()), &spec, &Pass::default(), &x, &slopes, &mut dx, &mut dslopes);
    case.expect("output", &y);
    case.expect("d_x", &dx);
    case.expect("d_alpha", &dslopes);
}

fn probabilities<T: Kernels>(case: &Case) {
    let classes = *case.shape().last().unwrap();
    let spec = softmax::Spec { rows: case.len() / classes, classes };
    let (mut y, mut dx) = (case.elements::<T>("x"), case.elements::<T>("dy"));
    T::softmax_forward(&Context::of(case.batch()), &spec, &[], &mut y);
    T::softmax_grad(&Context::of(case.batch()), &spec, &y, &[], &mut dx);
    case.expect("output", &y);
    case.expect("d_x", &dx);
}

/// a + factor · b
fn sum<T: Kernels>(case: &Case, factor: f64) {
    let spec = copy::Spec { len: case.len() };
    let scale = scale::Spec { factor, len: case.len() };
    let (a, mut b, dy) = (case.elements::<T>("a"), case.elements::<T>("b"), case.elements::<T>("dy"));
    let mut y = zeros(a.len());
    T::copy(&Context::of(case.batch()), &spec, &a, &mut y);
    T::scale(&Context::of(case.batch()), &scale, &[], &mut b);
    let spec = add::Spec { len: case.len(), activation: None };
    <T as Kernels>::add_assign(&Context::of(case.batch()), &spec, &b, &mut y);
    case.expect("output", &y);
    case.expect("d_a", &dy);
    let mut db = dy;
    T::scale(&Context::of(case.batch()), &scale, &[], &mut db);
    case.expect("d_b", &db);
}

fn product<T: Kernels>(case: &Case) {
    let (a, b, dy) = (case.elements::<T>("a"), case.elements::<T>("b"), case.elements::<T>("dy"));
    let channels = (b.len() < a.len()).then_some(b.len() / case.batch());
    let spec = multiply::Spec { len: case.len(), channels, epilogue: Epilogue::NONE };
    let (mut y, mut da, mut db) = (zeros(a.len()), zeros(a.len()), zeros(b.len()));
    T::multiply_forward(&Context::of(case.batch()), &spec, &a, &b, &mut y);
    T::multiply_grad_left(&Context::of(case.batch()), &spec, &dy, &b, &mut da);
    T::multiply_grad_right(&Context::of(case.batch()), &spec, &dy, &a, &mut db);
    case.expect("output", &y);
    case.expect("d_a", &da);
    case.expect("d_b", &db);
}

fn concatenation<T: Kernels>(case: &Case) {
    let [height, width, _] = case.image();
    let (rows, dy) = (height * width, case.elements::<T>("dy"));
    let whole = dy.len() / (case.batch() * rows);
    let (mut y, mut offset) = (zeros(dy.len()), 0);
    for name in ["a", "b", "c"] {
        let mut part = case.elements::<T>(name);
        let spec = concat::Spec { rows, part: part.len() / (case.batch() * rows), whole, offset };
        T::concat_write(&Context::of(case.batch()), &spec, &part, &mut y);
        T::concat_read(&Context::of(case.batch()), &spec, &dy, &mut part);
        case.expect(&format!("d_{name}"), &part);
        offset += spec.part;
    }
    case.expect("output", &y);
}

fn zero_padding<T: Kernels>(case: &Case) {
    let spec = pad::Spec { input: case.image(), padding: Case::sizes(case.attribute("pads_tblr")) };
    let (x, dy) = (case.elements::<T>("x"), case.elements::<T>("dy"));
    let (mut y, mut dx) = (zeros(dy.len()), zeros(x.len()));
    T::zeropad_forward(&Context::of(case.batch()), &spec, &x, &mut y);
    T::zeropad_grad(&Context::of(case.batch()), &spec, &dy, &mut dx);
    case.expect("output", &y);
    case.expect("d_x", &dx);
}

fn enlargement<T: Kernels>(case: &Case) {
    let spec =
        upsample::Spec { input: case.image(), factor: Case::sizes(case.attribute("factor")), epilogue: Epilogue::NONE };
    let (x, dy) = (case.elements::<T>("x"), case.elements::<T>("dy"));
    let (mut y, mut dx) = (zeros(dy.len()), zeros(x.len()));
    T::upsample_forward(&Context::of(case.batch()), &spec, &x, &mut y);
    T::upsample_grad(&Context::of(case.batch()), &spec, &dy, &mut dx);
    case.expect("output", &y);
    case.expect("d_x", &dx);
}

/// Dropout masks differ from PyTorch's: each kept element must have PyTorch's value, and each element must be kept in some step.
fn dropped<T: Kernels>(case: &Case) {
    let spec = dropout::Spec { rate: case.number("rate"), len: case.len(), layer: 0 };
    let (mask, mut y, mut dx) = (case.elements::<f64>("mask"), case.elements::<T>("x"), case.elements::<T>("dy"));
    let mut seen = vec![false; y.len()];
    for step in 0..64 {
        let pass = Pass { batch: case.batch(), seed: 1, step, ..Pass::default() };
        let (mut values, mut gradients) = (case.elements::<T>("x"), case.elements::<T>("dy"));
        T::dropout_apply(&Context::of(case.batch()), &spec, &pass, &[], &mut values);
        T::dropout_apply(&Context::of(case.batch()), &spec, &pass, &[], &mut gradients);
        for i in 0..values.len() {
            assert_eq!(values[i] == T::ZERO, gradients[i] == T::ZERO, "forward and backward masks differ");
            if values[i] != T::ZERO {
                (y[i], dx[i], seen[i]) = (values[i], gradients[i], true);
            }
        }
    }
    assert!(seen.iter().all(|&seen| seen));
    for (i, &kept) in mask.iter().enumerate() {
        if kept == 0.0 {
            (y[i], dx[i]) = (T::ZERO, T::ZERO);
        }
    }
    case.expect("output", &y);
    case.expect("d_x", &dx);
}

fn check<T: Kernels>(tolerance: f64) {
    let cases: Value = serde_json::from_str(include_str!("golden/layers_values.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 65);
    for json in cases {
        let case = &Case { json, tolerance };
        match json["op"].as_str().unwrap() {
            "maxpool2d" => pools::<T>(case, true, false),
            "avgpool2d" => pools::<T>(case, false, false),
            "global_max_pool" => pools::<T>(case, true, true),
            "global_avg_pool" => pools::<T>(case, false, true),
            "activation" => activations::<T>(case),
            "batchnorm" => batch_normalisation::<T>(case),
            "layernorm" => layer_normalisation::<T>(case),
            "lrn" => response_normalisation::<T>(case),
            "prelu" => parametric_relu::<T>(case),
            "softmax" => probabilities::<T>(case),
            "add" => sum::<T>(case, 1.0),
            "scaled_add" => sum::<T>(case, case.number("scale")),
            "multiply" => product::<T>(case),
            "concat" => concatenation::<T>(case),
            "zero_pad2d" => zero_padding::<T>(case),
            "upsample_nearest" => enlargement::<T>(case),
            "dropout" => dropped::<T>(case),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn f64_agrees_with_pytorch_within_1e_10() {
    check::<f64>(1e-10);
}

#[test]
fn f32_agrees_with_pytorch_within_1e_5() {
    check::<f32>(1e-5);
}
