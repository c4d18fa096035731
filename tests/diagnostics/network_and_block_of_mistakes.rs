//! One mistake in a block that two networks call.

netwright::network! {
    block cell(width) {
        dense (width) rleu
    }
    pub Net(28x28x1) {
        cell(64);
        softmax 10
    }
    pub Other(28x28x1) {
        cell(32);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
