//! How much memory a network may take is not counted: it takes the least, or what is fast.

netwright::network! {
    pub Net(28x28x1) memory 28 { conv 5x5x6; softmax 10 }
    pub Other(28x28x1) memory { conv 5x5x6; softmax 10 }
    pub Third(28x28x1) exact { conv 5x5x6; softmax 10 }
}

fn main() {
    let _ = (Net::init(1), Other::init(1), Third::init(1));
}
