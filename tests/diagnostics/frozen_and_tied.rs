netwright::network! {
    Autoencoder(784) { dense 64 tanh as encode; dense 784 tied encode frozen sigmoid }
}

fn main() {
    let _ = Autoencoder::init(1).predict_batch(&[]);
}
