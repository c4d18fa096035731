//! Inception-v3 as in torchvision: normalisations have a scale, and average pools count the zeros around an image. Szegedy, Vanhoucke,
//! Ioffe, Shlens and Wojna, "Rethinking the Inception architecture for computer vision", 2015 (arXiv 1512.00567), without the auxiliary
//! classifier.

netwright::network! {
    /// A convolution with `same` padding.
    block unit(height, width, filters) {
        conv (height)x(width)x(filters) same nobias from "conv" bn momentum 0.9 from "bn" relu
    }

    /// A convolution without padding.
    block valid(filters, stride = 2) {
        conv 3x3x(filters) stride (stride) nobias from "conv" bn momentum 0.9 from "bn" relu
    }

    /// Branches with windows of 5x5, the larger one as two of 3x3.
    block inception_a(pooled) {
        concat
            { unit(1, 1, 64) from "branch1x1" }
            { unit(1, 1, 48) from "branch5x5_1"; unit(5, 5, 64) from "branch5x5_2" }
            { unit(1, 1, 64) from "branch3x3dbl_1"; 2 * unit(3, 3, 96) from "branch3x3dbl_{2..}" }
            { zeropad 1; avgpool 3 stride 1; unit(1, 1, pooled) from "branch_pool" }
    }

    /// Branches with windows of 7x7 as 1x7 and 7x1.
    block inception_c(width) {
        concat
            { unit(1, 1, 192) from "branch1x1" }
            { unit(1, 1, width) from "branch7x7_1"; unit(1, 7, width) from "branch7x7_2"; unit(7, 1, 192) from "branch7x7_3" }
            {
                unit(1, 1, width) from "branch7x7dbl_1";
                unit(7, 1, width) from "branch7x7dbl_2";  unit(1, 7, width) from "branch7x7dbl_3";
                unit(7, 1, width) from "branch7x7dbl_4";  unit(1, 7, 192) from "branch7x7dbl_5"
            }
            { zeropad 1; avgpool 3 stride 1; unit(1, 1, 192) from "branch_pool" }
    }

    /// Branches with windows of 3x3 as 1x3 beside 3x1.
    block inception_e() {
        concat
            { unit(1, 1, 320) from "branch1x1" }
            {
                unit(1, 1, 384) from "branch3x3_1";
                concat { unit(1, 3, 384) from "branch3x3_2a" } { unit(3, 1, 384) from "branch3x3_2b" }
            }
            {
                unit(1, 1, 448) from "branch3x3dbl_1";  unit(3, 3, 384) from "branch3x3dbl_2";
                concat { unit(1, 3, 384) from "branch3x3dbl_3a" } { unit(3, 1, 384) from "branch3x3dbl_3b" }
            }
            { zeropad 1; avgpool 3 stride 1; unit(1, 1, 192) from "branch_pool" }
    }

    /// The second reduction.
    block inception_d() {
        concat
            { unit(1, 1, 192) from "branch3x3_1"; valid(320) from "branch3x3_2" }
            {
                unit(1, 1, 192) from "branch7x7x3_1";  unit(1, 7, 192) from "branch7x7x3_2";
                unit(7, 1, 192) from "branch7x7x3_3";  valid(192) from "branch7x7x3_4"
            }
            { maxpool 3 stride 2 }
    }

    /// The first reduction.
    block inception_b() {
        concat
            { valid(384) from "branch3x3" }
            { unit(1, 1, 64) from "branch3x3dbl_1"; unit(3, 3, 96) from "branch3x3dbl_2"; valid(96) from "branch3x3dbl_3" }
            { maxpool 3 stride 2 }
    }

    /// Inception-v3 of torchvision.
    pub InceptionV3OfTorchvision(299x299x3) {
        valid(32) from "Conv2d_1a_3x3";
        valid(32, 1) from "Conv2d_2a_3x3";
        unit(3, 3, 64) from "Conv2d_2b_3x3";  maxpool 3 stride 2;
        unit(1, 1, 80) from "Conv2d_3b_1x1";
        valid(192, 1) from "Conv2d_4a_3x3";   maxpool 3 stride 2;
        inception_a(32) from "Mixed_5b";   inception_a(64) from "Mixed_5c";  inception_a(64) from "Mixed_5d";
        inception_b() from "Mixed_6a";
        inception_c(128) from "Mixed_6b";  inception_c(160) from "Mixed_6c";
        inception_c(160) from "Mixed_6d";  inception_c(192) from "Mixed_6e";
        inception_d() from "Mixed_7a";
        inception_e() from "Mixed_7b";     inception_e() from "Mixed_7c";
        globalavgpool;  dropout 0.5;  softmax 1000 from "fc"
    }
}

const _: () = assert!(InceptionV3OfTorchvision::PARAMETERS == 23_834_568 && InceptionV3OfTorchvision::STATISTICS == 34_432);
