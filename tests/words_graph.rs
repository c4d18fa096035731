//! Networks with branches and joins: their gradients, their outputs and their tables of layers.

#[path = "support/gradient.rs"]
mod gradient;

use gradient::{FromElements, check, scatter};
use netwright::private::{Network, ParameterKind};
use netwright::{Architecture, Pass, Tensor};

netwright::network! {
    pub Sums(4x4x2) {
        add { conv 3x3x3 same tanh } { conv 1x1x3 } { dwconv 3x3 same; conv 1x1x3 sigmoid } tanh;
        residual { conv 3x3x3 same tanh; residual { conv 1x1x3 } };
        add { } { }
    }
    pub Parts(4x4x2) {
        concat { conv 3x3x3 same tanh } { } { avgpool 3 stride 1 same; conv 1x1x2; concat { conv 1x3x2 same } { conv 3x1x1 same } } tanh;
        globalavgpool;
        concat { dense 3 tanh } { dense 2 } { }
    }
    pub Products(4x3x3) {
        mul { } { globalavgpool; dense 2 tanh; dense 3 sigmoid };
        mul { avgpool 4x3 flatten } { conv 1x1x3 tanh } { };
        mul { } { }
    }
    pub OnePosition(1x1x4) { mul { globalavgpool; dense 2 tanh; dense 4 sigmoid } { }; conv 1x1x2 }
    pub Skips(4x4x1) {
        conv 3x3x2 same tanh; tap fine;
        avgpool 2; conv 3x3x3 same tanh; tap coarse;
        conv 1x1x3 sigmoid; mul coarse;
        deconv 2x2x2 stride 2; concat fine;
        conv 3x3x2 same; add fine tanh as fused
    }
    block cell(width, stride = 1, slope = 0.2) {
        add { conv 3x3x(width) same stride (stride) bn tanh; conv 1x1x(2*width) bn eps 0.01 }
            { conv 1x1x(2*width) stride (stride) bn noscale } leaky_relu (slope)
    }
    pub Blocks(4x4x2) { cell(2, 2); 2 * cell(1, slope = 0.5); repeat 2 { residual { layernorm; scale 0.3 } }; softmax 3 }
    block Cell(width) { dense (width) as own tanh }
    pub Names(4) { dense 4 as type tanh; dense 4 as self; Cell(3); dense 2 as Cell1_own; repeat 2 { dense 2 as turn } }
    pub Dropping(4) { dense 9 tanh; dropout 0.5; dense 2 }
    pub WithoutWeights(3x3x2) { zeropad 1; residual { scale 0.5 }; bn noscale nocenter; concat { } { crop 2; upsample 5 } lrn }
    /// Every layer that a normalisation folds into, with combinations of options that no other test has.
    pub Folded(5x6x2) {
        conv 3x2x4 groups 2 dilate 2x1 stride 1x2 pad 1x0x2x1 bn eps 0.01 silu; conv 1x3x4 same groups 4 bn noscale tanh;
        dwconv 3x2 multiplier 2 stride 2x1 pad 2x0x1x0 nobias bn nocenter sigmoid;
        deconv 3x2x2 stride 1x2 pad 1x0x0x1 bn elu; deconv 1x2x2 stride 2x1 same bn scale 0.5 tanh;
        sepconv 3x2x3 stride 2x3 dilate 2x1 same bn; crop 1x0x0x1; zeropad 0x1x1x0; conv 1x1x3 bn softplus;
        concat { dense 4 bn gelu } { dense 2 nobias bn }; dense 3 scale -0.5
    }
    pub Historic(8x8x1) {
        conv 3x3x3 tanh; subsample 2 bn tanh; conv 2x2x4 connect (0, 1) (1, 2) (0, 2) (0, 1, 2) bn eps 0.01 tanh; dense 6 tanh;
        distance 3 to "### ..." ".#. #.#" "... ###" scale -0.5 softmax
    }
}

#[test]
fn sums_have_the_gradient_of_finite_differences() {
    check::<Sums<f64>>("sums");
}

#[test]
fn concatenations_have_the_gradient_of_finite_differences() {
    check::<Parts<f64>>("concatenations");
}

#[test]
fn products_have_the_gradient_of_finite_differences() {
    check::<Products<f64>>("products");
}

#[test]
fn long_skips_have_the_gradient_of_finite_differences() {
    check::<Skips<f64>>("long skips");
}

#[test]
fn blocks_have_the_gradient_of_finite_differences() {
    check::<Blocks<f64>>("blocks");
}

#[test]
fn folded_layers_have_the_gradient_of_finite_differences() {
    check::<Folded<f64>>("folded layers");
}

