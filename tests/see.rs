//! Visualisations of networks whose weights are known.

use netwright::see::{self, Feature, Maximisation, Occlusion, Picture, Projector};
use netwright::{BackwardRule, Error, Network, Tensor};

netwright::network! {
    /// The two filters of slides 23 to 25: black-white vertical edges, and black L shapes.
    Slides(5x5x1) { conv 2x2x2 relu }
    Pooled(4x4x1) { conv 1x1x1 nobias; maxpool 2 }
    Tables(4x4x2) { conv 2x2x3 connect (0) (1) (0, 1); deconv 2x2x5; dwconv 3x3 multiplier 2; flatten; dense 2 }
    Lamp(5x5x1) { softmax 2 }
    Twice(1) { dense 1 relu; dense 1 relu }
    Deep(6x6x2) { conv 3x3x3 bn leaky_relu 0.2; residual { conv 3x3x3 same bn tanh }; maxpool 2; dropout 0.5; dense 4 sigmoid; softmax 3 }
    Colours(4x4x3) { conv 3x3x2; sepconv 2x2x3; dense 5 }
    Features(3) { dense 2 }
    Flat(2x2x1) { flatten; dense 1 }
}

/// Filter 1 is [-1 1; -1 1] with bias -1, filter 2 is [-1 1; -1 -1] with bias 0.
fn slides() -> Slides {
    let mut network = Slides::init(1);
    let kernel = network.tensor_mut("conv1", "kernel").expect("a convolution has a kernel");
    kernel.copy_from_slice(&[-1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0]);
    network.tensor_mut("conv1", "bias").expect("and a bias").copy_from_slice(&[-1.0, 0.0]);
    network
}

/// Black on the left, white from column 2 on.
fn edge() -> Tensor<5, 5, 1> {
    Tensor::from_fn(|_, x, _| if x < 2 { 0.0 } else { 1.0 })
}

#[test]
fn filters_are_shown_as_on_the_slides() {
    let filters = see::filters(&slides(), "conv1").expect("it has filters");
    assert_eq!(filters[0], Picture::new([2, 2, 1], &[-1.0_f32, 1.0, -1.0, 1.0]).expect("four numbers"));
    assert_eq!(filters[1].elements(), [-1.0, 1.0, -1.0, -1.0]);
    assert_eq!(filters.len(), 2);
}

#[test]
fn filters_have_the_channels_that_they_read() {
    let network = Colours::<f32>::init(1);
    let sizes = |layer| -> Vec<[usize; 3]> {
        see::filters(&network, layer).expect("it has filters").iter().map(Picture::sizes).collect()
    };
    assert_eq!(sizes("conv1"), [[3, 3, 3]; 2]);
    assert_eq!(sizes("sepconv1"), [[2, 2, 1]; 2], "the depthwise half");
    assert_eq!(sizes("dense1"), [[1, 1, 3]; 5], "in the shape of the image that it reads");
    let tables = Tables::<f32>::init(1);
    let sizes_of = |layer| -> Vec<[usize; 3]> {
        see::filters(&tables, layer).expect("it has filters").iter().map(Picture::sizes).collect()
    };
    assert_eq!(sizes_of("conv1"), [[2, 2, 1]; 4], "one for each connection");
    assert_eq!(sizes_of("deconv1"), [[2, 2, 5]; 3], "what each map that is read paints");
    assert_eq!(sizes_of("dwconv1"), [[3, 3, 1]; 10]);
    assert_eq!(sizes_of("dense1"), [[2, 2, 10]; 2], "in the shape that was flattened");
    let only = see::filters(&Flat::<f32>::init(1), "dense1").expect("it has filters");
    assert_eq!((only.len(), only[0].sizes()), (1, [2, 2, 1]));
    let kernel = network.tensor("conv1", "kernel").expect("it has a kernel");
    let second = &see::filters(&network, "conv1").expect("it has filters")[1];
    assert_eq!(second.get(2, 1, 0), Some(kernel[((2 * 3 + 1) * 3) * 2 + 1]));
}

#[test]
fn layers_without_filters_are_refused_by_name() {
    for layer in ["maxpool1", "conv7"] {
        let error = see::filters(&Pooled::<f32>::init(1), layer).expect_err("it has none");
        assert!(matches!(&error, Error::NoSuchLayer { known, .. } if known == "conv1"), "{error}");
    }
    assert!(
        matches!(see::filters(&Features::<f32>::init(1), "dense1"), Err(Error::NoSuchLayer { known, .. }) if known.is_empty())
    );
}

