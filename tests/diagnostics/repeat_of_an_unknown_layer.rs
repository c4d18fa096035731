netwright::network! {
    pub Small(8x8x3) {
        3 * convolve 3x3x8 relu; softmax 4
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
