//! A concatenation of images of different heights.

netwright::network! {
    pub Net(28x28x64) {
        concat { conv 1x1x16 } { conv 3x3x32 same } { conv 5x3x16 pad 0x1 } { maxpool 3 stride 1 same };
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 64>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
