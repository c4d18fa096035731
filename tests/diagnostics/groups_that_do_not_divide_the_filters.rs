//! Groups that divide the channels and not the filters.

netwright::network! {
    pub Net(28x28x4) {
        conv 3x3x6 groups 4 relu;
        softmax 10
    }
}

fn main() {
    let net = Net::init(1);
    let image = netwright::Tensor::<28, 28, 4>::zeros();
    let answer: [f32; 10] = net.predict(&image);
    println!("{} of {}: {answer:?}", net.parameters().len(), Net::PARAMETERS);
}
