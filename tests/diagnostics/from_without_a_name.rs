netwright::network! {
    Net(8x8x3) { conv 3x3x8 from relu; conv 3x3x8 from features; dense 10 from 0 }
}

fn main() {
    let _ = Net::init(1).predict_batch(&[]);
}
