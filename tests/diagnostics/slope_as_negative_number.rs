//! A slope with the sign that the formula does not have.

netwright::network! {
    pub Net(28x28x1) {
        dense 84 leaky_relu -0.01;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
