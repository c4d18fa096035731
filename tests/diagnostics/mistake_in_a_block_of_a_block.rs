//! A mistake in a block that another block calls, in the second of two calls.

netwright::network! {
    block halve(width) {
        conv 3x3x(width) relu;
        maxpool 2
    }
    block stage(width) {
        halve(width);
        residual { conv 3x3x(width) }
    }
    pub Net(28x28x1) {
        conv 3x3x8 same relu;
        stage(8);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
