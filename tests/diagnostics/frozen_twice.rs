netwright::network! {
    block features(width) { conv 3x3x(width) relu; conv 3x3x(width) relu }
    Net(28x28x1) { features(8) frozen frozen; dense 32 frozen relu frozen; softmax 10 }
}

fn main() {
    let _ = Net::init(1).predict_batch(&[]);
}
