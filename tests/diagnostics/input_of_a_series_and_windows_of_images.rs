netwright::network! {
    pub Small(128x1) {
        conv 3x3x16 relu; dense 2
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
