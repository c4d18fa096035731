//! Properties of optimisers besides their formulas.

use netwright_runtime::init::Init;
use netwright_runtime::layer::{Axes, Layer, ParameterKind, ParameterTensor, WeightLayout};
use netwright_runtime::{Error, Shape};
use netwright_train::optim::{Adam, AdamW, Optimizer, RmsProp, Sgd, clip_by_global_norm, clip_by_value, global_norm};

const fn tensor(name: &'static str, kind: ParameterKind, offset: usize, len: usize) -> ParameterTensor {
    ParameterTensor {
        name,
        kind,
        shape: &[],
        offset,
        len,
        fan_in: 1,
        fan_out: 1,
        init: Init::Constant(0.0),
        layout: WeightLayout::of(Axes::Own),
    }
}

const fn layer(name: &'static str, tensors: &'static [ParameterTensor]) -> Layer {
    Layer {
        name,
        text: "",
        input: Shape::Flat(1),
        output: Shape::Flat(1),
        activation: None,
        tensors,
        macs: 0,
        frozen: false,
        foreign: None,
    }
}

/// Two weights, a bias and a scale; then one weight. Statistics have offsets of their own.
const LAYERS: &[Layer] = &[
    layer(
        "conv1",
        &[
            tensor("kernel", ParameterKind::Weight, 0, 2),
            tensor("bias", ParameterKind::Bias, 2, 1),
            tensor("gamma", ParameterKind::Scale, 3, 1),
            tensor("moving_mean", ParameterKind::Statistic, 0, 9),
        ],
    ),
    layer("relu1", &[]),
    layer("dense1", &[tensor("kernel", ParameterKind::Weight, 4, 1)]),
];

/// Returns the parameters, initially 1 and −1 for the second, after one step of rate 1 with gradient 0.
fn decayed(mut optimizer: impl Optimizer<f64>) -> [f64; 5] {
    let mut parameters = [1.0, -1.0, 1.0, 1.0, 1.0];
    optimizer.step(1.0, LAYERS, &mut parameters, &[0.0; 5]).unwrap();
    parameters
}

fn sgd() -> Sgd<f64> {
    Sgd::new(1.0).unwrap()
}

#[test]
fn penalties_touch_weights_alone_unless_asked() {
    assert_eq!(decayed(sgd().l2(0.25).unwrap()), [0.75, -0.75, 1.0, 1.0, 0.75]);
    assert_eq!(decayed(sgd().l1(0.25).unwrap()), [0.75, -0.75, 1.0, 1.0, 0.75]);
    assert_eq!(decayed(sgd().weight_decay(0.25).unwrap()), [0.75, -0.75, 1.0, 1.0, 0.75]);
    assert_eq!(decayed(sgd().l2(0.25).unwrap().decay_biases(true)), [0.75, -0.75, 0.75, 1.0, 0.75]);
    assert_eq!(decayed(sgd().l2(0.25).unwrap().decay_scales(true)), [0.75, -0.75, 1.0, 0.75, 0.75]);
    assert_eq!(decayed(sgd()), [1.0, -1.0, 1.0, 1.0, 1.0]);
}

#[test]
fn one_layer_may_have_its_own_penalty() {
    assert_eq!(decayed(sgd().l2_for("conv1", 0.5).unwrap()), [0.5, -0.5, 1.0, 1.0, 1.0]);
    assert_eq!(decayed(sgd().l2(0.25).unwrap().l2_for("conv1", 0.0).unwrap()), [1.0, -1.0, 1.0, 1.0, 0.75]);
    assert_eq!(decayed(sgd().l1_for("dense1", 0.5).unwrap()), [1.0, -1.0, 1.0, 1.0, 0.5]);
    assert_eq!(decayed(sgd().weight_decay_for("dense1", 0.5).unwrap()), [1.0, -1.0, 1.0, 1.0, 0.5]);
}

