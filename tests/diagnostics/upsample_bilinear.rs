netwright::network! {
    pub Small(8x8x3) {
        upsample 2 bilinear; conv 3x3x4
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
