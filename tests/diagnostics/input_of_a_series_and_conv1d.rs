netwright::network! {
    pub Small(128x1) {
        conv1d 7x8; dense 2
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
