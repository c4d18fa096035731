//! Checks the claims of the lecture's examples on what they compute, and that the paths in `docs/lecture.md` exist.

use std::fs;
use std::path::PathBuf;

use netwright::prelude::*;
use netwright::train::EpochRecord;

#[path = "../examples/adversarial/attacks.rs"]
mod attacks;
#[path = "../examples/overfitting/averaging.rs"]
mod averaging;
#[path = "../examples/backpropagation/by_hand.rs"]
mod by_hand;
#[path = "../examples/vanishing_gradients/chain.rs"]
mod chain;
#[path = "../examples/vanishing_gradients/deep.rs"]
mod deep;
#[path = "../examples/data/digits.rs"]
mod digits;
#[path = "../examples/hand_made_filters/filters.rs"]
mod filters;
#[path = "../examples/saturation/gate.rs"]
mod gate;
#[path = "../examples/backpropagation/gradients.rs"]
mod gradients;
#[path = "../examples/overfitting/methods.rs"]
mod methods;
#[path = "../examples/pooling/networks.rs"]
mod networks;
#[path = "../examples/pooling/signal.rs"]
mod signal;
#[path = "../examples/initialisation/starts.rs"]
mod starts;
#[path = "../examples/toy_convnet/toy.rs"]
mod toy;
#[path = "../examples/dying_relu/units.rs"]
mod units;

#[test]
fn a_saturated_gate_learns_by_cross_entropy_long_before_it_learns_by_squared_loss() {
    let sigma = 1.0 / (1.0 + 5.0_f64.exp());
    let (loss, slope) = gate::slope(&mut gate::gate(5.0, 0.0), &SquaredError).unwrap();
    assert!((loss - (sigma - 1.0).powi(2)).abs() < 1e-12);
    assert!((slope - 2.0 * (sigma - 1.0) * sigma * (1.0 - sigma)).abs() < 1e-12);
    assert!(loss > 0.98 && slope.abs() < 0.014, "a large loss with a small slope: {loss}, {slope}");
    let (_, slope) = gate::slope(&mut gate::gate(5.0, 0.0), &BinaryCrossEntropy).unwrap();
    assert!((slope - (sigma - 1.0)).abs() < 1e-12);

    let squared = gate::descend(SquaredError, 0.5, 300).unwrap();
    let entropy = gate::descend(BinaryCrossEntropy, 0.5, 300).unwrap();
    assert!(squared[50].loss > 0.97 && squared[50].slope_of_weight < 0.03, "flat: {:?}", squared[50]);
    assert!(entropy[50].loss < 0.1, "{:?}", entropy[50]);
    let [slow, quick] = [&squared, &entropy].map(|course| gate::learnt_after(course).unwrap());
    assert!(10 * quick < slow, "{quick} steps against {slow}");
}

#[test]
fn gradients_in_a_chain_are_the_products_of_the_slide() {
    for seed in 0..10 {
        for (by_hand, found) in chain::slopes(seed, 0.7, 1.0).unwrap() {
            assert!((by_hand - found).abs() < 1e-14, "{by_hand} {found}");
        }
    }
}

#[test]
fn gradients_vanish_towards_the_first_layer_of_sigmoids_and_not_of_rectifiers() {
    let some = digits::digits().unwrap().split_at(64).unwrap().0;
    let sigmoid = deep::gradient_norms(&deep::DeepSigmoid::init(1), &some).unwrap();
    let relu = deep::gradient_norms(&deep::DeepRelu::init(1), &some).unwrap();
    assert_eq!((sigmoid.len(), relu.len()), (deep::DEPTH, deep::DEPTH));
    assert!(sigmoid.is_sorted() && sigmoid[0] < 1e-3 * sigmoid[deep::DEPTH - 1], "{sigmoid:?}");
    assert!(relu[0] > 0.2 * relu[deep::DEPTH - 1], "{relu:?}");
    let derivatives = deep::derivatives(&deep::DeepSigmoid::init(1), &some).unwrap();
    assert!(derivatives.iter().all(|[mean, largest]| 0.0 < *mean && mean <= largest && *largest <= 0.25));
}

