//! A layer that there is not.

netwright::network! {
    pub Net(28x28x1) {
        conv 5x5x6 relu;
        wavelet 12;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
