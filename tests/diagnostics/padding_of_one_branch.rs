//! Branches whose windows lose different numbers of rows.

netwright::network! {
    block inception(width) {
        concat { conv 3x3x(width) relu } { conv 5x5x(width) relu } { maxpool 3 stride 1 same }
    }

    pub Net(28x28x1) {
        inception(8);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
