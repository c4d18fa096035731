//! ResNet-50: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015 (arXiv 1512.03385). As in the paper, the
//! stride of a bottleneck is in its first convolution; as in Keras, each convolution has a bias; layers have Keras' names.

netwright::network! {
    /// A bottleneck beside a projection to the new size.
    block bottleneck(width, stride) {
        add
            { conv 1x1x(4*width) stride (stride) from "0_conv" bn eps 1.001e-5 from "0_bn" }
            {
                conv 1x1x(width) stride (stride) from "1_conv" bn eps 1.001e-5 from "1_bn" relu;
                conv 3x3x(width) same from "2_conv" bn eps 1.001e-5 from "2_bn" relu;
                conv 1x1x(4*width) from "3_conv" bn eps 1.001e-5 from "3_bn"
            }
            relu
    }

    /// A bottleneck beside the identity.
    block identity(width) {
        residual {
            conv 1x1x(width) from "1_conv" bn eps 1.001e-5 from "1_bn" relu;
            conv 3x3x(width) same from "2_conv" bn eps 1.001e-5 from "2_bn" relu;
            conv 1x1x(4*width) from "3_conv" bn eps 1.001e-5 from "3_bn"
        } relu
    }

    /// ResNet-50 (He et al., 2015).
    pub ResNet50(224x224x3) {
        conv 7x7x64 stride 2 pad 3 from "conv1_conv" bn eps 1.001e-5 from "conv1_bn" relu;  maxpool 3 stride 2 pad 1;
        bottleneck(64, 1) from "conv2_block1_";   2 * identity(64) from "conv2_block{2..}_";
        bottleneck(128, 2) from "conv3_block1_";  3 * identity(128) from "conv3_block{2..}_";
        bottleneck(256, 2) from "conv4_block1_";  5 * identity(256) from "conv4_block{2..}_";
        bottleneck(512, 2) from "conv5_block1_";  2 * identity(512) from "conv5_block{2..}_";
        globalavgpool;  softmax 1000 from "predictions"
    }
}

const _: () = assert!(ResNet50::PARAMETERS == 25_583_592 && ResNet50::STATISTICS == 53_120);
const _: () = assert!(ResNet50::PARAMETERS + ResNet50::STATISTICS == 25_636_712);
const _: () = assert!(ResNet50::MACS == 3_857_973_248);
const _: () = assert!(ResNet50::DEPTH == 167);