#[test]
fn the_penalty_is_what_the_gradient_is_of() {
    let mut sgd = sgd().l1(0.1).unwrap().l2(0.5).unwrap().weight_decay(0.3).unwrap();
    let penalty = sgd.penalty(LAYERS, &[2.0, -1.0, 9.0, 9.0, 3.0]).unwrap();
    assert!((penalty - (0.1 * 6.0 + 0.25 * 14.0)).abs() < 1e-12, "{penalty}");
}

#[test]
fn a_penalty_for_an_unknown_layer_is_refused_before_any_update() {
    for name in ["conv9", "relu1"] {
        let mut sgd = sgd().l2_for(name, 0.5).unwrap();
        let mut parameters = [1.0; 5];
        let error = sgd.step(0.1, LAYERS, &mut parameters, &[1.0; 5]).unwrap_err();
        assert!(matches!(&error, Error::UnknownLayer { layer, .. } if layer == name), "{error}");
        let expected = format!("l2 is set for `{name}`, which is no layer with weights; those are conv1, dense1");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert_eq!(error.to_string().ends_with("; did you mean `conv1`?"), name == "conv9", "{error}");
        assert_eq!(parameters, [1.0; 5]);
        assert!(sgd.prepare(LAYERS, 5).is_err());
    }
}

#[test]
fn nonsense_is_refused_when_set() {
    for rate in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(Sgd::<f32>::new(rate), Err(Error::Setting { setting: "learning rate", .. })), "{rate}");
        assert!(
            Adam::<f32>::new(rate).is_err() && AdamW::<f32>::new(rate).is_err() && RmsProp::<f32>::new(rate).is_err()
        );
    }
    let message = sgd().momentum(1.5).unwrap_err().to_string();
    assert_eq!(message, "momentum is 1.5; it must be at least 0 and less than 1");
    let adam = || Adam::<f32>::new(0.1).unwrap();
    assert!(adam().betas(1.0, 0.9).is_err() && adam().betas(0.9, -0.1).is_err() && adam().epsilon(0.0).is_err());
    let rms_prop = || RmsProp::<f32>::new(0.1).unwrap();
    assert!(
        rms_prop().smoothing(1.0).is_err() && rms_prop().momentum(-0.1).is_err() && rms_prop().epsilon(-1.0).is_err()
    );
    assert!(sgd().l1(-1.0).is_err() && sgd().l2(f64::NAN).is_err() && sgd().weight_decay(-0.1).is_err());
    assert!(sgd().l2_for("conv1", -1.0).is_err());
    assert!(sgd().clip_value(0.0).is_err() && sgd().clip_norm(-1.0).is_err());
}

#[test]
fn lengths_that_differ_are_errors() {
    let mut sgd = sgd().momentum(0.9).unwrap();
    assert!(matches!(
        sgd.step(0.1, LAYERS, &mut [0.0; 5], &[0.0; 4]),
        Err(Error::Length { expected: 5, found: 4, .. })
    ));
    assert!(matches!(
        sgd.step(0.1, LAYERS, &mut [0.0; 3], &[0.0; 3]),
        Err(Error::Length { expected: 5, found: 3, .. })
    ));
    sgd.step(0.1, LAYERS, &mut [0.0; 5], &[0.0; 5]).unwrap();
    assert!(matches!(sgd.step(0.1, &[], &mut [0.0; 6], &[0.0; 6]), Err(Error::Length { expected: 6, found: 5, .. })));
    assert!(sgd.step(f64::NAN, LAYERS, &mut [0.0; 5], &[0.0; 5]).is_err());
}

