netwright::network! {
    pub Small(4) {
        Dense(8) relu; Dropout(0.5); dense 1
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
