//! A mistake that shows where a block is called.

netwright::network! {
    block reduce(window) {
        maxpool (window)
    }
    pub Net(28x28x1) {
        reduce(4);
        reduce(8);
        reduce(9);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
