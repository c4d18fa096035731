//! Arithmetic, and parameters that are called like an option, that are not in parentheses.

netwright::network! {
    block bottleneck(width, times = 2) {
        conv 1x1x(width) bn relu;
        conv 1x1x4*width bn stride times/2;
        dense width * 2 + 1;
        times * thin(8)
    }
    block thin(width, scale = 0.5) { dense (width) scale scale dropout scale }

    pub Net(28x28x1) {
        bottleneck(8);
        thin(8);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
