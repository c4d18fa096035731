//! Inception-v3: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception architecture for computer vision", 2015
//! (arXiv 1512.00567), without the auxiliary classifier, as in Keras, which numbers its layers.

netwright::network! {
    /// A convolution with `same` padding.
    block unit(height, width, filters) {
        conv (height)x(width)x(filters) same nobias bn noscale relu
    }

    /// A convolution without padding.
    block valid(filters, stride = 2) {
        conv 3x3x(filters) stride (stride) nobias bn noscale relu
    }

    /// Branches with windows of 5x5, the larger one as two of 3x3.
    block inception_a(pooled) {
        concat
            { unit(1, 1, 64) }
            { unit(1, 1, 48); unit(5, 5, 64) }
            { unit(1, 1, 64); unit(3, 3, 96); unit(3, 3, 96) }
            { avgpool 3 stride 1 same; unit(1, 1, pooled) }
    }

    /// Branches with windows of 7x7 as 1x7 and 7x1.
    block inception_b(width) {
        concat
            { unit(1, 1, 192) }
            { unit(1, 1, width); unit(1, 7, width); unit(7, 1, 192) }
            { unit(1, 1, width); unit(7, 1, width); unit(1, 7, width); unit(7, 1, width); unit(1, 7, 192) }
            { avgpool 3 stride 1 same; unit(1, 1, 192) }
    }

    /// Branches with windows of 3x3 as 1x3 beside 3x1.
    block inception_c() {
        concat
            { unit(1, 1, 320) }
            { unit(1, 1, 384); concat { unit(1, 3, 384) } { unit(3, 1, 384) } }
            { unit(1, 1, 448); unit(3, 3, 384); concat { unit(1, 3, 384) } { unit(3, 1, 384) } }
            { avgpool 3 stride 1 same; unit(1, 1, 192) }
    }

    /// Inception-v3 (Szegedy et al., 2015).
    pub InceptionV3(299x299x3) {
        valid(32);  valid(32, 1);  unit(3, 3, 64);  maxpool 3 stride 2;
        conv 1x1x80 nobias bn noscale relu;  valid(192, 1);  maxpool 3 stride 2;
        inception_a(32);  2 * inception_a(64);
        concat { valid(384) } { unit(1, 1, 64); unit(3, 3, 96); valid(96) } { maxpool 3 stride 2 };
        inception_b(128);  2 * inception_b(160);  inception_b(192);
        concat
            { unit(1, 1, 192); valid(320) }
            { unit(1, 1, 192); unit(1, 7, 192); unit(7, 1, 192); valid(192) }
            { maxpool 3 stride 2 };
        2 * inception_c;
        globalavgpool;  softmax 1000 from "predictions"
    }
}

const _: () = assert!(InceptionV3::PARAMETERS == 23_817_352 && InceptionV3::STATISTICS == 34_432);
const _: () = assert!(InceptionV3::PARAMETERS + InceptionV3::STATISTICS == 23_851_784);
const _: () = assert!(InceptionV3::MACS == 5_713_216_096);
const _: () = assert!(InceptionV3::DEPTH == 159);