#[test]
fn feature_maps_fire_where_the_slides_say() {
    let maps = see::activations(&slides(), &edge(), "conv1").expect("it is a layer").split();
    // Only where black meets white in both rows.
    assert_eq!(maps[0].elements(), [0.0, 1.0, 0.0, 0.0].repeat(4));
    let corner = Tensor::from_fn(|y, x, _| if (y, x) == (1, 3) { 1.0 } else { 0.0 });
    let maps = see::activations(&slides(), &corner, "conv1").expect("it is a layer").split();
    assert_eq!(maps[1].peak(), [1, 2, 0]);
    assert_eq!(maps[1].elements().iter().sum::<f32>(), 1.0);
    assert!(matches!(see::activations(&slides(), &edge(), "conv2"), Err(Error::NoSuchLayer { .. })));
}

#[test]
fn a_projection_points_to_the_edge_that_was_found() {
    let network = slides();
    for rule in [BackwardRule::Deconvnet, BackwardRule::Guided, BackwardRule::Gradient] {
        let projection = see::projection(&network, &edge(), &Feature::peak("conv1", 0), rule).expect("it is a feature");
        assert_eq!((projection.value, projection.place), (1.0, [0, 1]));
        let mut expected = [0.0; 25];
        for row in [0, 5] {
            expected[row + 1] = -1.0;
            expected[row + 2] = 1.0;
        }
        assert_eq!(projection.picture.elements(), expected, "{rule:?}");
        assert_eq!(projection.extent(), Some(([0, 1], [2, 2])));
    }
    let nothing = see::projection(&network, &edge(), &Feature::at("conv1", [0, 0, 0]), BackwardRule::Deconvnet);
    assert_eq!(nothing.expect("it is a feature").extent(), None, "a unit that does not fire projects nothing");
}

#[test]
fn a_pooled_unit_projects_to_the_place_of_its_largest_number() {
    let mut network = Pooled::init(1);
    network.tensor_mut("conv1", "kernel").expect("it has a kernel").fill(2.0);
    let image = Tensor::from_fn(|y, x, _| [[1.0, 2.0, 9.0, 3.0], [4.0, 3.0, 1.0, 2.0]][y % 2][x] + (y / 2) as f32);
    let mut projector = Projector::new(&network);
    for (unit, place, number) in [([0, 0], [1, 0], 4.0), ([0, 1], [0, 2], 9.0), ([1, 1], [2, 2], 10.0)] {
        let feature = Feature::at("maxpool1", [unit[0], unit[1], 0]);
        let projection = projector.project(&image, &feature, BackwardRule::Deconvnet).expect("it is a feature");
        assert_eq!(projection.picture.peak(), [place[0], place[1], 0]);
        assert_eq!(projection.value, 2.0 * number);
        // The value goes back through the filter.
        assert_eq!(projection.picture.elements().iter().sum::<f32>(), 4.0 * number as f32);
    }
}

#[test]
fn the_rules_differ_where_a_rectifier_is_off_or_the_gradient_is_negative() {
    let mut network = Twice::init(1);
    let mut project = |first: [f32; 2], second: [f32; 2], rule| {
        for (layer, [weight, bias]) in [("dense1", first), ("dense2", second)] {
            network.tensor_mut(layer, "kernel").expect("it has a kernel").fill(weight);
            network.tensor_mut(layer, "bias").expect("it has a bias").fill(bias);
        }
        let projection = see::projection(&network, &[1.0], &Feature::peak("dense2", 0), rule).expect("it is a feature");
        projection.picture.elements()[0]
    };
    use BackwardRule::{Deconvnet, Gradient, Guided};
    // The first unit is off: its weight gives -1.
    let off = ([-1.0, 0.0], [1.0, 2.0]);
    assert_eq!([Gradient, Deconvnet, Guided].map(|rule| project(off.0, off.1, rule)), [0.0, -2.0, 0.0]);
    // Both are on, and the second weight is negative.
    let negative = ([1.0, 0.0], [-1.0, 3.0]);
    assert_eq!([Gradient, Deconvnet, Guided].map(|rule| project(negative.0, negative.1, rule)), [-1.0, 0.0, 0.0]);
}

