//! Weights of a layer that has none.

netwright::network! {
    pub Net(28x28x1) {
        maxpool 2 as small;
        dense 32 tied small;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
