//! A program that uses its network in every way hears of the mistake, and of nothing else.

netwright::network! {
    pub Net(28x28x1) {
        conv 5x5x6 tanh;
        dense 120 tahn;
        softmax 10
    }
}

const _: () = assert!(Net::PARAMETERS == 61_706);
static SHARED: std::sync::OnceLock<Net> = std::sync::OnceLock::new();

#[derive(Debug, Clone)]
struct Game {
    reader: Net,
    exact: Net<f64>,
}

trait Reads {
    fn reads(&self, image: &netwright::Tensor<28, 28, 1>) -> usize;
}

impl Reads for Net {
    fn reads(&self, image: &netwright::Tensor<28, 28, 1>) -> usize {
        let answer = self.predict(image);
        (0..answer.len()).max_by(|&a, &b| answer[a].total_cmp(&answer[b])).unwrap_or(0)
    }
}

fn main() {
    let game = Game { reader: Net::init(1), exact: Net::<f64>::init(1) };
    let image = netwright::Tensor::zeros();
    let [first, rest @ ..] = game.reader.predict(&image);
    println!("{first} {rest:?} {} {:?}", game.reader.reads(&image), game.exact.clone());
    for layer in Net::LAYERS {
        println!("{}: {} parameters", layer.name, layer.parameters());
    }
    println!("{:?} {:?}", game.reader.conv1().kernel, SHARED.get_or_init(|| Net::init(2)).predict_batch(&[]));
}
