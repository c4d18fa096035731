netwright::network! {
    pub Small(9x4) {
        conv 3x8 stride 2; conv 7x8; maxpool 2x2
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
