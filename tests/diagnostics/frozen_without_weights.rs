netwright::network! {
    Pooled(8x8x3) { maxpool 2 frozen; conv 3x3x8 relu; repeat 2 { relu } frozen; softmax 10 }
}

fn main() {
    let _ = Pooled::init(1).predict_batch(&[]);
}
