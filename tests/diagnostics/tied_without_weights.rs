//! `tied`, `init` and `bias` of layers that have nothing to share or to start.

netwright::network! {
    block cell() {
        dense 32 as inside
    }

    pub Net(28x28x1) {
        conv 3x3x4 same as first relu;
        maxpool 2 tied first;
        residual { conv 3x3x4 same } relu tied first;
        subsample 2 init he;
        cell();
        dense 32 tied inside;
        dense 32 nobias bias 0.1;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
