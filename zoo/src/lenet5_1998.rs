//! LeNet-5 as it was published: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proceedings of
//! the IEEE 86(11), 1998, section II.B: trained subsampling, the connections of table I, and an output layer that measures the distance
//! to a stylised picture of each digit, 12 units high and 7 wide.

netwright::network! {
    /// 1.7159 tanh(2/3 x), the paper's squashing function: 1 at 1 and -1 at -1.
    block squash() { scale 0.6666666666666666; tanh; scale 1.7159 }

    /// LeNet-5 (LeCun et al., 1998) as it was published. Its last layer, `rbf`, computes a distance for each digit; the answer is the paper's
    /// interpretation of a distance, the negative logarithm of a probability.
    pub LeNet5Of1998(32x32x1) {
        conv 5x5x6 as c1;    squash;
        subsample 2 as s2;   squash;
        conv 5x5x16
            connect (0, 1, 2) (1, 2, 3) (2, 3, 4) (3, 4, 5) (0, 4, 5) (0, 1, 5)
                (0, 1, 2, 3) (1, 2, 3, 4) (2, 3, 4, 5) (0, 3, 4, 5) (0, 1, 4, 5) (0, 1, 2, 5)
                (0, 1, 3, 4) (1, 2, 4, 5) (0, 2, 3, 5) (0, 1, 2, 3, 4, 5)
            as c3;           squash;
        subsample 2 as s4;   squash;
        conv 5x5x120 as c5;  squash;
        dense 84 as f6;      squash;
        distance 10 to
            "..###.. .##.##. ##...## ##...## ##...## ##...## ##...## ##...## ##...## .##.##. ..###.. ......."
            "...##.. ..###.. .####.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. .###### ......."
            ".#####. ##...## ##...## .....## ....##. ...##.. ..##... .##.... ##..... ##..... ####### ......."
            ".#####. ##...## .....## .....## ..####. .....## .....## .....## .....## ##...## .#####. ......."
            "....##. ...###. ..####. .##.##. ##..##. ##..##. ####### ....##. ....##. ....##. ....##. ......."
            "####### ##..... ##..... ##..... ######. .....## .....## .....## .....## ##...## .#####. ......."
            "..####. .##.... ##..... ##..... ######. ##...## ##...## ##...## ##...## ##...## .#####. ......."
            "####### .....## .....## ....##. ....##. ...##.. ...##.. ..##... ..##... .##.... .##.... ......."
            ".#####. ##...## ##...## ##...## .#####. ##...## ##...## ##...## ##...## ##...## .#####. ......."
            ".#####. ##...## ##...## ##...## ##...## .###### .....## .....## .....## ....##. .####.. ......."
            as rbf  scale -1 softmax
    }
}

const _: () = assert!(LeNet5Of1998::PARAMETERS == 156 + 12 + 1_516 + 32 + 48_120 + 10_164);
const _: () = assert!(LeNet5Of1998::PARAMETERS == 60_000 && LeNet5Of1998::STATISTICS == 0);
