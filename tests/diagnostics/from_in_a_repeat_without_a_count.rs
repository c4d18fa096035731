netwright::network! {
    block cell(width) { residual { conv 3x3x(width) same from "conv" } }
    Net(8x8x8) { repeat 2 { conv 3x3x8 from "features" relu }; cell(8) from "a"; cell(8); cell(8); softmax 10 from "fc" }
}

fn main() {
    let _ = Net::init(1).predict_batch(&[]);
}
