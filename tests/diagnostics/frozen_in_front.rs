netwright::network! {
    block features(width) { conv 3x3x(width) relu; conv 3x3x(width) relu }
    Net(28x28x1) { frozen features(8); frozen conv 3x3x8 relu; frozen; dense 32 freeze; softmax 10 }
}

fn main() {
    let _ = Net::init(1).predict_batch(&[]);
}
