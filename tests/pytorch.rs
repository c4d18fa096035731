//! Weights taken over from PyTorch by hand, as the example and its page do, give PyTorch's answers.

#[path = "../examples/pytorch/layouts.rs"]
mod layouts;
#[path = "../examples/pytorch/net.rs"]
mod net;

const FILE: &[u8] = include_bytes!("../examples/pytorch/net.safetensors");

#[test]
fn weights_of_pytorch_give_its_answers() -> Result<(), netwright::Error> {
    let file = layouts::StateDict::new(FILE)?;
    let mut network = net::Net::init(1);
    net::load(&mut network, &file)?;
    let (answer, (_, expected)) = (network.predict(&net::image(&file)?), file.tensor("answer")?);
    let largest = expected.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    assert_eq!(expected.len(), answer.len());
    for (theirs, ours) in expected.iter().zip(answer) {
        assert!((theirs - ours).abs() <= 1e-5 * largest, "{expected:?}, {answer:?}");
    }
    Ok(())
}

#[test]
fn a_permutation_of_axes_is_that_of_numpy() {
    let numbers: Vec<f32> = (0..6).map(|number| number as f32).collect();
    assert_eq!(layouts::permuted(&numbers, [2, 3], [1, 0]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(layouts::permuted(&numbers, [1, 2, 3], [2, 0, 1]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(layouts::permuted(&numbers, [3, 2, 1], [0, 1, 2]), numbers);
}
