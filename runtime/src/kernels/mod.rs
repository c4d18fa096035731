//! The kernels. One folder for each operation: its `Spec`, its reference loops (the specification, which read like the
//! lecture's equations), and its fast variants. [`Kernels`] is the table of all that emitted code calls.

pub mod conv;
pub mod conv_table;
pub mod deconv;
pub mod dense;
pub mod depthwise;

pub mod activation;
pub mod add;
pub mod batchnorm;
mod channel_sums;
#[cfg(test)]
mod check;
pub mod concat;
pub mod copy;
pub(crate) mod dispatch;
pub mod distance;
pub mod dropout;
pub mod elementary;
pub mod ending;
pub mod layernorm;
pub mod lrn;
pub mod multiply;
pub mod pad;
pub mod pool;
pub mod prelu;
pub(crate) mod reduce;
pub mod scale;
pub mod softmax;
pub mod subsample;
pub mod upsample;

use crate::scalar::Scalar;

/// Declares [`Kernels`] and implements it for `f32` and `f64`, so that every kernel is compiled here, at the optimisation
/// level of this crate, and never in the user's.
macro_rules! kernels {
    ($(
        $(#[$attribute:meta])*
        $name:ident => $path:path, $spec:ty, ($($operand:ident: $type:ty),* $(,)?);
    )*) => {
        /// `f32` or `f64`, the numbers of a network: every kernel that emitted code calls, compiled for one of them.
        ///
        /// A kernel takes the number of images, the sizes of its layer, then its operands: slices that hold the whole batch,
        /// images one behind the other, channels innermost. Values are overwritten; gradients of parameters are added to.
        #[allow(clippy::too_many_arguments)]
        pub trait Kernels: Scalar {
            $( $(#[$attribute])* fn $name(batch: usize, spec: &$spec, $($operand: $type),*); )*
        }
        kernels!(@implement f32, #[inline(never)], $($name => $path, $spec, ($($operand: $type),*);)*);
        kernels!(@implement f64, #[inline], $($name => $path, $spec, ($($operand: $type),*);)*);
    };
    (@implement $scalar:ty, #[$inline:meta], $($name:ident => $path:path, $spec:ty, ($($operand:ident: $type:ty),*);)*) => {
        #[allow(clippy::too_many_arguments)]
        impl Kernels for $scalar {
            $(
                #[$inline]
                fn $name(batch: usize, spec: &$spec, $($operand: $type),*) {
                    $path(batch, spec, $($operand),*);
                }
            )*
        }
    };
}

kernels! {
    /// Convolution without scratch memory: y from x, weights, scale, shift.
    conv_direct_forward => conv::conv_direct_forward, conv::Spec, (x: &[Self], w: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self]);
    /// Convolution without scratch memory: dx from dy, weights.
    conv_direct_grad_input => conv::conv_direct_grad_input, conv::Spec, (dy: &[Self], w: &[Self], dx: &mut [Self]);
    /// Convolution without scratch memory: adds to dw and db from x, dy.
    conv_direct_grad_weights => conv::conv_direct_grad_weights, conv::Spec, (x: &[Self], dy: &[Self], dw: &mut [Self], db: &mut [Self]);
    /// Convolution as products of matrices: y from x, weights, scale, shift.
    conv_gemm_forward => conv::conv_gemm_forward, conv::Spec, (x: &[Self], w: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self], scratch: &mut [Self]);
    /// Convolution as products of matrices: dx from dy, weights.
    conv_gemm_grad_input => conv::conv_gemm_grad_input, conv::Spec, (dy: &[Self], w: &[Self], dx: &mut [Self], scratch: &mut [Self]);
    /// Convolution as products of matrices: adds to dw and db from x, dy.
    conv_gemm_grad_weights => conv::conv_gemm_grad_weights, conv::Spec, (x: &[Self], dy: &[Self], dw: &mut [Self], db: &mut [Self], scratch: &mut [Self]);
    /// Convolution in many small groups: y from x, weights, scale, shift.
    conv_grouped_forward => conv::conv_grouped_forward, conv::Spec, (x: &[Self], w: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self], scratch: &mut [Self]);
    /// Convolution in many small groups: dx from dy, weights.
    conv_grouped_grad_input => conv::conv_grouped_grad_input, conv::Spec, (dy: &[Self], w: &[Self], dx: &mut [Self], scratch: &mut [Self]);
    /// Convolution in many small groups: adds to dw and db from x, dy.
    conv_grouped_grad_weights => conv::conv_grouped_grad_weights, conv::Spec, (x: &[Self], dy: &[Self], dw: &mut [Self], db: &mut [Self], scratch: &mut [Self]);
    /// Depthwise convolution: y from x, weights, scale, shift.
    depthwise_forward => depthwise::depthwise_forward, conv::Spec, (x: &[Self], w: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self], scratch: &mut [Self]);
    /// Depthwise convolution: dx from dy, weights.
    depthwise_grad_input => depthwise::depthwise_grad_input, conv::Spec, (dy: &[Self], w: &[Self], dx: &mut [Self], scratch: &mut [Self]);
    /// Depthwise convolution: adds to dw and db from x, dy.
    depthwise_grad_weights => depthwise::depthwise_grad_weights, conv::Spec, (x: &[Self], dy: &[Self], dw: &mut [Self], db: &mut [Self], scratch: &mut [Self]);
    /// Transposed convolution; the sizes are those of the convolution it transposes: y from x, weights, scale, shift.
    deconv_forward => deconv::deconv_forward, conv::Spec, (x: &[Self], w: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self], scratch: &mut [Self]);
    /// Transposed convolution; the sizes are those of the convolution it transposes: dx from dy, weights.
    deconv_grad_input => deconv::deconv_grad_input, conv::Spec, (dy: &[Self], w: &[Self], dx: &mut [Self], scratch: &mut [Self]);
    /// Transposed convolution; the sizes are those of the convolution it transposes: adds to dw and db from x, dy.
    deconv_grad_weights => deconv::deconv_grad_weights, conv::Spec, (x: &[Self], dy: &[Self], dw: &mut [Self], db: &mut [Self], scratch: &mut [Self]);
    /// Dense layer, weights `[inputs, outputs]`: y from x, weights, scale, shift.
    dense_forward => dense::dense_forward, dense::Spec, (x: &[Self], w: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self], scratch: &mut [Self]);
    /// Dense layer, weights `[inputs, outputs]`: dx from dy, weights.
    dense_grad_input => dense::dense_grad_input, dense::Spec, (dy: &[Self], w: &[Self], dx: &mut [Self], scratch: &mut [Self]);
    /// Dense layer, weights `[inputs, outputs]`: adds to dw and db from x, dy.
    dense_grad_weights => dense::dense_grad_weights, dense::Spec, (x: &[Self], dy: &[Self], dw: &mut [Self], db: &mut [Self], scratch: &mut [Self]);
    /// Dense layer, weights `[outputs, inputs]`: y from x, weights, scale, shift.
    dense_transposed_forward => dense::dense_transposed_forward, dense::Spec, (x: &[Self], w: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self], scratch: &mut [Self]);
    /// Dense layer, weights `[outputs, inputs]`: dx from dy, weights.
    dense_transposed_grad_input => dense::dense_transposed_grad_input, dense::Spec, (dy: &[Self], w: &[Self], dx: &mut [Self], scratch: &mut [Self]);
    /// Dense layer, weights `[outputs, inputs]`: adds to dw and db from x, dy.
    dense_transposed_grad_weights => dense::dense_transposed_grad_weights, dense::Spec, (x: &[Self], dy: &[Self], dw: &mut [Self], db: &mut [Self], scratch: &mut [Self]);
    /// Max pooling: y from x.
    maxpool_forward => pool::maxpool_forward, pool::Spec, (x: &[Self], y: &mut [Self]);
    /// Max pooling: dx from x, y, dy; the first largest number of a window takes its gradient.
    maxpool_grad => pool::maxpool_grad, pool::Spec, (x: &[Self], y: &[Self], dy: &[Self], dx: &mut [Self]);
    /// Average pooling, padding left out: y from x.
    avgpool_forward => pool::avgpool_forward, pool::Spec, (x: &[Self], y: &mut [Self]);
    /// Average pooling: dx from dy.
    avgpool_grad => pool::avgpool_grad, pool::Spec, (dy: &[Self], dx: &mut [Self]);
    /// An activation function, in place.
    activation_forward => activation::activation_forward, activation::Spec, (values: &mut [Self]);
    /// An activation function: dy becomes dz, by the output.
    activation_grad_from_output => activation::activation_grad_from_output, activation::Spec, (pass: &crate::pass::Pass, y: &[Self], dy: &mut [Self]);
    /// An activation function: dy becomes dz, by the input.
    activation_grad_from_input => activation::activation_grad_from_input, activation::Spec, (pass: &crate::pass::Pass, z: &[Self], dy: &mut [Self]);
    /// Parametric ReLU: y from x, slopes.
    prelu_forward => prelu::prelu_forward, prelu::Spec, (x: &[Self], slopes: &[Self], y: &mut [Self]);
    /// Parametric ReLU: dy becomes dx; adds to dslopes.
    prelu_grad => prelu::prelu_grad, prelu::Spec, (pass: &crate::pass::Pass, x: &[Self], slopes: &[Self], dy: &mut [Self], dslopes: &mut [Self]);
    /// Softmax over the last axis, in place.
    softmax_forward => softmax::softmax_forward, softmax::Spec, (values: &mut [Self]);
    /// Softmax: dy becomes dz, by the output.
    softmax_grad => softmax::softmax_grad, softmax::Spec, (y: &[Self], dy: &mut [Self]);
    /// Dropout, in place: of values, and of their gradients.
    dropout_apply => dropout::dropout_apply, dropout::Spec, (pass: &crate::pass::Pass, values: &mut [Self]);
    /// y = x
    copy => copy::copy, copy::Spec, (x: &[Self], y: &mut [Self]);
    /// y becomes f(y + x)
    add_assign => add::add_assign, add::Spec, (x: &[Self], y: &mut [Self]);
    /// Times a constant, in place: values, and gradients.
    scale => scale::scale, scale::Spec, (values: &mut [Self]);
    /// A constant behind a layer with a bias: the scale and shift of its channels.
    scale_fold => scale::scale_fold, scale::Spec, (bias: &[Self], scale: &mut [Self], shift: &mut [Self]);
    /// Product: y from a, b.
    multiply_forward => multiply::multiply_forward, multiply::Spec, (a: &[Self], b: &[Self], y: &mut [Self]);
    /// Product: da from dy, b.
    multiply_grad_left => multiply::multiply_grad_left, multiply::Spec, (dy: &[Self], b: &[Self], da: &mut [Self]);
    /// Product: db from dy, a.
    multiply_grad_right => multiply::multiply_grad_right, multiply::Spec, (dy: &[Self], a: &[Self], db: &mut [Self]);
    /// Writes a part into its channels of the whole.
    concat_write => concat::concat_write, concat::Spec, (part: &[Self], whole: &mut [Self]);
    /// Reads a part from its channels of the whole.
    concat_read => concat::concat_read, concat::Spec, (whole: &[Self], part: &mut [Self]);
    /// Zeros around an image: y from x. The gradient of a crop.
    zeropad_forward => pad::zeropad_forward, pad::Spec, (x: &[Self], y: &mut [Self]);
    /// Zeros around an image: dx from dy. A crop.
    zeropad_grad => pad::zeropad_grad, pad::Spec, (dy: &[Self], dx: &mut [Self]);
    /// Enlargement: y from x.
    upsample_forward => upsample::upsample_forward, upsample::Spec, (x: &[Self], y: &mut [Self]);
    /// Enlargement: dx from dy.
    upsample_grad => upsample::upsample_grad, upsample::Spec, (dy: &[Self], dx: &mut [Self]);
    /// Batch normalisation while training: y from x, and the batch's statistics; moves the moving ones.
    batchnorm_train_forward => batchnorm::batchnorm_train_forward, batchnorm::Spec, (pass: &crate::pass::Pass, x: &[Self], gamma: &[Self], beta: &[Self], moving_mean: &mut [Self], moving_variance: &mut [Self], y: &mut [Self], saved_mean: &mut [Self], saved_inverse_deviation: &mut [Self]);
    /// Batch normalisation by the moving statistics, in place.
    batchnorm_predict_forward => batchnorm::batchnorm_predict_forward, batchnorm::Spec, (gamma: &[Self], beta: &[Self], moving_mean: &[Self], moving_variance: &[Self], values: &mut [Self]);
    /// Batch normalisation by the moving statistics behind a layer with a bias: the scale and shift of its channels.
    batchnorm_fold => batchnorm::batchnorm_fold, batchnorm::Spec, (gamma: &[Self], beta: &[Self], moving_mean: &[Self], moving_variance: &[Self], bias: &[Self], scale: &mut [Self], shift: &mut [Self]);
    /// Batch normalisation: dy becomes dx; adds to dgamma and dbeta.
    batchnorm_grad => batchnorm::batchnorm_grad, batchnorm::Spec, (pass: &crate::pass::Pass, x: &[Self], gamma: &[Self], saved_mean: &[Self], saved_inverse_deviation: &[Self], dy: &mut [Self], dgamma: &mut [Self], dbeta: &mut [Self]);
    /// Layer normalisation: y from x.
    layernorm_forward => layernorm::layernorm_forward, layernorm::Spec, (x: &[Self], gamma: &[Self], beta: &[Self], y: &mut [Self]);
    /// Layer normalisation: dy becomes dx; adds to dgamma and dbeta.
    layernorm_grad => layernorm::layernorm_grad, layernorm::Spec, (x: &[Self], gamma: &[Self], dy: &mut [Self], dgamma: &mut [Self], dbeta: &mut [Self]);
    /// Local response normalisation: y from x.
    lrn_forward => lrn::lrn_forward, lrn::Spec, (x: &[Self], y: &mut [Self]);
    /// Local response normalisation: dx from x, dy.
    lrn_grad => lrn::lrn_grad, lrn::Spec, (x: &[Self], dy: &[Self], dx: &mut [Self]);
    /// Convolution with a connection table: y from x, weights, bias.
    conv_table_forward => conv_table::conv_table_forward, conv_table::Spec, (x: &[Self], w: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self]);
    /// Convolution with a connection table: dx from dy, weights.
    conv_table_grad_input => conv_table::conv_table_grad_input, conv_table::Spec, (dy: &[Self], w: &[Self], dx: &mut [Self]);
    /// Convolution with a connection table: adds to dw and db from x, dy.
    conv_table_grad_weights => conv_table::conv_table_grad_weights, conv_table::Spec, (x: &[Self], dy: &[Self], dw: &mut [Self], db: &mut [Self]);
    /// Trained subsampling: y from x, coefficients, bias.
    subsample_forward => subsample::subsample_forward, subsample::Spec, (x: &[Self], coefficient: &[Self], scale: &[Self], shift: &[Self], y: &mut [Self]);
    /// Trained subsampling: dx from dy, coefficients.
    subsample_grad_input => subsample::subsample_grad_input, subsample::Spec, (dy: &[Self], coefficient: &[Self], dx: &mut [Self]);
    /// Trained subsampling: adds to dcoefficient and dbias from x, dy.
    subsample_grad_weights => subsample::subsample_grad_weights, subsample::Spec, (x: &[Self], dy: &[Self], dcoefficient: &mut [Self], dbias: &mut [Self]);
    /// Squared distances to patterns: y from x.
    distance_forward => distance::distance_forward, distance::Spec, (x: &[Self], y: &mut [Self]);
    /// Squared distances to patterns: dx from x, dy.
    distance_grad => distance::distance_grad, distance::Spec, (x: &[Self], dy: &[Self], dx: &mut [Self]);
}
