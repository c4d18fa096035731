//! A softmax without a number is an activation, legal anywhere.

netwright::network! {
    pub Net(28x28x1) {
        dense 64 softmax;
        softmax;
        dense 32 relu;
        softmax 10
    }
}

fn main() {
    let answer: [f32; 10] = Net::init(1).predict(&netwright::Tensor::zeros());
    assert!((answer.iter().sum::<f32>() - 1.0).abs() < 1e-5);
}
