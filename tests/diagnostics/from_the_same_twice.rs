netwright::network! {
    Net(8x8x3) { conv 3x3x8 from "features.0" relu; conv 3x3x8 from "features.0" relu; dense 10 from "fc" from "head" }
}

fn main() {
    let _ = Net::init(1).predict_batch(&[]);
}
