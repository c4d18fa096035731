//! Xception: Chollet, "Xception: deep learning with depthwise separable convolutions", 2016 (arXiv 1610.02357).
//! Layers have Keras' names; Keras numbers layers without a name.

netwright::network! {
    /// Two separable convolutions and a pool, beside a projection of the input before the rectifier.
    block shrink(first, last) {
        add
            { conv 1x1x(last) stride 2 same nobias bn }
            {
                relu;
                sepconv 3x3x(first) same nobias from "sepconv1" bn from "sepconv1_bn" relu;
                sepconv 3x3x(last) same nobias from "sepconv2" bn from "sepconv2_bn";
                maxpool 3 stride 2 same
            }
    }

    /// Three separable convolutions, beside the identity.
    block middle(width) {
        residual {
            relu;
            repeat 2 { sepconv 3x3x(width) same nobias from "sepconv{1..}" bn from "sepconv{1..}_bn" relu };
            sepconv 3x3x(width) same nobias from "sepconv3" bn from "sepconv3_bn"
        }
    }

    /// Xception (Chollet, 2016).
    pub Xception(299x299x3) {
        conv 3x3x32 stride 2 nobias from "block1_conv1" bn from "block1_conv1_bn" relu;
        conv 3x3x64 nobias from "block1_conv2" bn from "block1_conv2_bn" relu;
        add
            { conv 1x1x128 stride 2 same nobias bn }
            {
                sepconv 3x3x128 same nobias from "block2_sepconv1" bn from "block2_sepconv1_bn" relu;
                sepconv 3x3x128 same nobias from "block2_sepconv2" bn from "block2_sepconv2_bn";
                maxpool 3 stride 2 same
            };
        shrink(256, 256) from "block3_";
        shrink(728, 728) from "block4_";
        8 * middle(728) from "block{5..}_";
        shrink(728, 1024) from "block13_";
        sepconv 3x3x1536 same nobias from "block14_sepconv1" bn from "block14_sepconv1_bn" relu;
        sepconv 3x3x2048 same nobias from "block14_sepconv2" bn from "block14_sepconv2_bn" relu;
        globalavgpool;  softmax 1000 from "predictions"
    }
}

const _: () = assert!(Xception::PARAMETERS == 22_855_952 && Xception::STATISTICS == 54_528);
const _: () = assert!(Xception::PARAMETERS + Xception::STATISTICS == 22_910_480);
const _: () = assert!(Xception::MACS == 8_357_403_496);
const _: () = assert!(Xception::DEPTH == 126);