#[test]
fn clipping_limits_each_number_or_the_whole() {
    let mut gradient = [3.0, -4.0, 0.0];
    assert_eq!(global_norm(&gradient), 5.0);
    assert_eq!(clip_by_global_norm(&mut gradient, 10.0).unwrap(), 5.0);
    assert_eq!(gradient, [3.0, -4.0, 0.0]);
    assert_eq!(clip_by_global_norm(&mut gradient, 2.5).unwrap(), 5.0);
    assert_eq!(gradient, [1.5, -2.0, 0.0]);
    clip_by_value(&mut gradient, 1.75).unwrap();
    assert_eq!(gradient, [1.5, -1.75, 0.0]);
    let long: Vec<f32> = (0..1003).map(|number| (number % 7) as f32).collect();
    let squares: f64 = long.iter().map(|&number| f64::from(number).powi(2)).sum();
    assert_eq!(global_norm(&long), squares.sqrt());
}

#[test]
fn a_nan_is_not_clipped_away() {
    let mut gradient = [f64::NAN, 1.0];
    clip_by_value(&mut gradient, 0.5).unwrap();
    assert!(gradient[0].is_nan());
    assert!(clip_by_global_norm(&mut gradient, 0.5).unwrap().is_nan());
    for limit in [0.0, -1.0, f64::NAN] {
        assert!(matches!(clip_by_value(&mut gradient, limit), Err(Error::Setting { setting: "clipping value", .. })));
        let refused = clip_by_global_norm(&mut gradient, limit);
        assert!(matches!(refused, Err(Error::Setting { setting: "clipping norm", .. })));
    }
    assert!(gradient.iter().all(|number| number.is_nan()));
    let mut parameters = [0.0; 2];
    sgd().clip_value(1.0).unwrap().step(1.0, &[], &mut parameters, &[f64::NAN, 1.0]).unwrap();
    assert!(parameters[0].is_nan());
}

#[test]
fn an_optimiser_clips_as_the_functions_do() {
    let gradient = [3.0, -4.0, 0.0, 0.0, 0.0];
    let step = |mut sgd: Sgd<f64>| {
        let mut parameters = [0.0; 5];
        sgd.step(1.0, LAYERS, &mut parameters, &gradient).unwrap();
        parameters.map(|parameter| -parameter + 0.0)
    };
    assert_eq!(step(sgd().clip_norm(2.5).unwrap()), [1.5, -2.0, 0.0, 0.0, 0.0]);
    assert_eq!(step(sgd().clip_value(3.5).unwrap()), [3.0, -3.5, 0.0, 0.0, 0.0]);
    assert_eq!(step(sgd().clip_norm(2.5).unwrap().clip_value(1.75).unwrap()), [1.5, -1.75, 0.0, 0.0, 0.0]);
}

fn gradient(step: usize) -> [f64; 5] {
    std::array::from_fn(|place| ((step * 5 + place) as f64).sin())
}

fn resumes(make: impl Fn() -> Box<dyn Optimizer<f64>>) {
    let mut whole = make();
    let mut expected = [0.5; 5];
    (0..6).for_each(|step| whole.step(0.1, LAYERS, &mut expected, &gradient(step)).unwrap());

    let mut first = make();
    let mut found = [0.5; 5];
    (0..3).for_each(|step| first.step(0.1, LAYERS, &mut found, &gradient(step)).unwrap());
    let mut second = make();
    second.restore(&first.state(), first.steps()).unwrap();
    (3..6).for_each(|step| second.step(0.1, LAYERS, &mut found, &gradient(step)).unwrap());
    assert_eq!(found.map(f64::to_bits), expected.map(f64::to_bits), "{}", whole.name());

    assert!(second.restore(&[("other", &[0.0; 5])], 3).is_err());
    assert_eq!(second.state().len(), whole.state().len(), "what was refused changed nothing");
}

#[test]
fn an_optimiser_resumed_from_its_state_goes_on_to_the_bit() {
    resumes(|| Box::new(Sgd::new(0.1).unwrap().momentum(0.9).unwrap()));
    resumes(|| Box::new(RmsProp::new(0.1).unwrap()));
    resumes(|| Box::new(RmsProp::new(0.1).unwrap().momentum(0.9).unwrap()));
    resumes(|| Box::new(Adam::new(0.1).unwrap()));
    resumes(|| Box::new(AdamW::new(0.1).unwrap()));
}

