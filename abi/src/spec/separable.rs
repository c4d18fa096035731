//! Sizes of a depthwise convolution followed by a 1x1 convolution, of which only the output of the latter is stored.

use super::conv;
use crate::Epilogue;

spec! {
    /// The sizes of a separable convolution.
    ///
    /// Each channel has one filter. Windows, strides and padding are those of an ordinary convolution.
    Spec {
        /// Height, width, channels of one input image.
        input: [usize; 3],
        /// Height, width, filters of one output image.
        output: [usize; 3],
        /// Height and width of a depthwise filter, in taps.
        window: [usize; 2],
        /// Input rows and columns between adjacent outputs.
        stride: [usize; 2],
        /// Zeros around the input: top, bottom, left, right.
        padding: [usize; 4],
        /// Input rows and columns between adjacent taps.
        dilation: [usize; 2],
        /// The epilogue of the depthwise convolution.
        between: Epilogue,
        /// The epilogue of the 1x1 convolution.
        epilogue: Epilogue,
    }
}

/// The approximate elements of the depthwise output that are computed at once.
const BAND: usize = 160 * 1024;

impl Spec {
    /// Returns the sizes of the depthwise convolution.
    pub const fn depthwise(&self) -> conv::Spec {
        let ([height, width, _], channels) = (self.output, self.input[2]);
        let Self { input, window, stride, padding, dilation, between, .. } = *self;
        let output = [height, width, channels];
        conv::Spec { input, output, window, stride, padding, dilation, groups: channels, epilogue: between }
    }

    /// Returns the sizes of the 1x1 convolution.
    pub const fn pointwise(&self) -> conv::Spec {
        let Self { output, epilogue, .. } = *self;
        let input = [output[0], output[1], self.input[2]];
        let (window, stride, padding, dilation, groups) = ([1; 2], [1; 2], [0; 4], [1; 2], 1);
        conv::Spec { input, output, window, stride, padding, dilation, groups, epilogue }
    }

    /// Returns the maximum rows of the depthwise output that are computed before the 1x1 convolution reads them: about half of a large L2
    /// cache.
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

    /// Returns the elements of these rows.
    pub const fn band_len(&self) -> usize {
        self.band_rows() * self.output[1] * self.input[2]
    }
}

windowed!(Spec, |spec| (spec.window[0] - 1) * spec.dilation[0] + 1, |spec| spec.input[2]
    * (spec.window[0] * spec.window[1] + spec.output[2]));
