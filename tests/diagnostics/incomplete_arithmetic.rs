netwright::network! {
    pub Small(8x8x3) {
        conv 1x1x(2*) relu; conv 1x1x(/width); conv 1x1x() same
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
