//! A tap that does not exist.

netwright::network! {
    pub Net(28x28x1) {
        conv 3x3x8 same relu; tap fine;
        maxpool 2; conv 3x3x16 same relu;
        deconv 2x2x8 stride 2; concat fien;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