#[test]
fn a_network_without_weights_has_the_gradient_of_finite_differences() {
    check::<WithoutWeights<f64>>("no weights");
}

#[test]
fn the_layers_of_1998_have_the_gradient_of_finite_differences() {
    check::<Historic<f64>>("the layers of 1998");
    check::<OnePosition<f64>>("an image of one position");
}

fn images<N: Network<Scalar = f64>>(count: usize) -> Vec<N::Input>
where
    N::Input: FromElements<f64>,
{
    let len = <N::Input as netwright::private::Sample<f64>>::LEN;
    scatter(5, count * len).chunks(len).map(N::Input::from_elements).collect()
}

/// Asserts that a prediction and a training pass with frozen statistics give the same outputs, with biases, scales and statistics of all kinds.
fn agrees<N: Network<Scalar = f64>>()
where
    N::Input: FromElements<f64>,
{
    let mut network = N::init(3);
    let (extra, statistics) = (scatter(8, N::PARAMETERS), scatter(9, N::STATISTICS));
    network.parameters_mut().iter_mut().zip(extra).for_each(|(number, extra)| *number += 0.3 * extra);
    network.statistics_mut().iter_mut().zip(statistics).for_each(|(number, other)| *number = 0.2 + other.abs());
    let images = images::<N>(2);
    let predicted = network.predict_batch(&images);
    let mut workspace = N::workspace(2);
    let pass = Pass { frozen: true, ..Pass::default() };
    let forward = network.forward(pass, &images, &mut workspace).expect("it fits");
    for (a, b) in predicted.iter().zip(forward) {
        let numbers = netwright::private::Sample::elements;
        let pairs = numbers(a).iter().zip(numbers(b));
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{a} and {b}"));
    }
}

#[test]
fn predicting_and_training_compute_the_same_branches() {
    agrees::<Sums<f64>>();
    agrees::<Parts<f64>>();
    agrees::<Products<f64>>();
    agrees::<Skips<f64>>();
    agrees::<Blocks<f64>>();
    agrees::<Dropping<f64>>();
    agrees::<Folded<f64>>();
    agrees::<Historic<f64>>();
    agrees::<OnePosition<f64>>();
}

netwright::network! {
    pub Twice(2x1x1) { add { } { scale 2 } { } }
    pub Side(1x2x1) { concat { } { scale 10 } { scale -1 } }
    pub Gate(1x2x2) { mul { } { globalmaxpool } }
    pub Normal(3) { bn eps 0.5 momentum 0.75 }
    pub Connected(7x6x3) { conv 3x2x4 pad 1x0 stride 1x2 connect (0, 2) (1) (2, 1, 0) (1, 2) tanh }
    pub Whole(7x6x3) { conv 3x2x4 pad 1x0 stride 1x2 tanh }
}

#[test]
fn joins_add_concatenate_and_multiply() {
    let image = Tensor::from_fn(|row, _, _| row as f32 + 1.0);
    assert_eq!(Twice::init(1).predict(&image).as_slice(), [4.0, 8.0]);
    let image = Tensor::from_fn(|_, column, _| column as f32 + 1.0);
    assert_eq!(Side::init(1).predict(&image).as_slice(), [1.0, 10.0, -1.0, 2.0, 20.0, -2.0]);
    let image = Tensor::from_fn(|_, column, channel| (2 * column + channel) as f32);
    assert_eq!(Gate::init(1).predict(&image).as_slice(), [0.0, 3.0, 4.0, 9.0]);
}

#[test]
fn a_connection_table_is_a_convolution_whose_other_weights_are_zero() {
    const TABLE: [[usize; 2]; 8] = [[0, 0], [2, 0], [1, 1], [2, 2], [1, 2], [0, 2], [1, 3], [2, 3]];
    let (connected, mut whole) = (Connected::init(5), Whole::init(5));
    let kernel = whole.tensor_mut("conv1", "kernel").expect("a kernel");
    kernel.fill(0.0);
    let weights = connected.tensor("conv1", "kernel").expect("a kernel");
    for (tap, weights) in weights.chunks_exact(TABLE.len()).enumerate() {
        for ([channel, filter], weight) in TABLE.iter().zip(weights) {
            kernel[(tap * 3 + channel) * 4 + filter] = *weight;
        }
    }
    let image = Tensor::from_fn(|row, column, channel| ((row * 5 + column * 3 + channel * 7) % 11) as f32 / 5.0 - 1.0);
    assert_eq!(connected.predict(&image).as_slice(), whole.predict(&image).as_slice());
    assert_eq!(weights.len(), 6 * TABLE.len());
}

