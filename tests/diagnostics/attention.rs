netwright::network! {
    pub Small(128) {
        attention 8; dense 1
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
