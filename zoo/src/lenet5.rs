//! LeNet-5 as it is taught today: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
//! Proceedings of the IEEE 86(11), 1998, with average pools, full connections and a softmax.

netwright::network! {
    /// LeNet-5 (LeCun et al., 1998) as it is taught today, on 28x28 images.
    pub LeNet5(28x28x1) {
        conv 5x5x6 same tanh;  avgpool 2;
        conv 5x5x16 tanh;      avgpool 2;
        dense 120 tanh;        dense 84 tanh;
        softmax 10
    }
}

const _: () = assert!(LeNet5::PARAMETERS == 61_706 && LeNet5::STATISTICS == 0);
const _: () = assert!(LeNet5::MACS == 416_520);