#[test]
fn a_deep_network_of_sigmoids_learns_nothing_where_one_of_rectifiers_learns_to_read() {
    let (train, test) = digits::digits().unwrap().split(0.2, 1).unwrap();
    let sigmoid = deep::accuracy(&mut deep::DeepSigmoid::init(1), &train, &test, 6).unwrap();
    let relu = deep::accuracy(&mut deep::DeepRelu::init(1), &train, &test, 6).unwrap();
    assert!(sigmoid < 0.2 && relu > 0.85, "{sigmoid} {relu}");
}

#[test]
fn dead_rectifiers_stay_dead_and_slopes_below_zero_bring_them_back() {
    let (train, test) = digits::digits().unwrap().split(0.2, 1).unwrap();
    let relu = units::outcome::<units::Relu>(&train, &test, 0.05, 5).unwrap();
    assert_eq!(relu.off, [1.0, 1.0]);
    assert!(relu.accuracy < 0.2, "{relu:?}");
    let leakier = units::outcome::<units::Leakier>(&train, &test, 0.05, 5).unwrap();
    let parametric = units::outcome::<units::Parametric>(&train, &test, 0.05, 5).unwrap();
    for cured in [leakier, parametric] {
        assert!(cured.off[0] == 1.0 && cured.off[1] < 0.9 && cured.accuracy > 0.7, "{cured:?}");
    }
    // With the slide's slope, the gradient is not 0, but small.
    let leaky = units::outcome::<units::Leaky>(&train, &test, 0.05, 5).unwrap();
    assert!(leaky.off == [1.0, 1.0] && leaky.accuracy < leakier.accuracy, "{leaky:?}");
}

#[test]
fn units_die_by_a_learning_rate_that_is_too_high() {
    let (train, test) = digits::digits().unwrap().split(0.2, 1).unwrap();
    let low = units::outcome::<units::Healthy>(&train, &test, 0.01, 3).unwrap();
    let high = units::outcome::<units::Healthy>(&train, &test, 0.5, 3).unwrap();
    assert!(low.off[1] < 0.1 && high.off[1] > 0.8, "{low:?} {high:?}");
    assert_eq!(low.off[0], high.off[0]);
    assert!(low.silent > 0.2 && low.silent < 0.6, "off for some digits, on for others: {low:?}");
}

#[test]
fn weights_of_the_right_size_carry_the_spread_through_ten_layers_and_learn() {
    let (train, test) = digits::digits().unwrap().split(0.2, 1).unwrap();
    let some = train.subset(&(0..64).collect::<Vec<_>>()).unwrap();
    let [small, lecture, he, large] = starts::STARTS.map(|(_, init)| init);
    let ratio = |layers: Vec<netwright::train::statistics::ActivationStatistics>| {
        assert_eq!(layers.len(), starts::DEPTH);
        layers[starts::DEPTH - 1].spread / layers[0].spread
    };
    let tanh = |init| starts::activations(&starts::started::<starts::DeepTanh>(1, init, 0.0).unwrap(), &some).unwrap();
    assert!(ratio(tanh(small)) < 1e-8 && ratio(tanh(lecture)) > 0.2);
    let saturated = |init| tanh(init)[starts::DEPTH - 1].saturated.unwrap();
    assert!(saturated(lecture) < 0.01 && saturated(large) > 0.5);
    let relu = |init| starts::activations(&starts::started::<starts::DeepRelu>(1, init, 0.0).unwrap(), &some).unwrap();
    assert!(ratio(relu(small)) < 1e-8 && ratio(relu(he)) > 0.3 && ratio(relu(large)) > 1e5);

    let tanh = |init| starts::started::<starts::DeepTanh>(1, init, 0.0).unwrap();
    let learns = |init| starts::accuracy(tanh(init), &train, &test, 2).unwrap().unwrap();
    assert!(learns(small) < 0.2 && learns(lecture) > 0.7, "{} {}", learns(small), learns(lecture));
    let relu = starts::accuracy(starts::started::<starts::DeepRelu>(1, large, 0.0).unwrap(), &train, &test, 2).unwrap();
    assert!(relu.is_none_or(|accuracy| accuracy < 0.2), "{relu:?}");
}