#[test]
fn state_that_does_not_belong_is_refused() {
    let mut adam = Adam::<f64>::new(0.1).unwrap();
    assert!(matches!(adam.restore(&[("first", &[0.0])], 1), Err(Error::State { of: "Adam", .. })));
    assert!(adam.restore(&[("first", &[0.0]), ("second", &[0.0, 0.0])], 1).is_err());
    assert!(adam.restore(&[("first", &[0.0]), ("second", &[0.0]), ("third", &[0.0])], 1).is_err());
    assert!(adam.restore(&[], 0).is_ok());
}

#[test]
fn a_gradient_too_large_or_too_small_to_be_squared_is_clipped_as_any_other() {
    let mut gradients = [3e200_f64, -4e200];
    assert!((clip_by_global_norm(&mut gradients, 5.0).unwrap() / 5e200 - 1.0).abs() < 1e-15);
    assert!((gradients[0] - 3.0).abs() < 1e-14 && (gradients[1] + 4.0).abs() < 1e-14, "{gradients:?}");
    let mut gradients = [3e-200_f64, -4e-200];
    assert!((clip_by_global_norm(&mut gradients, 1e-200).unwrap() / 5e-200 - 1.0).abs() < 1e-15);
    assert!((gradients[0] / 6e-201 - 1.0).abs() < 1e-14, "{gradients:?}");

    let mut sgd = Sgd::<f64>::new(1.0).unwrap().clip_norm(5.0).unwrap();
    let mut weights = [0.0; 2];
    sgd.step(1.0, &[], &mut weights, &[3e300, -4e300]).unwrap();
    assert!((weights[0] + 3.0).abs() < 1e-14 && (weights[1] - 4.0).abs() < 1e-14, "{weights:?}");
    let mut sgd = Sgd::<f32>::new(1.0).unwrap().clip_norm(1e-3).unwrap();
    let mut weights = [0.0; 2];
    sgd.step(1.0, &[], &mut weights, &[3e38, -3e38]).unwrap();
    assert!((weights[1] - 1e-3 * 0.5_f32.sqrt()).abs() < 1e-9, "{weights:?}");
}

/// Returns the parameters, initially 1, after two steps of rate 1 with gradients of 0.1.
fn moved(mut optimizer: impl Optimizer<f64>) -> [f64; 5] {
    let mut parameters = [1.0; 5];
    for _ in 0..2 {
        optimizer.step(optimizer.rate(), LAYERS, &mut parameters, &[0.1; 5]).unwrap();
    }
    parameters
}

#[test]
fn a_frozen_part_stays_whatever_the_optimiser_and_the_others_move_as_without() {
    fn check<O: Optimizer<f64>>(make: impl Fn() -> O, freeze: impl Fn(O, &str) -> O) {
        let free = moved(make());
        assert!(free.iter().all(|weight| *weight < 1.0), "{free:?}");
        let frozen = moved(freeze(make(), "conv1"));
        assert_eq!(frozen, [1.0, 1.0, 1.0, 1.0, free[4]]);
        assert_eq!(moved(freeze(make(), "conv")), frozen, "a word means all of its layers");
        assert_eq!(moved(freeze(make(), "dense")), [free[0], free[1], free[2], free[3], 1.0]);
        assert_eq!(moved(freeze(make(), "")), [1.0; 5]);
        let mut optimizer = freeze(make(), "conv");
        assert_eq!(optimizer.frozen_layers(), [false; 0], "known once the network is");
        optimizer.prepare(LAYERS, 5).unwrap();
        assert_eq!(optimizer.frozen_layers(), [true, false, false]);
        assert_eq!(optimizer.penalty(LAYERS, &[9.0, 9.0, 9.0, 9.0, 0.0]).unwrap(), 0.0);
    }
    check(|| sgd().l2(0.5).unwrap().weight_decay(0.1).unwrap().decay_biases(true), Sgd::freeze);
    check(|| sgd().momentum(0.9).unwrap().nesterov(true), Sgd::freeze);
    check(|| Adam::new(0.1).unwrap().l1(0.1).unwrap(), Adam::freeze);
    check(|| AdamW::new(0.1).unwrap(), AdamW::freeze);
    check(|| RmsProp::new(0.1).unwrap(), RmsProp::freeze);
    check(|| RmsProp::new(0.1).unwrap().momentum(0.5).unwrap(), RmsProp::freeze);
}

