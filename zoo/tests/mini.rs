//! The structures of the classic networks on small images with few filters, where f64 is fast and rounding errors are negligible: outputs,
//! values of every layer, gradients, moving statistics, and five steps of two optimisers agree with other frameworks.

#[path = "../../tests/support/golden/mod.rs"]
mod golden;

use golden::{Golden, Tolerance};

netwright::network! {
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

    block identity(width) {
        residual {
            conv 1x1x(width) bn eps 1.001e-5 relu;
            conv 3x3x(width) same bn eps 1.001e-5 relu;
            conv 1x1x(4*width) bn eps 1.001e-5
        } relu
    }

    /// Strides in the first convolution, a bias before each normalisation, and zeros for padding.
    pub MiniResNet(29x29x3) {
        zeropad 3;  conv 7x7x8 stride 2 bn eps 1.001e-5 relu;
        zeropad 1;  maxpool 3 stride 2;
        bottleneck(4, 1);  identity(4);  bottleneck(6, 2);
        globalavgpool;  softmax 10
    }
}

netwright::network! {
    block cardinal(width, stride = 1) {
        conv 1x1x(width) nobias bn eps 1e-5 momentum 0.9 relu;
        conv 3x3x(width) stride (stride) pad 1 groups 4 nobias bn eps 1e-5 momentum 0.9 relu;
        conv 1x1x(2*width) nobias bn eps 1e-5 momentum 0.9
    }

    block widen(width, stride) {
        add { cardinal(width, stride) } { conv 1x1x(2*width) stride (stride) nobias bn eps 1e-5 momentum 0.9 } relu
    }

    /// Grouped convolutions.
    pub MiniResNeXt(26x26x3) {
        conv 7x7x8 stride 2 pad 3 nobias bn eps 1e-5 momentum 0.9 relu;  maxpool 3 stride 2 pad 1;
        widen(8, 1);  residual { cardinal(8) } relu;  widen(16, 2);
        globalavgpool;  softmax 10
    }
}

netwright::network! {
    block unit(height, width, filters) {
        conv (height)x(width)x(filters) same nobias bn noscale relu
    }

    block valid(filters) {
        conv 3x3x(filters) stride 2 nobias bn noscale relu
    }

    /// Nested branches, and average pooling that excludes the padding.
    pub MiniInception(35x35x3) {
        valid(6);  unit(3, 3, 8);  maxpool 3 stride 2;
        concat
            { unit(1, 1, 4) }
            { unit(1, 1, 3); unit(5, 5, 4) }
            { unit(1, 1, 3); unit(3, 3, 5); unit(3, 3, 5) }
            { avgpool 3 stride 1 same; unit(1, 1, 3) };
        concat { valid(6) } { maxpool 3 stride 2 };
        concat
            { unit(1, 1, 4) }
            { unit(1, 1, 4); unit(1, 7, 4); unit(7, 1, 5) }
            { avgpool 3 stride 1 same; unit(1, 1, 4) };
        concat
            { unit(1, 1, 5) }
            { unit(1, 1, 6); concat { unit(1, 3, 4) } { unit(3, 1, 4) } }
            { avgpool 3 stride 1 same; unit(1, 1, 3) };
        globalavgpool;  softmax 10
    }

    /// Scaled residuals.
    pub MiniInceptionResNet(33x33x3) {
        valid(6);  unit(3, 3, 8);  maxpool 3 stride 2;
        residual {
            concat
                { unit(1, 1, 3) }
                { unit(1, 1, 3); unit(3, 3, 3) }
                { unit(1, 1, 3); unit(3, 3, 4); unit(3, 3, 5) };
            conv 1x1x8 scale 0.17
        } relu;
        concat { valid(6) } { unit(1, 1, 4); unit(3, 3, 4); valid(5) } { maxpool 3 stride 2 };
        residual {
            concat { unit(1, 1, 4) } { unit(1, 1, 3); unit(1, 7, 4); unit(7, 1, 4) };
            conv 1x1x19 scale 0.1
        } relu;
        residual {
            concat { unit(1, 1, 4) } { unit(1, 1, 3); unit(1, 3, 4); unit(3, 1, 4) };
            conv 1x1x19
        };
        unit(1, 1, 12);
        globalavgpool;  softmax 10
    }
}

netwright::network! {
    block shrink(first, last) {
        add
            { conv 1x1x(last) stride 2 same nobias bn }
            {
                relu;
                sepconv 3x3x(first) same nobias bn relu;
                sepconv 3x3x(last) same nobias bn;
                maxpool 3 stride 2 same
            }
    }

    block middle(width) {
        residual {
            relu;
            repeat 2 { sepconv 3x3x(width) same nobias bn relu };
            sepconv 3x3x(width) same nobias bn
        }
    }

    /// Separable convolutions, and pooling with padding at the bottom and right.
    pub MiniXception(30x30x3) {
        conv 3x3x4 stride 2 nobias bn relu;
        conv 3x3x6 nobias bn relu;
        add
            { conv 1x1x8 stride 2 same nobias bn }
            {
                sepconv 3x3x8 same nobias bn relu;
                sepconv 3x3x8 same nobias bn;
                maxpool 3 stride 2 same
            };
        middle(8);
        shrink(8, 12);
        sepconv 3x3x16 same nobias bn relu;
        globalavgpool;  softmax 10
    }
}

netwright::network! {
    /// Local response normalisation across channels, groups, and overlapping pools.
    pub MiniAlexNet(35x35x3) {
        conv 11x11x8 stride 2 relu lrn;      maxpool 3 stride 2;
        conv 5x5x12 same groups 2 relu lrn;
        conv 3x3x12 same groups 2 relu;      maxpool 3 stride 2;
        dense 20 relu dropout 0.5;
        softmax 10
    }
}

macro_rules! compare {
    ($($test:ident $network:ident $file:literal)*) => {
        $(
            mod $test {
                use super::*;

                #[test]
                fn agrees_with_other_frameworks_in_f32() {
                    Golden::read(include_str!($file)).check_with_exact::<$network, $network<f64>>(Tolerance::F32);
                }

                #[test]
                fn agrees_with_other_frameworks_in_f64() {
                    Golden::read(include_str!($file)).check_with_exact::<$network<f64>, $network<f64>>(Tolerance::F64);
                }
            }
        )*
    };
}

compare! {
    mini_resnet MiniResNet "golden/MiniResNet.json"
    mini_resnext MiniResNeXt "golden/MiniResNeXt.json"
    mini_inception MiniInception "golden/MiniInception.json"
    mini_xception MiniXception "golden/MiniXception.json"
    mini_inception_resnet MiniInceptionResNet "golden/MiniInceptionResNet.json"
    mini_alexnet MiniAlexNet "golden/MiniAlexNet.json"
}
