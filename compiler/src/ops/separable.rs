//! A depthwise convolution and the 1x1 convolution after it, in one kernel.

use netwright_abi::kernels::{self, Separable};
use netwright_abi::spec::conv;
use netwright_abi::spec::separable::Spec;

use super::LoweringContext;
use crate::graph::Node;
use crate::kernel_call::KernelCall;
use crate::selection::Direction;

/// The call of the 1x1 convolution `at`, with the sizes `pointwise`, fused with the depthwise convolution `before`.
pub(super) fn call(at: &LoweringContext<'_>, before: &Node, pointwise: &conv::Spec) -> Option<KernelCall> {
    let of_channels = LoweringContext { node: before, ..*at };
    let (depthwise, depthwise_weights) = before.op.depthwise(&of_channels)?;
    let conv::Spec { input, window, stride, padding, dilation, .. } = depthwise;
    let sizes = Spec {
        input,
        output: pointwise.output,
        window,
        stride,
        padding,
        dilation,
        between: of_channels.epilogue(),
        epilogue: pointwise.epilogue,
    };
    let ([depthwise_scale, depthwise_shift], [scale, shift]) = (of_channels.scale_and_shift(), at.scale_and_shift());
    let operands = Separable {
        x: of_channels.x(0),
        depthwise: of_channels.weights(depthwise_weights),
        depthwise_scale,
        depthwise_shift,
        w: at.prepared(Direction::Predicting),
        scale,
        shift,
        y: at.y(),
    };
    let call = at.because(Direction::Predicting, at.call(kernels::separable_forward, &sizes, operands));
    let rows = sizes.band_rows();
    let why = format!("behind the depthwise convolution, of which {rows} rows at a time stay in a cache: {}", call.why);
    let mut rows = before.epilogue.rows.clone();
    if before.layer != *at.node.epilogue.rows.first().unwrap_or(&at.node.layer) {
        rows.push(before.layer);
    }
    Some(KernelCall { why: why.into(), rows, ..call })
}
