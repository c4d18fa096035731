//! Arguments of a block without their parentheses.

netwright::network! {
    block cell(width, stride = 1) {
        conv 3x3x(width) same stride (stride) relu
    }

    pub Net(28x28x1) {
        cell 8;
        2 * cell 16 relu;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 1>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
