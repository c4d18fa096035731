netwright::network! {
    block squeeze() { globalavgpool; dense (in.depth/4) relu }

    pub Small(8x8x3) {
        squeeze(); dense (in.chanels); dense in.channels
    }
}

fn main() {
    let small = Small::init(1);
    let _ = small.parameters().len();
}
