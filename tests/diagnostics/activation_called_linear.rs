netwright::network! {
    pub Small(4) {
        dense 8 none; dense 1 linear
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
