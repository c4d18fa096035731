use netwright::network;

network! {
    pub Net(28x28x1) {
        conv 3x3x16 relu;
        chunk 2;
        log_softmax 10
    }
}

fn main() {
    println!("{}", Net::PARAMETERS);
}
