netwright::network! {
    pub Small(8x8x3) {
        conv 3x3x4 relu; softmax 1
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
