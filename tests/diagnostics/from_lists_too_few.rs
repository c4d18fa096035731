netwright::network! {
    Net(8x8x4) { repeat 3 { conv 1x1x8 from "features.{0,2}" }; softmax 10 from "{}" }
}

fn main() {
    let _ = Net::init(1).predict_batch(&[]);
}
