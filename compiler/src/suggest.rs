//! Suggestions: the nearest known word, and the equivalents of words of other frameworks.

/// The known word nearest to `word`, ignoring case, if any is similar.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    netwright_abi::nearest(&word.to_lowercase(), known)
}

/// The equivalent of another framework's name of a layer or an option.
pub(crate) fn foreign(word: &str) -> Option<&'static str> {
    let simple: String = word.to_lowercase().chars().filter(|letter| *letter != '_').collect();
    Some(match simple.as_str() {
        "conv1d" | "convolution1d" | "timeconv" | "temporalconv" => {
            "along a series, `128x1` (length x channels), a convolution is `conv 7x16`: length x filters"
        }
        "maxpool1d" | "maxpooling1d" => "along a series, `128x1` (length x channels), max pooling is `maxpool 2`",
        "avgpool1d" | "averagepooling1d" => {
            "along a series, `128x1` (length x channels), average pooling is `avgpool 2`"
        }
        "conv2d" | "convolution" | "convolution2d" | "conv3x3" | "crosscorrelation" | "cnn" => {
            "a convolution is `conv 3x3x16`: height x width x filters"
        }
        "maxpool2d" | "maxpooling2d" | "maxpooling" | "pool" | "pooling" => "max pooling is `maxpool 2`",
        "avgpool2d" | "averagepooling2d" | "averagepool" | "averagepooling" | "meanpool" | "avgpooling" => {
            "average pooling is `avgpool 2`"
        }
        "linear" | "fc" | "fullyconnected" | "innerproduct" | "denselayer" | "affine" => {
            "a fully connected layer is `dense 120`"
        }
        "padding" => "padding is `same`, or `pad 1`; without either there is none",
        "valid" => "no padding is the default: leave `valid` out",
        "strides" => "the step of a window is `stride 2`",
        "kernel" | "kernelsize" | "kernels" | "filters" | "window" | "size" => {
            "window and filters stand right behind the word, `conv 3x3x16`"
        }
        "activation" | "act" | "nonlinearity" => "an activation is its own word: `conv 3x3x16 relu`",
        "dilation" | "dilationrate" => "dilation is `dilate 2`",
        "usebias" | "bias" => "every layer has a bias unless it says `nobias`",
        "group" => "groups are `groups 2`",
        "batchnorm1d" | "batchnorm2d" | "batchnormalization" | "batchnormalisation" => {
            "batch normalisation is `batchnorm`, or `bn`"
        }
        "layernormalization" | "layernormalisation" => "layer normalisation is `layernorm`",
        "groupnorm" | "gn" | "instancenorm" | "rmsnorm" | "norm" => {
            "the normalisations are `batchnorm`, `layernorm` and, among channels, `lrn`"
        }
        "leakyrelu" | "lrelu" => "the leaky rectifier is `leaky_relu`, or `leaky_relu 0.01`",
        "chunk" | "narrow" | "unbind" => {
            "some of the channels are `slice 8`, or from the ninth on `slice 8 at 8`; branches of a `concat` take different ones"
        }
        "channelshuffle" | "permutechannels" => "channels of 2 groups side by side are `shuffle 2`",
        "input" | "inputlayer" => "the input's shape stands behind the network's name: `pub LeNet5(28x28x1) { … }`",
        "output" => "the output layer is `softmax 10`, or the last `dense`",
        "freeze" | "nontrainable" | "untrainable" | "trainable" | "nograd" | "requiresgrad" | "fixed"
        | "stopgradient" => {
            "weights that training leaves as they are: `conv 3x3x16 relu frozen`, behind a stage, a block, a `repeat`"
        }
        "view" | "ravel" | "flat" => "an image becomes a row with `flatten`; `dense` does it by itself",
        "convtranspose1d" | "conv1dtranspose" | "convtranspose2d" | "conv2dtranspose" | "convtranspose"
        | "transposedconv" | "upconv" | "deconvolution" => "a transposed convolution is `deconv 2x2x64`",
        "conv1x1" | "pointwise" | "pwconv" => "a pointwise convolution is `conv 1x1x64`",
        "unpool" | "pixelshuffle" | "interpolate" | "resize" | "zoom" => {
            "an image is enlarged by `upsample 2` or `deconv 2x2x64 stride 2`"
        }

        "depthwiseconv2d" | "depthwise" => "a depthwise convolution is `dwconv 3x3`",
        "separableconv2d" | "separable" => "a separable convolution is `sepconv 3x3x64`",
        "globalmaxpooling2d" | "adaptivemaxpool2d" | "gmp" | "globalmaxpooling" => {
            "global max pooling is `globalmaxpool`"
        }
        "globalaveragepooling1d"
        | "adaptiveavgpool1d"
        | "globalaveragepooling2d"
        | "globalaveragepooling"
        | "globalpool"
        | "adaptiveavgpool2d"
        | "gap" => "global average pooling is `globalavgpool`",
        "lstm" | "gru" | "rnn" | "simplernn" | "bilstm" | "bidirectional" | "recurrent" => {
            "there are no recurrent layers: a network sees its whole input at once, and `conv` sees neighbours in time"
        }
        "attention" | "selfattention" | "multiheadattention" | "transformer" | "transformerencoderlayer" => {
            "there is no attention: `conv` sees neighbours, `dense` sees everything at once, and `mul` makes gates"
        }
        "embedding" | "onehot" => {
            "there is no table of vectors: let a number that is 1 stand for each word, and `dense` after it"
        }
        "bilinear" | "bicubic" | "upsamplingbilinear2d" | "upsampling1d" | "upsampling2d" | "unpooling" => {
            "an image is enlarged by `upsample 2`, which repeats pixels"
        }
        "alphadropout" | "dropout2d" | "spatialdropout2d" | "gaussiandropout" | "dropconnect" => {
            "dropout is `dropout 0.5`"
        }
        "gaussiannoise" | "noise" => "noise belongs to the data: see `Augmentation`",
        "lambda" | "custom" => "a network is made of the words of the language alone",
        "hardtanh" | "clamp" | "clipbyvalue" | "clamped" => "an interval is kept to by `clip min -1 max 1`",
        "hardsigmoid" => "it is spelt `hard_sigmoid`",
        "concatenate" | "cat" => "branches are joined with `concat { … } { … }`",
        "sum" | "plus" | "addition" => "branches are summed with `add { … } { … }`",
        "multiply" | "product" | "gate" | "gated" => "branches are multiplied with `mul { … } { … }`",
        "parallel" | "branch" | "branches" | "split" | "fork" => {
            "branches stand in braces behind `concat`, `add` or `mul`: `concat { … } { … }`"
        }
        "identity" => "what comes in, unchanged, is an empty branch: `add { … } { }`",
        "squeezeexcite" | "squeezeandexcite" | "squeezeexcitation" => {
            "squeeze and excitation is `mul { } { globalavgpool; dense 4 relu; dense 64 sigmoid }`"
        }
        "skip" | "shortcut" | "residualblock" | "resblock" => "a skip is `residual { … }`, or `add { … } { }`",
        "units" | "out" => "the number of units stands right behind the word: `dense 120`",
        "rate" | "p" => "the rate stands right behind the word: `dropout 0.5`",
        _ => return None,
    })
}

/// The equivalent of what other frameworks write after a layer without an activation, or as an interpolation mode.
pub(crate) fn foreign_ending(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "linear" | "none" | "identity" | "noactivation" | "no_activation" | "null" => {
            "a layer without an activation is written without one: leave the word out"
        }
        "bilinear" | "bicubic" | "linear_interpolation" | "lanczos" => {
            "`upsample` repeats pixels; for smooth steps put `dwconv 3x3 same` behind it, or train them: `deconv 4x4x16 stride 2 same`"
        }
        "nearest" | "nearest_neighbour" | "nearest_neighbor" => {
            "`upsample` repeats pixels, the nearest ones: leave the word out"
        }
        _ => return None,
    })
}

/// The advice for a word of other frameworks that is redundant before a word of the language: `padding same`.
pub(super) fn superfluous(word: &str) -> Option<&'static str> {
    match word {
        "padding" | "pad_mode" | "mode" => Some("`same` says by itself that it pads"),
        "activation" | "act" | "nonlinearity" => Some("an activation is a word of its own"),
        _ => None,
    }
}
