//! Inception-ResNet-v2: Szegedy, Ioffe, Vanhoucke and Alemi, "Inception-v4, Inception-ResNet and the impact of residual connections on
//! learning", 2016 (arXiv 1602.07261), with the widths of Keras. Layers have Keras' names; Keras numbers layers
//! without a name.

netwright::network! {
    /// A convolution with `same` padding.
    block unit(height, width, filters) {
        conv (height)x(width)x(filters) same nobias bn noscale relu
    }

    /// A convolution without padding.
    block valid(filters, stride = 2) {
        conv 3x3x(filters) stride (stride) nobias bn noscale relu
    }

    /// The residual block on images of 35x35.
    block residual_a() {
        residual {
            concat
                { unit(1, 1, 32) }
                { unit(1, 1, 32); unit(3, 3, 32) }
                { unit(1, 1, 32); unit(3, 3, 48); unit(3, 3, 64) };
            conv 1x1x320 from "conv" scale 0.17
        } relu
    }

    /// The residual block on images of 17x17.
    block residual_b() {
        residual {
            concat
                { unit(1, 1, 192) }
                { unit(1, 1, 128); unit(1, 7, 160); unit(7, 1, 192) };
            conv 1x1x1088 from "conv" scale 0.1
        } relu
    }

    /// The branches of the residual block on images of 8x8.
    block branches_c() {
        concat
            { unit(1, 1, 192) }
            { unit(1, 1, 192); unit(1, 3, 224); unit(3, 1, 256) };
        conv 1x1x2080 from "conv"
    }

    /// The scaled residual block on images of 8x8.
    block residual_c() {
        residual { branches_c; scale 0.2 } relu
    }

    /// Inception-ResNet-v2 (Szegedy et al., 2016).
    pub InceptionResNetV2(299x299x3) {
        valid(32);  valid(32, 1);  unit(3, 3, 64);  maxpool 3 stride 2;
        conv 1x1x80 nobias bn noscale relu;  valid(192, 1);  maxpool 3 stride 2;
        concat
            { unit(1, 1, 96) }
            { unit(1, 1, 48); unit(5, 5, 64) }
            { unit(1, 1, 64); unit(3, 3, 96); unit(3, 3, 96) }
            { avgpool 3 stride 1 same; unit(1, 1, 64) };
        10 * residual_a from "block35_{1..}_";
        concat { valid(384) } { unit(1, 1, 256); unit(3, 3, 256); valid(384) } { maxpool 3 stride 2 };
        20 * residual_b from "block17_{1..}_";
        concat
            { unit(1, 1, 256); valid(384) }
            { unit(1, 1, 256); valid(288) }
            { unit(1, 1, 256); unit(3, 3, 288); valid(320) }
            { maxpool 3 stride 2 };
        9 * residual_c from "block8_{1..}_";
        residual { branches_c from "block8_10_" };
        unit(1, 1, 1536);
        globalavgpool;  softmax 1000 from "predictions"
    }
}

const _: () = assert!(InceptionResNetV2::PARAMETERS == 55_813_192 && InceptionResNetV2::STATISTICS == 60_544);
const _: () = assert!(InceptionResNetV2::PARAMETERS + InceptionResNetV2::STATISTICS == 55_873_736);
const _: () = assert!(InceptionResNetV2::MACS == 13_155_794_016);
const _: () = assert!(InceptionResNetV2::DEPTH == 611);
