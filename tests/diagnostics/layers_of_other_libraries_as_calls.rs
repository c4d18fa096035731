netwright::network! {
    pub Small(8x8x3) {
        Conv2d(3, 16, 3); LeakyReLU(); GlobalAveragePooling2D(); dense 2
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
