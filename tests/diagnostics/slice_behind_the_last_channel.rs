use netwright::network;

network! {
    pub Net(28x28x1) {
        conv 3x3x16 relu;
        concat { slice 8 } { slice 8 at 12 };
        softmax 10
    }
}

fn main() {
    println!("{}", Net::PARAMETERS);
}
