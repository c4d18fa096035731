netwright::network! {
    block plain() { relu; maxpool 2 }
    Net(8x8x4) {
        plain() from "plain";
        maxpool 2 from "pool";
        residual { conv 1x1x4 from "conv" } from "block";
        conv 1x1x4 nobias from "encode" as encode;
        conv 1x1x4 nobias tied encode from "decode";
        softmax 10
    }
}

fn main() {
    let _ = Net::init(1).predict_batch(&[]);
}