#[test]
fn small_positive_biases_wake_units_of_the_first_layer() {
    let some = digits::digits().unwrap().split_at(128).unwrap().0;
    let [below, zero, above] = [-0.1, 0.0, 0.1].map(|bias| starts::dead_at_start(bias, &some, 10).unwrap()[0]);
    assert!(below > zero && zero > above, "{below} {zero} {above}");
}

#[test]
fn sigmoid_units_that_start_alike_stay_alike_unless_their_biases_differ() {
    let (train, test) = digits::digits().unwrap().split(0.2, 1).unwrap();
    let (alike, low) = starts::different_units::<starts::Alike>(1, &train, &test, 10).unwrap();
    let (apart, high) = starts::different_units::<starts::Apart>(1, &train, &test, 10).unwrap();
    assert_eq!((alike, apart), (1, 32));
    assert!(high > low + 0.25, "{low} {high}");
}

#[test]
fn hand_made_filters_fire_exactly_where_the_slides_say() {
    let network = filters::patch();
    for patch in filters::patches() {
        let answer = network.predict(&patch);
        let [edge, corner] = [answer[[0, 0, 0]], answer[[0, 0, 1]]];
        assert_eq!(edge > 0.0, patch.as_slice() == [0.0, 1.0, 0.0, 1.0], "{:?}", patch.as_slice());
        assert_eq!(corner > 0.0, patch.as_slice() == [0.0, 1.0, 0.0, 0.0], "{:?}", patch.as_slice());
    }
    let image = filters::shapes();
    let maps = filters::image().predict(&image);
    for (y, x) in (0..7).flat_map(|y| (0..15).map(move |x| (y, x))) {
        for filter in 0..2 {
            assert_eq!(maps[[y, x, filter]], filters::by_loops(&image, filter, [y, x]));
        }
    }
}

#[test]
fn a_filter_slides_in_steps_and_over_zeros() {
    let at = |row: usize, column: usize| if row < 3 && column < 4 { (4 * row + column) as f32 } else { 0.0 };
    let [a, b, c, d] = filters::SLIDING;
    let sum = |y, x| a * at(y, x) + b * at(y, x + 1) + c * at(y + 1, x) + d * at(y + 1, x + 1);
    for (found, sizes, stride) in [
        (filters::slid::<filters::Slide>().unwrap(), [2, 3, 1], 1),
        (filters::slid::<filters::Stride>().unwrap(), [1, 2, 1], 2),
        (filters::slid::<filters::Padding>().unwrap(), [3, 4, 1], 1),
    ] {
        assert_eq!(found.sizes(), sizes);
        for (place, number) in found.elements().iter().enumerate() {
            assert_eq!(*number, sum(place / sizes[1] * stride, place % sizes[1] * stride), "{sizes:?} {place}");
        }
    }
}

#[test]
fn early_stopping_goes_back_to_where_the_validation_loss_turns() {
    let (train, _) = methods::few(&digits::digits().unwrap(), 200, 0.2, 0).unwrap();
    let found = methods::course(&train, methods::Budget { epochs: 40, members: 1 }, 0).unwrap();
    let validation = |record: &EpochRecord| record.validation_loss.unwrap();
    let least = found.whole.epochs.iter().min_by(|a, b| validation(a).total_cmp(&validation(b))).unwrap();
    let last = found.whole.last().unwrap();
    assert_eq!((found.best, found.last), (least.epoch, least.epoch + 10));
    assert!(validation(last) > 1.2 * validation(least) && last.loss < 0.5 * least.loss, "{least:?} {last:?}");
}

