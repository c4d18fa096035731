//! A block that calls itself, by way of another.

netwright::network! {
    block even(width) {
        dense (width) relu;
        odd(width)
    }
    block odd(width) {
        even(width)
    }
    pub Net(28x28x1) {
        even(64);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
