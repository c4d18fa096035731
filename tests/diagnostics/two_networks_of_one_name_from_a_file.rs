use netwright::network;

network! {
    pub Net(28x28x1) { dense 16 relu; softmax 10 }
    pub Net = onnx "tests/foreign/small/pytorch.onnx";
}

fn main() {
    println!("{}", Net::PARAMETERS);
}