#[test]
fn saliency_is_the_gradient_of_a_prediction() {
    let mut network = Deep::<f64>::init(3);
    // Moving statistics that differ from those of one image, and from their initial values.
    for (place, number) in network.statistics_mut().iter_mut().enumerate() {
        *number += 0.1 * (place % 3) as f64;
    }
    let statistics = network.statistics().to_vec();
    let image = Tensor::from_fn(|y, x, c| ((y * 7 + x * 3 + c * 5) % 11) as f64 / 11.0);
    let value = |image: &Tensor<6, 6, 2, f64>, unit: usize| {
        f64::from(see::activations(&network, image, "dense1").expect("it is a layer").elements()[unit])
    };
    for unit in 0..4 {
        let feature = Feature::peak("dense1", unit);
        let saliency = see::projection(&network, &image, &feature, BackwardRule::Gradient).expect("it is a feature");
        assert!((saliency.value - value(&image, unit)).abs() < 1e-6);
        for place in [[0, 0, 0], [2, 3, 1], [5, 5, 0], [4, 1, 1]] {
            // Pictures are in `f32`, so the step must be large enough.
            let (mut less, mut more) = (image, image);
            less[place] -= 1e-3;
            more[place] += 1e-3;
            let slope = (value(&more, unit) - value(&less, unit)) / 2e-3;
            let [row, column, channel] = place;
            let found = f64::from(saliency.picture.get(row, column, channel).expect("it is inside"));
            assert!((slope - found).abs() < 2e-4, "{place:?}: {slope} and {found}");
        }
    }
    assert_eq!(network.statistics(), statistics, "looking changes nothing");
}

#[test]
fn a_layer_that_computes_nothing_gives_the_image_itself() {
    let network = Flat::init(1);
    let image = Tensor::new([[[1.0], [5.0]], [[3.0], [2.0]]]);
    assert_eq!(see::activations(&network, &image, "flatten1").expect("it is a layer").elements(), [1.0, 5.0, 3.0, 2.0]);
    let feature = Feature::at("flatten1", [0, 0, 1]);
    let projection = see::projection(&network, &image, &feature, BackwardRule::Deconvnet).expect("it is a feature");
    assert_eq!((projection.value, projection.picture.elements()), (5.0, &[0.0, 5.0, 0.0, 0.0][..]));
}

#[test]
fn features_that_are_not_there_are_refused() {
    let network = slides();
    let project = |feature: Feature| {
        see::projection(&network, &edge(), &feature, BackwardRule::Gradient).expect_err("it is not there").to_string()
    };
    assert!(project(Feature::peak("conv1", 2)).contains("channel 2 of `conv1`"));
    assert!(project(Feature::at("conv1", [4, 0, 0])).contains("row 4 of `conv1`"));
    assert!(project(Feature::class(32)).contains("class 32 of `Slides`"));
    assert!(project(Feature::map("conv9", 0)).contains("`conv9`"));
}

/// Creates a network whose class 1 depends on one pixel only.
fn lamp() -> Lamp {
    let mut network = Lamp::init(1);
    network.parameters_mut().fill(0.0);
    network.tensor_mut("softmax1", "kernel").expect("it has a kernel")[(2 * 5 + 3) * 2 + 1] = 8.0;
    network.tensor_mut("softmax1", "bias").expect("it has a bias")[0] = 4.0;
    network
}

#[test]
fn hiding_the_only_lit_square_takes_the_answer_away() {
    let (network, image) = (lamp(), Tensor::from_fn(|y, x, _| if (y, x) == (2, 3) { 1.0 } else { 0.0 }));
    let map = Occlusion::new(1).and_then(|square| square.map(&network, &image, 1)).expect("it is an image");
    assert_eq!(map.drop().peak(), [2, 3, 0]);
    assert!(map.whole > 0.98 && map.answer.get(2, 3, 0).is_some_and(|answer| answer < 0.02));
    assert_eq!(map.drop().elements().iter().filter(|drop| drop.abs() > 1e-6).count(), 1);
    assert_eq!(map.predicted.iter().filter(|&&class| class == Some(0)).count(), 1);
    // A square of 3 covers the pixel from nine positions, even if it exceeds the border; with a stride of 2 from two.
    for (stride, places) in [(1, 9), (2, 2)] {
        let square = Occlusion::new(3).and_then(|square| square.stride(stride)).expect("a good square");
        let map = square.map(&network, &image, 1).expect("it is an image");
        assert_eq!(map.answer.sizes(), [5_usize.div_ceil(stride), 5_usize.div_ceil(stride), 1]);
        assert_eq!(map.drop().elements().iter().filter(|drop| **drop > 0.9).count(), places);
    }
    // The same for the logit of the class.
    let square = Occlusion::new(1).expect("a good square");
    let logits = square.feature(&network, &image, &Feature::class(1)).expect("it is a feature");
    assert_eq!((logits.get(2, 3, 0), logits.get(0, 0, 0)), (Some(0.0), Some(8.0)));
    // White hides nothing in white.
    let white = Occlusion::new(5).and_then(|square| square.fill(1.0)).expect("a good square");
    let map = white.map(&network, &Tensor::from_fn(|_, _, _| 1.0), 1).expect("it is an image");
    assert!(map.drop().elements().iter().all(|drop| *drop == 0.0));
}

