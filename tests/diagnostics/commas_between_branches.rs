//! Branches that are separated like the arguments of a function.

netwright::network! {
    pub Net(28x28x1) {
        concat { conv 3x3x8 same }, { conv 5x5x8 same }, { } relu;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
