//! The table of kernels: for each its operands in order, with the kernel's access to them, and the type of its sizes.
//!
//! Kernels that compute the same by different algorithms share a signature, so that one call can be built for the selected kernel.

pub use crate::kernel::{Access, Kernel, KernelId, Operands, Signature};
use crate::spec;

/// Calls the macro `$then` with the table: signatures with their operands, and under each `module::kernel(sizes)`, followed by `constants`
/// where the kernel can be compiled for constant sizes, by `pass` where it receives the pass, and by `scratch` where it needs scratch
/// memory.
#[macro_export]
macro_rules! for_each_kernel {
    ($then:ident) => {
        $then! {
            /// The forward pass of a layer with weights.
            Weighted {
                Read x: "The input.",
                Read w: "The weights.",
                Read scale: "A factor for each channel of the output, or nothing: 1.",
                Read shift: "A summand for each channel of the output, such as a bias, or nothing: 0.",
                Write y: "The output.",
            } {
                /// Convolution without scratch memory: y from x, weights, scale, shift.
                conv::conv_direct_forward(conv);
                /// The same for a small layer with windows inside the image: y from x, weights, scale, shift.
                conv::conv_registers_forward(conv) constants;
                /// Convolution as matrix products, with filters packed by `conv_pack`: y from x, filters, scale, shift.
                conv::conv_packed_forward(conv) scratch;
                /// Convolution by Winograd's algorithm, with filters transformed by `conv_winograd_pack`: y from x, filters, scale, shift.
                conv::conv_winograd_forward(conv) scratch;
                /// The same followed by a max pool of 2x2 windows with stride 2; only the pooled output y is stored. The only activation is
                /// one that clamps, and nothing is accumulated.
                conv::conv_winograd_pooled_forward(conv) scratch;
                /// Convolution with pixels in the lanes: y from x, weights, scale, shift.
                conv::conv_pixels_forward(conv) constants scratch;
                /// Convolution of blocks of images in the lanes: y from x, weights, scale, shift.
                conv::conv_lanes_forward(conv);
                /// Depthwise convolution: y from x, weights, scale, shift.
                depthwise::depthwise_forward(conv) scratch;
                /// Dense layer, weights `[inputs, outputs]`, without scratch memory: y from x, weights, scale, shift.
                dense::dense_direct_forward(dense);
                /// Dense layer, weights `[outputs, inputs]`, without scratch memory: y from x, weights, scale, shift.
                dense::dense_direct_transposed_forward(dense);
                /// Dense layer, weights `[inputs, outputs]`, of blocks of images in the lanes: y from x, weights, scale, shift.
                dense::dense_lanes_forward(dense);
                /// Trained subsampling: y from x, coefficients, scale, shift.
                subsample::subsample_forward(subsample);
            }
            /// The forward pass of a layer with weights as products, which pack the weights unless they are packed once for all passes of a
            /// step.
            Packable {
                Read x: "The input.",
                Read w: "The weights.",
                Read packed: "The weights as the kernel packs them, or nothing: it packs them itself.",
                Read scale: "A factor for each channel of the output, or nothing: 1.",
                Read shift: "A summand for each channel of the output, such as a bias, or nothing: 0.",
                Write y: "The output.",
            } {
                /// Convolution as matrix products: y from x, weights, packed, scale, shift.
                conv::conv_gemm_forward(conv) scratch;
                /// Convolution in many small groups: y from x, weights, packed, scale, shift.
                conv::conv_grouped_forward(conv) scratch;
                /// Convolution by the form of Winograd's algorithm that rounds least: y from x, weights, packed, scale, shift.
                conv::conv_winograd_train_forward(conv) scratch;
                /// Convolution in blocks of images in the lanes: y from x, weights, packed, scale, shift.
                conv::conv_blocks_forward(conv) scratch;
                /// Transposed convolution; the sizes are those of the convolution it transposes: y from x, weights, packed, scale, shift.
                deconv::deconv_forward(conv) scratch;
                /// Dense layer, weights `[inputs, outputs]`: y from x, weights, packed, scale, shift.
                dense::dense_forward(dense) constants scratch;
                /// Dense layer, weights `[outputs, inputs]`: y from x, weights, packed, scale, shift.
                dense::dense_transposed_forward(dense) scratch;
            }
            /// The forward pass of two layers with weights; the second reads some rows of the first at a time.
            Separable {
                Read x: "The input.",
                Read depthwise: "The weights of the first.",
                Read depthwise_scale: "A factor for each of its channels, or nothing: 1.",
                Read depthwise_shift: "A summand for each of its channels, or nothing: 0.",
                Read w: "The weights of the second, packed.",
                Read scale: "A factor for each channel of the output, or nothing: 1.",
                Read shift: "A summand for each channel of the output, such as a bias, or nothing: 0.",
                Write y: "The output.",
            } {
                /// Depthwise convolution, then a 1x1 convolution with filters packed by `conv_pack`: y from x, the former's weights, scale,
                /// shift, the latter's filters, scale, shift.
                separable::separable_forward(separable) scratch;
            }
            /// The gradient of the input of a layer with weights.
            GradInput {
                Read dy: "The gradient of the output.",
                Read w: "The weights.",
                Write dx: "The gradient of the input.",
            } {
                /// Depthwise convolution: dx from dy, weights.
                depthwise::depthwise_grad_input(conv) scratch;
                /// Trained subsampling: dx from dy, coefficients.
                subsample::subsample_grad_input(subsample);
            }
            /// The gradient of the input of a layer with weights as products, which pack the weights unless they are packed once for all
            /// passes of a step.
            PackableGradInput {
                Read dy: "The gradient of the output.",
                Read w: "The weights.",
                Read packed: "The weights as the kernel packs them, or nothing: it packs them itself.",
                Write dx: "The gradient of the input.",
            } {
                /// Convolution without scratch memory: dx from dy, weights, packed.
                conv::conv_direct_grad_input(conv);
                /// Convolution as matrix products: dx from dy, weights, packed.
                conv::conv_gemm_grad_input(conv) scratch;
                /// Convolution in many small groups: dx from dy, weights, packed.
                conv::conv_grouped_grad_input(conv) scratch;
                /// Convolution by Winograd's algorithm: dx from dy, weights, packed.
                conv::conv_winograd_grad_input(conv) scratch;
                /// Convolution in blocks of images in the lanes: dx from dy, weights, packed.
                conv::conv_blocks_grad_input(conv) scratch;
                /// Transposed convolution; the sizes are those of the convolution it transposes: dx from dy, weights, packed.
                deconv::deconv_grad_input(conv) scratch;
                /// Dense layer, weights `[inputs, outputs]`: dx from dy, weights, packed.
                dense::dense_grad_input(dense) scratch;
                /// Dense layer, weights `[outputs, inputs]`: dx from dy, weights, packed.
                dense::dense_transposed_grad_input(dense) scratch;
            }
            /// The gradients of weights and bias of a layer.
            GradWeights {
                Read x: "The input.",
                Read dy: "The gradient of the output.",
                Update dw: "The gradient of the weights.",
                Update db: "The gradient of the bias, or nothing.",
            } {
                /// Convolution without scratch memory: adds to dw and db from x, dy.
                conv::conv_direct_grad_weights(conv) scratch;
                /// Convolution as matrix products: adds to dw and db from x, dy.
                conv::conv_gemm_grad_weights(conv) scratch;
                /// Convolution by Winograd's algorithm: adds to dw and db from x, dy.
                conv::conv_winograd_grad_weights(conv) scratch;
                /// Convolution in blocks of images in the lanes: adds to dw and db from x, dy.
                conv::conv_blocks_grad_weights(conv) scratch;
                /// Convolution in many small groups: adds to dw and db from x, dy.
                conv::conv_grouped_grad_weights(conv) scratch;
                /// Depthwise convolution: adds to dw and db from x, dy.
                depthwise::depthwise_grad_weights(conv) scratch;
                /// Transposed convolution; the sizes are those of the convolution it transposes: adds to dw and db from x, dy.
                deconv::deconv_grad_weights(conv) scratch;
                /// Dense layer, weights `[inputs, outputs]`: adds to dw and db from x, dy.
                dense::dense_grad_weights(dense) scratch;
                /// Dense layer, weights `[outputs, inputs]`: adds to dw and db from x, dy.
                dense::dense_transposed_grad_weights(dense) scratch;
                /// Trained subsampling: adds to dw and db from x, dy.
                subsample::subsample_grad_weights(subsample);
            }
            /// Preparation of weights: what a kernel reads instead of them.
            Prepare { Read w: "The weights.", Write prepared: "The prepared weights, which kernels read instead.", } {
                /// Filters in panels, in which those of one tap and channel are contiguous.
                conv::conv_pack(conv);
                /// Filters as `conv_gemm_forward` and `deconv_grad_input` pack them.
                conv::conv_gemm_pack(conv);
                /// Filters as `conv_gemm_grad_input` and `deconv_forward` pack them: rotated and transposed.
                conv::conv_gemm_pack_rotated(conv);
                /// Filters as `conv_direct_grad_input` transposes them.
                conv::conv_direct_pack_rotated(conv);
                /// Filters as `conv_grouped_forward` packs them.
                conv::conv_grouped_pack(conv);
                /// Filters as `conv_grouped_grad_input` packs them: rotated and transposed.
                conv::conv_grouped_pack_rotated(conv);
                /// Weights `[inputs, outputs]` as a product packs them.
                dense::dense_pack(dense);
                /// Weights `[inputs, outputs]` as a product packs their transpose.
                dense::dense_pack_transposed(dense);
                /// Filters of a connection table as those of an ordinary convolution, with zeros where there is no connection.
                conv_table::conv_table_expand(conv_table);
                /// The transforms of filters for Winograd's algorithm, in panels.
                conv::conv_winograd_pack(conv);
                /// The same for the forward pass in training.
                conv::conv_winograd_pack_fine(conv);
                /// The same of rotated and transposed filters, for the gradient of the input.
                conv::conv_winograd_pack_rotated(conv);
            }
            /// The forward pass of a pool.
            Pooled {
                Read x: "The input.",
                Read scale: "A factor for each channel, or nothing: 1.",
                Read shift: "A summand for each channel, or nothing: 0.",
                Write y: "The output.",
            } {
                /// Max pooling: y from x, scale, shift.
                pool::maxpool_forward(pool) constants;
                /// Average pooling, without the padding: y from x, scale, shift.
                pool::avgpool_forward(pool) constants;
            }
            /// A function of one value.
            Unary { Read x: "The input.", Write y: "The output.", } {
                /// Zero padding: y from x. The gradient of a crop.
                pad::zeropad_forward(pad);
                /// Nearest-neighbour upsampling: y from x.
                upsample::upsample_forward(upsample);
                /// Local response normalisation: y from x.
                lrn::lrn_forward(lrn);
                /// Squared distances to patterns: y from x.
                distance::distance_forward(distance);
                /// y = x
                copy::copy(copy);
                /// The channel shuffle: y from x.
                shuffle::shuffle(shuffle);
                /// Converts contiguous images to blocks of images in the lanes: y from x.
                relayout::into_lanes(relayout);
                /// Converts blocks of images in the lanes to contiguous images: y from x.
                relayout::out_of_lanes(relayout);
            }
            /// The gradient of a function that needs no value of the forward pass.
            UnaryGrad { Read dy: "The gradient of the output.", Write dx: "The gradient of the input.", } {
                /// Average pooling: dx from dy.
                pool::avgpool_grad(pool);
                /// Zero padding: dx from dy. A crop.
                pad::zeropad_grad(pad);
                /// Nearest-neighbour upsampling: dx from dy.
                upsample::upsample_grad(upsample);
            }
            /// The gradient of a function that needs its input.
            UnaryGradFromInput {
                Read x: "The input.",
                Read dy: "The gradient of the output.",
                Write dx: "The gradient of the input.",
            } {
                /// Local response normalisation: dx from x, dy.
                lrn::lrn_grad(lrn);
                /// Squared distances to patterns: dx from x, dy.
                distance::distance_grad(distance);
            }
            /// The gradient of a function that needs its input and its output.
            UnaryGradFromBoth {
                Read x: "The input.",
                Read y: "The output.",
                Read dy: "The gradient of the output.",
                Write dx: "The gradient of the input.",
            } {
                /// Max pooling: dx from x, y, dy; the first largest element of a window gets its gradient.
                pool::maxpool_grad(pool);
            }
            /// A function in place, or the gradient of one that needs no value of the forward pass.
            InPlace {
                Source source: "The input, where the kernel works out of place, or nothing: it works in place.",
                Update values: "The value, or the gradient.",
            } {
                /// An activation function.
                activation::activation_forward(activation);
                /// Softmax over the last axis.
                softmax::softmax_forward(softmax);
                /// The logarithm of softmax over the last axis.
                softmax::logsoftmax_forward(softmax);
                /// Dropout: of values, and of their gradients.
                dropout::dropout_apply(dropout) pass;
                /// The product with a constant: of values, and of gradients.
                scale::scale(scale);
            }
            /// The gradient of a function, in place, from its output.
            GradFromOutput {
                Read y: "The output.",
                Source source: "The input, where the kernel works out of place, or nothing: it works in place.",
                Update dy: "The gradient of the output, which is overwritten by that of the input.",
            } {
                /// An activation function: dy becomes dz, by the output.
                activation::activation_grad_from_output(activation) pass;
                /// Softmax: dy becomes dz, by the output.
                softmax::softmax_grad(softmax);
                /// The logarithm of softmax: dy becomes dz, by the output.
                softmax::logsoftmax_grad(softmax);
            }
            /// The gradient of a function, in place, from its input.
            GradFromInput {
                Read z: "The input.",
                Source source: "The input, where the kernel works out of place, or nothing: it works in place.",
                Update dy: "The gradient of the output, which is overwritten by that of the input.",
            } {
                /// An activation function: dy becomes dz, by the input.
                activation::activation_grad_from_input(activation) pass;
            }
            /// A sum in place.
            Accumulate { Read x: "The term.", Update y: "The sum.", } {
                /// y becomes f(y + x)
                add::add_assign(add);
                /// The gradient of filters of a connection table: adds to y the elements of x, the gradient of the expanded filters, at the
                /// connections.
                conv_table::conv_table_gather(conv_table);
            }
            /// The start of a sum.
            Clear { Write sum: "The sum.", } {
                /// Zeros, whatever the batch.
                copy::clear(copy);
            }
            /// The forward pass of a layer with slopes.
            Sloped { Read x: "The input.", Read slopes: "One slope, or one for each channel.", Write y: "The output.", } {
                /// Parametric ReLU: y from x, slopes.
                prelu::prelu_forward(prelu);
            }
            /// The gradients of a layer with slopes.
            SlopedGrad {
                Read x: "The input.",
                Read slopes: "The slopes.",
                Update dy: "The gradient of the output, which is overwritten by that of the input.",
                Update dslopes: "The gradient of the slopes, or nothing.",
            } {
                /// Parametric ReLU: dy becomes dx; adds to dslopes.
                prelu::prelu_grad(prelu) pass;
            }
            /// A product of two values.
            Product { Read a: "The left factor.", Read b: "The right factor.", Write y: "The product.", } {
                /// Product: y from a, b.
                multiply::multiply_forward(multiply);
            }
            /// The gradient of a factor.
            ProductGrad {
                Read dy: "The gradient of the product.",
                Read other: "The other factor.",
                Write dx: "The gradient of the factor.",
            } {
                /// Product: the gradient of the left factor, from dy and the right.
                multiply::multiply_grad_left(multiply);
                /// Product: the gradient of the right factor, from dy and the left.
                multiply::multiply_grad_right(multiply);
            }
            /// Writes one operand of a concatenation.
            PartWrite { Read part: "The part.", Write whole: "The whole.", } {
                /// Writes one operand to its channels of the output, and leaves the other channels unchanged.
                concat::concat_write(concat);
                /// Writes one operand to its channels of the output, and zeros to the others.
                concat::concat_spread(concat);
            }
            /// Reads one operand of a concatenation.
            PartRead { Read whole: "The whole.", Write part: "The part.", } {
                /// Reads the channels of one operand from the output.
                concat::concat_read(concat);
            }
            /// Folds a constant factor into a scale and a shift.
            ScaleFold {
                Read bias: "The bias of the layer before.",
                Write scale: "A factor for each channel.",
                Write shift: "A summand for each channel.",
            } {
                /// A constant factor after a layer with a bias: the scale and shift of its channels.
                scale::scale_fold(scale);
            }
            /// Batch normalisation in training.
            BatchNormTrain {
                Read x: "The input.",
                Read gamma: "γ, or nothing: 1.",
                Read beta: "β, or nothing: 0.",
                Update moving_mean: "The moving mean.",
                Update moving_variance: "The moving variance.",
                Write y: "The output.",
                Write saved_mean: "The mean of the batch.",
                Write saved_inverse_deviation: "1 / √(σ² + ε) of the batch.",
            } {
                /// Batch normalisation in training: y from x and the statistics of the batch; updates the moving statistics.
                batchnorm::batchnorm_train_forward(batchnorm) pass;
            }
            /// Batch normalisation by the moving statistics, in place.
            BatchNormPredict {
                Read gamma: "γ, or nothing: 1.",
                Read beta: "β, or nothing: 0.",
                Read moving_mean: "The moving mean.",
                Read moving_variance: "The moving variance.",
                Source source: "The input, where the kernel works out of place, or nothing: it works in place.",
                Update values: "The value.",
            } {
                /// Batch normalisation by the moving statistics.
                batchnorm::batchnorm_predict_forward(batchnorm);
            }
            /// Folds batch normalisation by the moving statistics into a scale and a shift.
            BatchNormFold {
                Read gamma: "γ, or nothing: 1.",
                Read beta: "β, or nothing: 0.",
                Read moving_mean: "The moving mean.",
                Read moving_variance: "The moving variance.",
                Read bias: "The bias of the layer before, or nothing.",
                Write scale: "A factor for each channel.",
                Write shift: "A summand for each channel.",
            } {
                /// Batch normalisation by the moving statistics after a layer with a bias: the scale and shift of its channels.
                batchnorm::batchnorm_fold(batchnorm);
            }
            /// The gradients of a batch normalisation.
            BatchNormGrad {
                Read x: "The input.",
                Read gamma: "γ, or nothing: 1.",
                Read beta: "β, or nothing: 0.",
                Read saved_mean: "The mean of the batch.",
                Read saved_inverse_deviation: "1 / √(σ² + ε) of the batch.",
                Source source: "The input, where the kernel works out of place, or nothing: it works in place.",
                Update dy: "The gradient of the output, which is overwritten by that of the input.",
                Update dgamma: "The gradient of γ, or nothing.",
                Update dbeta: "The gradient of β, or nothing.",
            } {
                /// Batch normalisation: dy becomes dx; adds to dgamma and dbeta.
                batchnorm::batchnorm_grad(batchnorm) pass;
            }
            /// Layer normalisation.
            LayerNorm {
                Read x: "The input.",
                Read gamma: "γ, or nothing: 1.",
                Read beta: "β, or nothing: 0.",
                Write y: "The output.",
            } {
                /// Layer normalisation: y from x.
                layernorm::layernorm_forward(layernorm);
            }
            /// The gradients of a layer normalisation.
            LayerNormGrad {
                Read x: "The input.",
                Read gamma: "γ, or nothing: 1.",
                Update dy: "The gradient of the output, which is overwritten by that of the input.",
                Update dgamma: "The gradient of γ, or nothing.",
                Update dbeta: "The gradient of β, or nothing.",
            } {
                /// Layer normalisation: dy becomes dx; adds to dgamma and dbeta.
                layernorm::layernorm_grad(layernorm);
            }
        }
    };
}

