//! ResNet-50: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015 (arXiv 1512.03385). As in the paper, a
//! bottleneck's stride lies in its first convolution; as in Keras, each convolution has a bias.

netwright::network! {
    /// Narrows, convolves and widens, beside a projection to the new size.
    block bottleneck(width, stride) {
        add
            { conv 1x1x(4*width) stride (stride) bn eps 1.001e-5 }
            {
                conv 1x1x(width) stride (stride) bn eps 1.001e-5 relu;
                conv 3x3x(width) same bn eps 1.001e-5 relu;
                conv 1x1x(4*width) bn eps 1.001e-5
            }
            relu
    }

    /// The same beside what comes in.
    block identity(width) {
        residual {
            conv 1x1x(width) bn eps 1.001e-5 relu;
            conv 3x3x(width) same bn eps 1.001e-5 relu;
            conv 1x1x(4*width) bn eps 1.001e-5
        } relu
    }

    /// ResNet-50 (He et al., 2015).
    pub ResNet50(224x224x3) {
        conv 7x7x64 stride 2 pad 3 bn eps 1.001e-5 relu;  maxpool 3 stride 2 pad 1;
        bottleneck(64, 1);   2 * identity(64);
        bottleneck(128, 2);  3 * identity(128);
        bottleneck(256, 2);  5 * identity(256);
        bottleneck(512, 2);  2 * identity(512);
        globalavgpool;  softmax 1000
    }
}

const _: () = assert!(ResNet50::PARAMETERS == 25_583_592 && ResNet50::STATISTICS == 53_120);
const _: () = assert!(ResNet50::PARAMETERS + ResNet50::STATISTICS == 25_636_712);
const _: () = assert!(ResNet50::MACS == 3_857_973_248);
const _: () = assert!(ResNet50::DEPTH == 167);
