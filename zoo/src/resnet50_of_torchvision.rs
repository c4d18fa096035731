//! ResNet-50 as in torchvision, known as version 1.5: the stride of a bottleneck is in its 3x3 convolution, and no convolution has a
//! bias. He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015 (arXiv 1512.03385).

netwright::network! {
    /// A bottleneck: reduces the channels, convolves, and expands them.
    block bottleneck(width, stride = 1) {
        conv 1x1x(width) nobias from "conv1" bn eps 1e-5 momentum 0.9 from "bn1" relu;
        conv 3x3x(width) stride (stride) pad 1 nobias from "conv2" bn eps 1e-5 momentum 0.9 from "bn2" relu;
        conv 1x1x(4*width) nobias from "conv3" bn eps 1e-5 momentum 0.9 from "bn3"
    }

    /// A bottleneck beside a projection to the new size.
    block widen(width, stride) {
        add
            { bottleneck(width, stride) }
            { conv 1x1x(4*width) stride (stride) nobias from "downsample.0" bn eps 1e-5 momentum 0.9 from "downsample.1" }
            relu
    }

    /// A bottleneck beside the identity.
    block identity(width) {
        residual { bottleneck(width) } relu
    }

    /// ResNet-50 of torchvision, version 1.5.
    pub ResNet50OfTorchvision(224x224x3) {
        conv 7x7x64 stride 2 pad 3 nobias from "conv1" bn eps 1e-5 momentum 0.9 from "bn1" relu;
        maxpool 3 stride 2 pad 1;
        widen(64, 1) from "layer1.0";   2 * identity(64) from "layer1.{1..}";
        widen(128, 2) from "layer2.0";  3 * identity(128) from "layer2.{1..}";
        widen(256, 2) from "layer3.0";  5 * identity(256) from "layer3.{1..}";
        widen(512, 2) from "layer4.0";  2 * identity(512) from "layer4.{1..}";
        globalavgpool;  softmax 1000 from "fc"
    }
}

const _: () = assert!(ResNet50OfTorchvision::PARAMETERS == 25_557_032 && ResNet50OfTorchvision::STATISTICS == 53_120);
