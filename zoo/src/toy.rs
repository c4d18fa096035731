//! The toy convnet of the lecture: a spreadsheet by Jeremy Howard (fast.ai) that reads a handwritten 7.

netwright::network! {
    /// The toy convnet of a spreadsheet by Jeremy Howard (fast.ai): two convolutions with two filters each, a pool, and a dense layer.
    pub ToyConvnet(28x28x1) {
        conv 3x3x2 relu;
        conv 3x3x2 relu;
        maxpool 2;
        softmax 10
    }
}

const _: () = assert!(ToyConvnet::PARAMETERS == 20 + 38 + 2_890 && ToyConvnet::STATISTICS == 0);
const _: () = assert!(ToyConvnet::DEPTH == 7);
