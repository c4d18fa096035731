//! A window that its input is too small for.

netwright::network! {
    pub Net(28x28x1) {
        conv 5x5x6 tanh;
        avgpool 2;
        conv 5x5x6 tanh;
        avgpool 2 stride 2 pad 1;
        conv 7x7x16 tanh;
        dense 120 tanh;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