/// Whether a row of the table receives the pass, needs scratch memory, and can be compiled for constant sizes.
macro_rules! wants {
    (@ pass) => {
        0
    };
    (@ scratch) => {
        1
    };
    (@ constants) => {
        2
    };
    ($($want:ident)*) => {{
        #[allow(unused_mut)]
        let mut wants = [false; 3];
        $(wants[wants!(@ $want)] = true;)*
        wants
    }};
}

/// Declares the operands of a signature.
macro_rules! signature {
    ($(#[$attribute:meta])* $signature:ident { $($access:ident $operand:ident: $what:literal,)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $signature<D> {
            $(#[doc = $what] pub $operand: D,)*
        }
        impl<D> Signature for $signature<D> {
            const OPERANDS: &'static [&'static str] = &[$(stringify!($operand)),*];
            type Of<E> = $signature<E>;
        }
        impl<D> Operands<D> for $signature<D> {
            fn each(self, mut take: impl FnMut(D, Access)) {
                $(take(self.$operand, Access::$access);)*
            }
        }
    };
}

/// Declares the signatures, and a constant for each kernel.
macro_rules! declare {
    ($(
        $(#[$about:meta])*
        $signature:ident $operands:tt {
            $($(#[$attribute:meta])* $module:ident::$name:ident($sizes:ident) $($wants:ident)*;)*
        }
    )*) => {
        $(
            signature!($(#[$about])* $signature $operands);
            $(
                $(#[$attribute])*
                #[allow(non_upper_case_globals)]
                pub const $name: Kernel<$signature<()>, spec::$sizes::Kind> =
                    Kernel::new(stringify!($name), stringify!($module), wants!($($wants)*));
            )*
        )*

        /// All kernels, each with the names of its operands in order.
        pub static ALL: &[(KernelId, &[&str])] = &[$($(($name.id, $signature::<()>::OPERANDS)),*),*];
    };
}

for_each_kernel!(declare);
