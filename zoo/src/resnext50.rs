//! ResNeXt-50 (32x4d): Xie, Girshick, Dollár, Tu and He, "Aggregated residual transformations for deep neural networks", 2016
//! (arXiv 1611.05431). As in torchvision, the stride is in the grouped convolution; layers have torchvision's names.

netwright::network! {
    /// A convolution in 32 groups between two changes of the number of channels.
    block cardinal(width, stride = 1) {
        conv 1x1x(width) nobias from "conv1" bn eps 1e-5 momentum 0.9 from "bn1" relu;
        conv 3x3x(width) stride (stride) pad 1 groups 32 nobias from "conv2" bn eps 1e-5 momentum 0.9 from "bn2" relu;
        conv 1x1x(2*width) nobias from "conv3" bn eps 1e-5 momentum 0.9 from "bn3"
    }

    /// The same beside a projection to the new size.
    block widen(width, stride) {
        add
            { cardinal(width, stride) }
            { conv 1x1x(2*width) stride (stride) nobias from "downsample.0" bn eps 1e-5 momentum 0.9 from "downsample.1" }
            relu
    }

    /// The same beside the identity.
    block identity(width) {
        residual { cardinal(width) } relu
    }

    /// ResNeXt-50, 32x4d (Xie et al., 2016).
    pub ResNeXt50(224x224x3) {
        conv 7x7x64 stride 2 pad 3 nobias from "conv1" bn eps 1e-5 momentum 0.9 from "bn1" relu;
        maxpool 3 stride 2 pad 1;
        widen(128, 1) from "layer1.0";  2 * identity(128) from "layer1.{1..}";
        widen(256, 2) from "layer2.0";  3 * identity(256) from "layer2.{1..}";
        widen(512, 2) from "layer3.0";  5 * identity(512) from "layer3.{1..}";
        widen(1024, 2) from "layer4.0";  2 * identity(1024) from "layer4.{1..}";
        globalavgpool;  softmax 1000 from "fc"
    }
}

const _: () = assert!(ResNeXt50::PARAMETERS == 25_028_904 && ResNeXt50::STATISTICS == 68_224);
const _: () = assert!(ResNeXt50::PARAMETERS + ResNeXt50::STATISTICS == 25_097_128);
const _: () = assert!(ResNeXt50::MACS == 4_230_479_872);
const _: () = assert!(ResNeXt50::DEPTH == 167);
