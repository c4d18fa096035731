//! ResNeXt-50 (32x4d): Xie, Girshick, Dollár, Tu and He, "Aggregated residual transformations for deep neural networks", 2016
//! (arXiv 1611.05431). As in torchvision, the stride lies in the grouped convolution.

netwright::network! {
    /// Convolves in 32 groups between two changes of width.
    block cardinal(width, stride = 1) {
        conv 1x1x(width) nobias bn eps 1e-5 momentum 0.9 relu;
        conv 3x3x(width) stride (stride) pad 1 groups 32 nobias bn eps 1e-5 momentum 0.9 relu;
        conv 1x1x(2*width) nobias bn eps 1e-5 momentum 0.9
    }

    /// Beside a projection to the new size.
    block widen(width, stride) {
        add { cardinal(width, stride) } { conv 1x1x(2*width) stride (stride) nobias bn eps 1e-5 momentum 0.9 } relu
    }

    /// Beside what comes in.
    block identity(width) {
        residual { cardinal(width) } relu
    }

    /// ResNeXt-50, 32x4d (Xie et al., 2016).
    pub ResNeXt50(224x224x3) {
        conv 7x7x64 stride 2 pad 3 nobias bn eps 1e-5 momentum 0.9 relu;  maxpool 3 stride 2 pad 1;
        widen(128, 1);   2 * identity(128);
        widen(256, 2);   3 * identity(256);
        widen(512, 2);   5 * identity(512);
        widen(1024, 2);  2 * identity(1024);
        globalavgpool;  softmax 1000
    }
}

const _: () = assert!(ResNeXt50::PARAMETERS == 25_028_904 && ResNeXt50::STATISTICS == 68_224);
const _: () = assert!(ResNeXt50::PARAMETERS + ResNeXt50::STATISTICS == 25_097_128);
const _: () = assert!(ResNeXt50::MACS == 4_230_479_872);
const _: () = assert!(ResNeXt50::DEPTH == 167);
