//! A layer normalisation over a single number, which gives 0 whatever comes in.

netwright::network! {
    pub Height(3) { dense 8 relu; dense 1 layernorm }
}

fn main() {
    let network = Height::init(1);
    println!("{:?}", network.predict(&[0.0; 3]));
}
