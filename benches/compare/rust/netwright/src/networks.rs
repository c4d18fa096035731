//! The networks that are not in the zoo.

netwright::network! {
    /// The perceptron of the comparison.
    pub Mlp(784) { dense 512 relu; dense 256 relu; softmax 10 }

    /// An inverted bottleneck: expansion, a depthwise convolution, projection.
    block narrow(factor, width, stride) {
        conv 1x1x(factor*in.channels) nobias bn relu6;
        dwconv 3x3 stride (stride) pad 1 nobias bn relu6;
        conv 1x1x(width) nobias bn
    }

    /// The same with a residual connection.
    block again(width) { residual { narrow(6, width, 1) } }

    /// MobileNetV2 (Sandler et al., 2018), as `torchvision` has it.
    pub MobileNetV2(224x224x3) {
        conv 3x3x32 stride 2 pad 1 nobias bn relu6;
        dwconv 3x3 pad 1 nobias bn relu6;  conv 1x1x16 nobias bn;
        narrow(6, 24, 2);   again(24);
        narrow(6, 32, 2);   2 * again(32);
        narrow(6, 64, 2);   3 * again(64);
        narrow(6, 96, 1);   2 * again(96);
        narrow(6, 160, 2);  2 * again(160);
        narrow(6, 320, 1);
        conv 1x1x1280 nobias bn relu6;
        globalavgpool;  softmax 1000
    }
}

// The number of parameters in `torchvision`.
const _: () = assert!(MobileNetV2::PARAMETERS == 3_504_872);
