//! Arguments by name: one that is misspelt, one that is given twice, one that stands behind.

netwright::network! {
    block cell(width, stride = 1, slope = 0.1) {
        conv 3x3x(width) same stride (stride) bn leaky_relu (slope)
    }

    pub Net(28x28x1) {
        cell(8, slope = 0.2);
        cell(8, strid = 2);
        cell(8, 2, stride = 2);
        cell(width = 8, 2);
        cell(stride: 2);
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