#[test]
fn with_wrong_labels_methods_against_overfitting_help() {
    let digits = digits::digits().unwrap();
    let (train, test) = methods::few(&digits, 200, 0.2, 0).unwrap();
    assert_eq!((train.len(), test.len()), (200, 1597));
    let some = test.split_at(500).unwrap().0;
    let rows = methods::all(&train, &some, methods::Budget { epochs: 25, members: 5 }, 0).unwrap();
    let row = |name: &str| rows[methods::ROWS.iter().position(|(row, _, _)| *row == name).unwrap()];
    assert_eq!(rows.len(), methods::ROWS.len());
    let plain = row("nothing");
    assert!(plain.train > 0.95 && plain.test < plain.train - 0.1, "learnt by heart: {plain:?}");
    for name in ["augmentation", "bagging, mean", "dropout", "shared, dropped, augmented"] {
        assert!(row(name).test > plain.test, "{name}: {:?} {plain:?}", row(name));
    }
    assert!(row("bagging, mean").test > row("bagging, a member alone").test + 0.03);
    assert!(row("bagging, majority").test > row("bagging, a member alone").test + 0.03);
}

#[test]
fn a_whole_network_is_as_accurate_as_the_mean_of_those_with_dropped_units() {
    let (train, test) = methods::few(&digits::digits().unwrap(), 200, 0.0, 0).unwrap();
    let budget = methods::Budget { epochs: 30, members: 1 };
    let found = averaging::compare(&train, &test, budget, 0, 20).unwrap();
    assert!(found.whole > found.thinned + 0.03, "{found:?}");
    assert!((found.whole - found.mean_of_thinned).abs() < 0.02, "{found:?}");
}

#[test]
fn the_sign_of_the_gradient_misleads_where_random_signs_do_not_and_training_against_it_helps() {
    let (train, test) = digits::digits().unwrap().split(0.2, 1).unwrap();
    let (train, test) = (train.split_at(700).unwrap().0, test.split_at(120).unwrap().0);
    let plain = attacks::trained(&train, 8, 1, None).unwrap();
    let hardened = attacks::trained(&train, 8, 1, Some(0.1)).unwrap();
    let (fgsm, pgd) = (attacks::fgsm(0.1).unwrap(), attacks::pgd(0.1).unwrap());
    let noisy = attacks::under_noise(&plain, &test, 0.1, 1).unwrap();
    let attacked = attacks::under(&plain, &test, &fgsm).unwrap();
    let iterated = attacks::under(&plain, &test, &pgd).unwrap();
    assert!(attacks::clean(&plain, &test).unwrap() > 0.85 && noisy > 0.8, "{noisy}");
    assert!(attacked < noisy - 0.25 && iterated <= attacked, "{noisy} {attacked} {iterated}");
    assert!(attacks::under(&hardened, &test, &fgsm).unwrap() > attacked + 0.05);
    for attack in [fgsm, pgd] {
        assert!(attacks::largest_change(&plain, &test, &attack).unwrap() <= 0.1 + 1e-6);
    }
    assert_eq!(attacks::pictures(&plain, &test, 0.1, 2).unwrap().tiles().len(), 6);
}

#[test]
fn the_toy_convnet_learns_to_read_and_shows_every_layer() {
    let (train, test) = digits::digits().unwrap().split(0.2, 1).unwrap();
    let (network, history) = toy::train(9, &train, &test, 2).unwrap();
    assert!(toy::accuracy(&network, &test).unwrap() > 0.7, "{}", history.learning_curves());
    let few = test.subset(&(0..20).collect::<Vec<_>>()).unwrap();
    assert_eq!(["conv1", "conv2"].map(|layer| toy::dead_filters(&network, layer, &few).unwrap()), [0, 0]);
    let (image, _) = test.get(0).unwrap();
    let maps = toy::maps(&network, image).unwrap();
    let sizes: Vec<Vec<[usize; 3]>> =
        maps.iter().map(|(_, maps)| maps.iter().map(|map| map.sizes()).collect()).collect();
    assert_eq!(sizes, [vec![[28, 28, 1]], vec![[26, 26, 1]; 2], vec![[24, 24, 1]; 2], vec![[12, 12, 1]; 2]]);
    let [activations, shares] = toy::answer(&network, image).unwrap();
    let sum: f32 = activations.iter().map(|z| z.exp()).sum();
    for (z, share) in activations.iter().zip(shares) {
        assert!((z.exp() / sum - share).abs() < 1e-6);
    }
}

