//! Predictions read weights in a form that is prepared once, and again after every change of the weights.

use netwright::init::Init;
use netwright::prelude::*;
use netwright::{Architecture, LengthError, Predictor, PreparedWeights};

netwright::network! {
    Small(9x7x3) {
        conv 3x3x20 same nobias bn relu; conv 1x1x18 tanh; maxpool 2;
        conv 3x3x5 kernel gemm connect (0, 4) (1, 2) (17) (5, 6, 7) (3) bn; softmax 4
    }
}

fn image() -> Tensor<9, 7, 3> {
    let mut image = Tensor::zeros();
    let elements = image.as_mut_slice().iter_mut().enumerate();
    elements.for_each(|(place, element)| *element = (place * 37 % 101) as f32 / 50.0 - 1.0);
    image
}

/// Returns the output of a network that has these weights and has never predicted before.
fn anew(network: &Small) -> [f32; 4] {
    let mut other = Small::init(99);
    other.parameters_mut().copy_from_slice(network.parameters());
    other.statistics_mut().copy_from_slice(network.statistics());
    other.predict(&image())
}

#[test]
fn every_change_of_the_weights_is_seen_by_the_next_prediction() -> Result<(), netwright::Error> {
    let mut network = Small::init(1);
    let mut last = network.predict(&image());
    let mut check = |network: &Small, what: &str| {
        let answer = network.predict(&image());
        assert_ne!(answer, last, "{what} changes the answer");
        assert_eq!(answer, anew(network), "{what}");
        last = answer;
    };
    network.parameters_mut()[5] += 1.0;
    check(&network, "a parameter");
    network.statistics_mut()[3] += 0.5;
    check(&network, "a statistic");
    network.tensor_mut("conv2", "kernel").expect("a kernel")[7] -= 1.0;
    check(&network, "a tensor");
    network.layers_mut().conv3.kernel[1][1][4] += 2.0;
    check(&network, "a view of a layer");
    network.initialise("conv1", "kernel", Init::HeNormal, 8)?;
    check(&network, "an initialisation");
    let data: Dataset<Tensor<9, 7, 3>> = Dataset::from_pairs([(image(), 1), (image(), 2)])?;
    Trainer::new().epochs(1)?.batch(2)?.progress(false).loss(CrossEntropy).optimizer(Sgd::new(0.1)?).fit(
        &mut network,
        &data,
        None,
    )?;
    check(&network, "training");
    let copy = network.clone();
    network.parameters_mut()[0] += 1.0;
    assert_eq!(copy.predict(&image()), anew(&copy), "a clone keeps its own");
    check(&network, "a parameter of the original");
    Ok(())
}

#[test]
fn a_predictor_borrows_what_a_network_has_prepared() -> Result<(), LengthError> {
    let network = Small::init(4);
    let mut workspace = vec![0.0; Predictor::<Small>::WORKSPACE];
    let (parameters, statistics) = (network.parameters(), network.statistics());
    let mut predictor = Predictor::<Small>::new(parameters, statistics, network.prepared(), &mut workspace)?;
    assert_eq!(predictor.predict(&image()), network.predict(&image()));

    let mut prepared = vec![f32::NAN; <Small as Architecture>::PREPARED];
    let anew = PreparedWeights::<Small>::of(parameters, statistics, &mut prepared)?;
    let mut predictor = Predictor::new(parameters, statistics, anew, &mut workspace)?;
    assert_eq!(predictor.predict(&image()), network.predict(&image()));

    let refused = |parameters: &[f32], statistics: &[f32], memory: &mut [f32]| match PreparedWeights::<Small>::of(
        parameters, statistics, memory,
    ) {
        Ok(prepared) => panic!("{prepared:?}"),
        Err(LengthError { what, expected, found }) => (what, expected - found),
    };
    assert_eq!(refused(&parameters[1..], statistics, &mut prepared), ("parameters", 1));
    assert_eq!(refused(parameters, &statistics[2..], &mut prepared), ("statistics", 2));
    assert_eq!(refused(parameters, statistics, &mut prepared[3..]), ("memory for prepared weights", 3));
    Ok(())
}