#[test]
fn a_part_with_a_rate_of_its_own_moves_as_with_that_rate_alone() {
    fn check<O: Optimizer<f64>>(make: impl Fn(f64) -> O, rate_for: impl Fn(O, &str, f64) -> Result<O, Error>) {
        let (fast, slow) = (moved(make(0.5)), moved(make(0.125)));
        let mixed = moved(rate_for(make(0.5), "conv", 0.125).unwrap());
        assert_eq!(mixed, [slow[0], slow[1], slow[2], slow[3], fast[4]]);
        assert!(rate_for(make(0.5), "conv", -1.0).is_err());
        assert!(rate_for(make(0.0), "conv", 0.1).is_err(), "a schedule could not multiply both");
        // The last one that was set counts.
        let twice = rate_for(rate_for(make(0.5), "", 0.125).unwrap(), "conv1", 0.5).unwrap();
        assert_eq!(moved(twice), [fast[0], fast[1], fast[2], fast[3], slow[4]]);
    }
    let decay = |sgd: Sgd<f64>| sgd.weight_decay(0.25).unwrap().l2(0.25).unwrap();
    check(|rate| decay(Sgd::new(rate).unwrap()), Sgd::rate_for);
    check(|rate| Sgd::new(rate).unwrap().momentum(0.9).unwrap(), Sgd::rate_for);
    check(|rate| Adam::new(rate).unwrap(), Adam::rate_for);
    check(|rate| AdamW::new(rate).unwrap(), AdamW::rate_for);
    check(|rate| RmsProp::new(rate).unwrap().momentum(0.5).unwrap(), RmsProp::rate_for);
}

#[test]
fn a_schedule_multiplies_the_rates_of_all_parts() {
    let mut sgd = Sgd::new(0.5).unwrap().rate_for("conv", 0.125).unwrap();
    let mut parameters = [1.0; 5];
    // Half of the rate it was created with.
    sgd.step(0.25, LAYERS, &mut parameters, &[1.0; 5]).unwrap();
    assert_eq!(parameters, [0.9375, 0.9375, 0.9375, 0.9375, 0.75]);
}

#[test]
fn frozen_gradients_count_in_no_clipping_norm() {
    let mut sgd = sgd().freeze("conv").clip_norm(1.0).unwrap();
    let mut parameters = [1.0; 5];
    sgd.step(1.0, LAYERS, &mut parameters, &[1e200, 1e200, 1.0, 1.0, 0.5]).unwrap();
    assert_eq!(parameters, [1.0, 1.0, 1.0, 1.0, 0.5]);
}

#[test]
fn an_unknown_part_is_reported_with_the_nearest_name() {
    let blocks = [layer("features1.conv1", LAYERS[2].tensors), layer("features1.relu1", &[])];
    let told = |sgd: Sgd<f64>| {
        let mut sgd = sgd;
        sgd.prepare(&blocks, 5).unwrap_err().to_string()
    };
    let error = told(sgd().freeze("feature1"));
    let expected = "freeze is set for `feature1`, which is no layer with weights; those are features1, features1.conv1";
    assert_eq!(error, format!("{expected}; did you mean `features1`?"));
    let error = told(sgd().rate_for("features1.cov1", 0.1).unwrap());
    assert!(error.starts_with("learning rate is set for `features1.cov1`"), "{error}");
    assert!(error.ends_with("did you mean `features1.conv1`?"), "{error}");
    assert!(told(sgd().freeze("features1.relu1")).contains("no layer with weights"));
}