#[test]
fn an_occlusion_that_makes_no_sense_is_refused() {
    assert!(matches!(Occlusion::new(0), Err(Error::Setting { .. })));
    assert!(Occlusion::new(1).is_ok_and(|square| square.stride(0).is_err() && square.fill(f64::NAN).is_err()));
    let square = Occlusion::new(1).expect("a good square");
    assert!(matches!(square.map(&lamp(), &Tensor::zeros(), 2), Err(Error::Outside { found: 2, count: 2, .. })));
    assert!(matches!(square.map(&Features::<f32>::init(1), &[0.0; 3], 0), Err(Error::ImageSize { .. })));
}

#[test]
fn the_image_that_maximises_a_class_is_bright_where_its_weights_are_positive() {
    let mut network = Lamp::init(1);
    let weights: Vec<f32> = (0..25).map(|pixel| if pixel % 3 == 0 { 1.0 } else { -0.5 }).collect();
    let kernel = network.tensor_mut("softmax1", "kernel").expect("it has a kernel");
    kernel.chunks_mut(2).zip(&weights).for_each(|(pair, weight)| pair.copy_from_slice(&[-weight, *weight]));
    let settings = Maximisation::new().decay(0.0).and_then(|m| m.range(0.0, 1.0)).expect("good settings");
    let found = settings.run(&network, &Feature::class(1)).expect("it climbs");
    for (number, weight) in found.image.as_slice().iter().zip(&weights) {
        assert_eq!(*number, if *weight > 0.0 { 1.0 } else { 0.0 });
    }
    assert!(found.course.is_sorted(), "every step is up: {:?}", found.course);
    assert_eq!(found.course.len(), 100);
    assert!((found.value - 9.0).abs() < 1e-4, "nine white pixels of weight 1: {}", found.value);
    assert_eq!(found.picture, Picture::from(&*found.image));
}

#[test]
fn a_maximisation_depends_on_its_seed_only_and_its_regularisation_works() {
    let network = Deep::<f32>::init(1);
    let feature = Feature::map("conv1", 2);
    let run = |settings: Maximisation| settings.run(&network, &feature).expect("it climbs");
    let settings = Maximisation::new().steps(20).and_then(|m| m.blur(4, 0.7)).expect("good settings").jitter(2);
    assert_eq!(run(settings.seed(1)), run(settings.seed(1)));
    assert_ne!(run(settings.seed(1)).image, run(settings.seed(2)).image);
    let size = |settings: Maximisation| -> f32 { run(settings).image.as_slice().iter().map(|x| x * x).sum() };
    let free = Maximisation::new().decay(0.0).expect("a good decay");
    assert!(size(Maximisation::new().decay(0.2).expect("a good decay")) < 0.5 * size(free));
    let found = run(free);
    assert!(found.value > found.course[0] + 1.0, "{} from {}", found.value, found.course[0]);
    for refused in
        [free.steps(0), free.rate(0.0), free.decay(1.0), free.blur(0, 1.0), free.blur(1, 0.0), free.range(1.0, 1.0)]
    {
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
}

#[test]
fn the_strongest_images_of_a_map_come_in_their_order() {
    let network = slides();
    // An edge from black to grey of this lightness, which filter 1 gives 2 x lightness - 1.
    let edge = |light: f32| Tensor::from_fn(|_, x, _| if x < 3 { 0.0 } else { light });
    let images = [0.6, 1.0, 0.0, 0.8, 1.0].map(edge);
    let found = see::strongest(&network, &images, "conv1", 3).expect("it is a layer");
    assert_eq!(found[0].iter().map(|strongest| strongest.image).collect::<Vec<_>>(), [1, 4, 3]);
    assert_eq!((found[0][0].value, found[0][0].place), (1.0, [0, 2]));
    let sheet = see::feature_sheet(&network, &images, "conv1", &[1, 0], 2, see::Tones::Own).expect("they are maps");
    assert_eq!(sheet.tiles().len(), 8, "two projections and two patches for each map");
    let patch = &sheet.tiles()[6].picture;
    assert_eq!(patch.elements(), [0.0, 1.0, 0.0, 1.0], "the part of the image that the edge filter saw");
    assert!(matches!(
        see::feature_sheet(&network, &images, "conv1", &[2], 2, see::Tones::Own),
        Err(Error::Outside { .. })
    ));
    assert!(matches!(see::feature_sheet(&network, &[], "conv1", &[0], 2, see::Tones::Own), Err(Error::Empty { .. })));
}
