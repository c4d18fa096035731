//! Xception: Chollet, "Xception: deep learning with depthwise separable convolutions", 2016 (arXiv 1610.02357).

netwright::network! {
    /// Two separable convolutions and a pool, beside a projection of what came before the rectifier.
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

    /// Three separable convolutions, beside what comes in.
    block middle(width) {
        residual {
            relu;
            repeat 2 { sepconv 3x3x(width) same nobias bn relu };
            sepconv 3x3x(width) same nobias bn
        }
    }

    /// Xception (Chollet, 2016).
    pub Xception(299x299x3) {
        conv 3x3x32 stride 2 nobias bn relu;
        conv 3x3x64 nobias bn relu;
        add
            { conv 1x1x128 stride 2 same nobias bn }
            {
                sepconv 3x3x128 same nobias bn relu;
                sepconv 3x3x128 same nobias bn;
                maxpool 3 stride 2 same
            };
        shrink(256, 256);
        shrink(728, 728);
        8 * middle(728);
        shrink(728, 1024);
        sepconv 3x3x1536 same nobias bn relu;
        sepconv 3x3x2048 same nobias bn relu;
        globalavgpool;  softmax 1000
    }
}

const _: () = assert!(Xception::PARAMETERS == 22_855_952 && Xception::STATISTICS == 54_528);
const _: () = assert!(Xception::PARAMETERS + Xception::STATISTICS == 22_910_480);
const _: () = assert!(Xception::MACS == 8_357_403_496);
const _: () = assert!(Xception::DEPTH == 126);
