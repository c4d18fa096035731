netwright::network! {
    pub Small(3x3x9) {
        mul { } { conv 3x3x9 }; dense 2
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
