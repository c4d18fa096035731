//! AlexNet: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", NeurIPS 2012. The two
//! groups correspond to its two graphics processors.

netwright::network! {
    /// AlexNet (Krizhevsky et al., 2012), with the two groups of the paper.
    pub AlexNet(227x227x3) {
        conv 11x11x96 stride 4 relu lrn;      maxpool 3 stride 2;
        conv 5x5x256 same groups 2 relu lrn;  maxpool 3 stride 2;
        conv 3x3x384 same relu;
        conv 3x3x384 same groups 2 relu;
        conv 3x3x256 same groups 2 relu;      maxpool 3 stride 2;
        dense 4096 relu dropout 0.5;
        dense 4096 relu dropout 0.5;
        softmax 1000
    }
}

const _: () = assert!(AlexNet::PARAMETERS == 60_965_224 && AlexNet::STATISTICS == 0);
const _: () = assert!(AlexNet::MACS == 724_406_816);
const _: () = assert!(AlexNet::DEPTH == 23);
