use netwright::network;

network! {
    pub Net(28x28x1) {
        conv 3x3x16 relu;
        shuffle 3;
        logsoftmax 10
    }
}

fn main() {
    println!("{}", Net::PARAMETERS);
}
