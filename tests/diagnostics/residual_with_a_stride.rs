//! A residual whose stages make the image smaller.

netwright::network! {
    pub Net(28x28x64) {
        residual { conv 3x3x64 stride 2 same bn relu; conv 3x3x64 same bn } relu;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 64>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
