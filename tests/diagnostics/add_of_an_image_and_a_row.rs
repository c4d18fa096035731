netwright::network! {
    pub Small(8x8x3) {
        add { globalavgpool } { }; conv 1x1x2
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
