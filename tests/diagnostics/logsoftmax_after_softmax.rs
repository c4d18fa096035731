use netwright::network;

network! {
    pub Net(28x28x1) {
        dense 10 softmax;
        logsoftmax 10
    }
}

fn main() {
    println!("{}", Net::PARAMETERS);
}
