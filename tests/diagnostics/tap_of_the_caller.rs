//! A block that joins a tap of its caller.

netwright::network! {
    block merge(width) {
        conv 1x1x(width) relu;
        add skip
    }
    pub Net(28x28x1) {
        conv 3x3x8 same relu; tap skip;
        merge(8);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