#[test]
fn batch_normalisation_trains_by_the_batch_and_predicts_by_the_moving_statistics() {
    let mut network = <Normal<f64> as Network>::init(1);
    assert_eq!((Normal::PARAMETERS, Normal::STATISTICS), (6, 6));
    const { assert!(<Normal as Architecture>::BATCH_COUPLED) };
    let kinds: Vec<ParameterKind> = Normal::LAYERS[0].tensors.iter().map(|tensor| tensor.kind).collect();
    assert_eq!(kinds, [ParameterKind::Scale, ParameterKind::Scale, ParameterKind::Statistic, ParameterKind::Statistic]);
    assert_eq!(Network::statistics(&network), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let images = [[1.0, 0.0, -2.0], [3.0, 0.0, 2.0]];
    let mut workspace = <Normal<f64> as Network>::workspace(2);
    let answers = network.forward(Pass::default(), &images, &mut workspace).expect("it fits").to_vec();
    let off = 1.0 / 1.5_f64.sqrt();
    assert!((answers[0][0] + off).abs() < 1e-12 && (answers[1][0] - off).abs() < 1e-12, "{answers:?}");
    let moved = Network::statistics(&network);
    for (found, expected) in moved.iter().zip([0.5, 0.0, 0.0, 1.0, 0.75, 1.75]) {
        assert!((found - expected).abs() < 1e-12, "{moved:?}");
    }
    let predicted = network.predict(&[1.0, 0.0, 0.0]);
    assert!((predicted[0] - 0.5 / 1.5_f64.sqrt()).abs() < 1e-12, "{predicted:?}");
}

#[test]
fn the_table_has_a_row_for_each_join() {
    let rows: Vec<(&str, &str)> = Skips::LAYERS.iter().map(|layer| (layer.name, layer.text)).collect();
    assert!(rows.contains(&("mul1", "mul coarse")), "{rows:?}");
    assert!(rows.contains(&("concat1", "concat fine")), "{rows:?}");
    assert!(rows.contains(&("fused", "add fine tanh")), "{rows:?}");
    assert!(Sums::LAYERS.iter().any(|layer| layer.text == "add { … } { … } { … } tanh"));
    assert!(Blocks::LAYERS.iter().any(|layer| layer.name == "cell3.batchnorm2" && layer.text == "bn eps 0.01"));
}

#[test]
fn the_table_names_the_activation_of_each_layer() {
    use netwright::private::kernels::activation::Activation;
    let of = |rows: &[netwright::layer::Layer], text: &str| {
        rows.iter().find(|layer| layer.text == text).map(|layer| layer.activation)
    };
    assert_eq!(of(Skips::LAYERS, "add fine tanh"), Some(Some(Activation::Tanh)));
    assert_eq!(of(Blocks::LAYERS, "add { … } { … } leaky_relu 0.5"), Some(Some(Activation::LeakyRelu(0.5))));
    assert_eq!(of(Blocks::LAYERS, "conv 1x1x4"), Some(None));
    assert_eq!(of(Names::LAYERS, "dense 4 tanh"), Some(Some(Activation::Tanh)));
    assert_eq!(of(Names::LAYERS, "dense 4"), Some(None));
}

#[test]
fn the_table_has_the_whole_text_of_a_layer_with_the_values_of_its_call() {
    let has = |rows: &[netwright::layer::Layer], text: &str| rows.iter().any(|layer| layer.text == text);
    assert!(has(Blocks::LAYERS, "conv 3x3x2 same stride 2") && has(Blocks::LAYERS, "conv 1x1x4"));
    assert!(has(Blocks::LAYERS, "add { … } { … } leaky_relu 0.5"));
    assert!(has(Historic::LAYERS, "conv 2x2x4 connect (0, 1) (1, 2) (0, 2) (0, 1, 2)"));
    assert!(has(Historic::LAYERS, r####"distance 3 to "### ..." ".#. #.#" "... ###""####), "{:?}", Historic::LAYERS);
}

#[test]
fn every_layer_with_weights_has_a_field_whatever_its_name() {
    let network = Names::init(1);
    let layers = network.layers();
    let in_order: [&[f32]; 4] = [
        layers.r#type.kernel.as_flattened(),
        layers.self_.kernel.as_flattened(),
        layers.Cell1_own.kernel.as_flattened(),
        layers.Cell1_own_.kernel.as_flattened(),
    ];
    for (row, kernel) in ["type", "self", "Cell1.own", "Cell1_own"].into_iter().zip(in_order) {
        assert_eq!(network.tensor(row, "kernel"), Some(kernel), "{row}");
    }
    assert_eq!(Names::LAYERS.iter().map(|layer| layer.name).collect::<Vec<_>>()[4..], ["turn", "turn_1"]);
}
