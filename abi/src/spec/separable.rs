//! Sizes of a depthwise convolution and the 1x1 convolution behind it, of which only the output of the latter is stored.

use super::conv;
use crate::Epilogue;

spec! {
    /// The sizes of a separable convolution.
    ///
    /// Each channel has one filter. Where its window is, and how it moves, is said as of an ordinary convolution.
    Spec {
        /// Height, width, channels of one input image.
        input: [usize; 3],
        /// Height, width, filters of one output image.
        output: [usize; 3],
        /// Height and width of a depthwise filter, in taps.
        window: [usize; 2],
        /// Steps from one output to the next, in input rows and columns.
        stride: [usize; 2],
        /// Zeros around the input: top, bottom, left, right.
        padding: [usize; 4],
        /// Steps from one tap to the next, in input rows and columns.
        dilation: [usize; 2],
        /// What becomes of the depthwise output.
        between: Epilogue,
        /// What becomes of the output.
        epilogue: Epilogue,
    }
}

/// Elements of the depthwise output that are computed at once, about.
const BAND: usize = 160 * 1024;

impl Spec {
    /// The depthwise convolution.
    pub const fn depthwise(&self) -> conv::Spec {
        let ([height, width, _], channels) = (self.output, self.input[2]);
        let Self { input, window, stride, padding, dilation, between, .. } = *self;
        let output = [height, width, channels];
        conv::Spec { input, output, window, stride, padding, dilation, groups: channels, epilogue: between }
    }

    /// The 1x1 convolution.
    pub const fn pointwise(&self) -> conv::Spec {
        let Self { output, epilogue, .. } = *self;
        let input = [output[0], output[1], self.input[2]];
        let (window, stride, padding, dilation, groups) = ([1; 2], [1; 2], [0; 4], [1; 2], 1);
        conv::Spec { input, output, window, stride, padding, dilation, groups, epilogue }
    }

    /// Rows of the depthwise output that are computed before the 1x1 convolution reads them, at most: about what half of a large second
    /// cache holds.
    pub const fn band_rows(&self) -> usize {
        let fit = BAND / (self.output[1] * self.input[2]);
        if fit == 0 {
            1
        } else if fit < self.output[0] {
            fit
        } else {
            self.output[0]
        }
    }

    /// Their elements.
    pub const fn band_len(&self) -> usize {
        self.band_rows() * self.output[1] * self.input[2]
    }
}

windowed!(Spec, |spec| (spec.window[0] - 1) * spec.dilation[0] + 1, |spec| spec.input[2]
    * (spec.window[0] * spec.window[1] + spec.output[2]));