#[test]
fn average_pooling_encodes_edges_and_max_pooling_keeps_strong_features() {
    assert_eq!(signal::pooled(3, 6), [[1.0, 1.0, 1.0, 0.0], [0.25, 1.0, 0.25, 0.0]]);
    assert_eq!(signal::pooled(5, 1), [[0.0, 1.0, 0.0, 0.0], [0.0, 0.25, 0.0, 0.0]]);
    assert_eq!(signal::told_apart(4), [13, 7, 13]);
}

#[test]
fn pooled_networks_are_smaller_and_change_less_when_a_digit_moves() {
    let (train, test) = digits::digits().unwrap().split(0.2, 1).unwrap();
    let few = test.subset(&(0..20).collect::<Vec<_>>()).unwrap();
    let unpooled: networks::Unpooled = networks::trained(&train, 0, 4).unwrap();
    let largest: networks::MaxPooled = networks::trained(&train, 0, 4).unwrap();
    const { assert!(2 * networks::MaxPooled::PARAMETERS < networks::Unpooled::PARAMETERS) }
    let all = networks::change(&unpooled, "features", &few, 1).unwrap();
    let pooled = networks::change(&largest, "pool", &few, 1).unwrap();
    assert!(pooled < 0.9 * all, "{pooled} {all}");
    let [plain, robust] = [
        [0, 1].map(|distance| networks::accuracy(&unpooled, &test, distance).unwrap()),
        [0, 1].map(|distance| networks::accuracy(&largest, &test, distance).unwrap()),
    ];
    assert!(plain[0] > 0.85 && robust[0] > 0.85 && robust[1] > plain[1], "{plain:?} {robust:?}");
}

#[test]
fn equations_differences_and_the_library_give_the_same_gradients() {
    for seed in 0..5 {
        let found = gradients::compare(seed).unwrap();
        assert!(found.forward < 1e-14, "{}", found.forward);
        assert_eq!(found.gradients.iter().map(|tensor| tensor.by_library.len()).sum::<usize>(), 54 + 3 + 24 + 2 + 98);
        for tensor in &found.gradients {
            let [by_hand, by_differences] = tensor.distances();
            assert!(tensor.by_library[tensor.largest()].abs() > 1e-3, "{tensor:?}");
            assert!(by_hand < 1e-13 && by_differences < 1e-8, "{}: {tensor:?}", tensor.what);
        }
        let ones = found.pool.gradient.as_slice().iter().filter(|gradient| **gradient == 1.0).count();
        let zeros = found.pool.gradient.as_slice().iter().filter(|gradient| **gradient == 0.0).count();
        assert_eq!((ones, zeros), (8, 24), "one place in each window of {:?}", found.pool.before.as_slice());
    }
}

/// Every path in backticks that `docs/lecture.md` names exists, and so does every example and test.
#[test]
fn paths_and_tests_in_the_map_of_the_lecture_exist() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("docs/lecture.md")).unwrap();
    let quoted: Vec<&str> = map.split('`').skip(1).step_by(2).collect();
    let paths: Vec<&&str> = quoted.iter().filter(|text| text.contains('/') && !text.contains(' ')).collect();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        let (file, item) = path.split_once("::").unwrap_or((path, ""));
        assert!(root.join(file).exists(), "docs/lecture.md names {file}, which is not there");
        if !item.is_empty() {
            let source = fs::read_to_string(root.join(file)).unwrap();
            assert!(source.contains(&format!("fn {item}")), "{file} has no `{item}`");
        }
    }
    for slide in 1..=39 {
        let named = map.lines().filter_map(|line| line.strip_prefix("| ")?.split('|').next());
        let covers = |cell: &str| match cell.trim().split_once('–') {
            Some((first, last)) => (first.parse().unwrap_or(0)..=last.parse().unwrap_or(0)).contains(&slide),
            None => cell.trim().parse() == Ok(slide),
        };
        assert!(named.into_iter().any(covers), "docs/lecture.md has no line for slide {slide}");
    }
}
