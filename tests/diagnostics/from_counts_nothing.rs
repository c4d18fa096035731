netwright::network! {
    block cell(width) { conv 1x1x(width) from "conv{}" }
    Net(8x8x3) {
        conv 3x3x8 from "features.{}";
        2 * cell(8) from "layer{1..}";
        repeat 3 { conv 1x1x8 from "list.{0,2}" };
        repeat 2 { conv 1x1x8 from "single.{5}" };
        dense 10 from "open{"
    }
}

fn main() {
    let _ = Net::init(1).predict_batch(&[]);
}
