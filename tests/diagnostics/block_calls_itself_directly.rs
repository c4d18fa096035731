//! A block that calls itself.

netwright::network! {
    block deeper(width) {
        conv 3x3x(width) same relu;
        deeper(width)
    }
    pub Net(28x28x1) {
        deeper(8);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
