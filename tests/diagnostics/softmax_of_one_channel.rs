netwright::network! {
    pub Small(8x8x3) {
        conv 1x1x1; softmax
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
