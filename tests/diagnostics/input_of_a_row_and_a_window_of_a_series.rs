netwright::network! {
    pub Small(128) {
        conv 7x8
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
