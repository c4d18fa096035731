//! Convolution, as cross-correlation (slides 22 and 37): z = b + Σ a · w over a window and its channels.

use netwright_abi::kernels;
use netwright_abi::spec::conv::{Spec, Winograd};
use netwright_abi::{Axes, Epilogue};

use super::conv_kernels::{Algorithm, DEPTHWISE, GEMM};
use super::{
    EpiloguePart, GradientContext, InLanes, LoweringContext, Operation, ParameterKind, Pool, ShapeError, TensorSpec,
    check_weight_count, image, separable,
};
use crate::graph;
use crate::kernel_call::KernelCall;
use crate::selection::{Candidate, Direction};
use crate::shape::{Padding, Shape, Window};

/// Convolves windows of an image with `filters` filters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Size, stride, dilation and padding.
    pub window: Window,
    /// Output channels.
    pub filters: usize,
    /// Groups of channels with separate filters.
    pub groups: usize,
    /// Whether each filter has a bias.
    pub bias: bool,
    /// The name of its weights.
    pub kernel: &'static str,
    /// The kernel that the text selects.
    pub asked: Option<&'static str>,
    /// Whether kernels that round more than a plain sum are excluded.
    pub exact: bool,
}

/// The sizes of a convolution between two images.
pub(super) fn spec(window: &Window, groups: usize, input: Shape, output: Shape, epilogue: Epilogue) -> Spec {
    let (Some(input), Some(output)) = (input.image_sizes(), output.image_sizes()) else {
        unreachable!("`infer` has refused anything but an image");
    };
    let padding = window.lay([input[0], input[1]]).map_or([0; 4], |laid| laid.padding);
    let Window { size, stride, dilation, .. } = *window;
    Spec { input, output, window: size, stride, padding, dilation, groups, epilogue }
}

/// The error for a window that is larger than its image.
pub(crate) fn window_error(window: &Window, [height, width, channels]: [usize; 3]) -> ShapeError {
    let [tall, wide] = window.size;
    let extent = window.extent();
    let covers = if extent == window.size {
        format!("the {tall}x{wide} window")
    } else {
        format!("the {tall}x{wide} window, spread to {}x{} by its dilation,", extent[0], extent[1])
    };
    let padded = match window.padding {
        Padding::Explicit(padding) if padding != [0; 4] => {
            format!(
                ", even with its padding ({}x{})",
                height + padding[0] + padding[1],
                width + padding[2] + padding[3]
            )
        }
        _ => String::new(),
    };
    ShapeError::new(format!("{covers} is larger than its {height}x{width}x{channels} input{padded}")).help(match window
        .padding
    {
        _ if extent != window.size => "add `same`, dilate less, or shrink the image less before".to_owned(),
        Padding::Explicit(padding) if padding != [0; 4] => {
            "pad more or write `same`, use a smaller window, or shrink the image less before".to_owned()
        }
        _ => format!("add `same`, use a window of at most {height}x{width}, or shrink the image less before"),
    })
}

impl Conv {
    fn spec(&self, input: Shape, output: Shape) -> Spec {
        spec(&self.window, self.groups, input, output, Epilogue::NONE)
    }
}

impl Operation for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let sizes @ [height, width, channels] = image(inputs[0], "a convolution", self.window.extent())?;
        let laid = self.window.lay([height, width]).ok_or_else(|| window_error(&self.window, sizes))?;
        for (count, what) in [(channels, "input channels"), (self.filters, "filters")] {
            if !count.is_multiple_of(self.groups) {
                let fits: Vec<String> = (1..=self.groups.min(count))
                    .filter(|groups| channels.is_multiple_of(*groups) && self.filters.is_multiple_of(*groups))
                    .map(|groups| groups.to_string())
                    .collect();
                return Err(ShapeError::new(format!("{count} {what} do not divide into {} groups", self.groups)).help(
                    format!(
                        "with {channels} channels and {} filters, these fit: groups {}",
                        self.filters,
                        fits.join(", ")
                    ),
                ));
            }
        }
        check_weight_count(&[self.window.size[0], self.window.size[1], channels, self.filters])?;
        Ok(Shape::Image { height: laid.output[0], width: laid.output[1], channels: self.filters })
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let [tall, wide] = self.window.size;
        let channels = inputs[0].channels() / self.groups;
        let mut tensors = vec![TensorSpec::weight(
            self.kernel,
            Axes::Conv,
            vec![tall, wide, channels, self.filters],
            tall * wide * channels,
            tall * wide * self.filters / self.groups,
        )];
        if self.bias {
            tensors.push(TensorSpec::vector("bias", ParameterKind::Bias, self.filters, 0.0));
        }
        tensors
    }

    fn kernels(&self, inputs: &[Shape], output: Shape) -> Vec<&'static str> {
        Algorithm::fitting(&self.spec(inputs[0], output)).map(|algorithm| algorithm.name).collect()
    }

    fn asked(&self) -> Option<&'static str> {
        self.asked
    }

    fn candidates(&self, direction: Direction, inputs: &[Shape], output: Shape) -> Vec<Candidate> {
        let spec = self.spec(inputs[0], output);
        // Algorithms other than plain sums are selected automatically only with the feature, and in the forward pass of training only
        // if they round no more than plain sums: normalisations over small batches magnify rounding errors.
        let rounds_little = direction != Direction::Forward || spec.fine_winograd().is_some_and(Winograd::is_fine);
        let allows_inexact = cfg!(feature = "winograd") && !self.exact && rounds_little;
        Algorithm::fitting(&spec)
            .filter(|algorithm| algorithm.is_exact || allows_inexact || self.asked == Some(algorithm.name))
            .flat_map(|algorithm| algorithm.candidates(&spec, direction, self.kernel))
            .collect()
    }

    fn in_lanes(&self, inputs: &[Shape], output: Shape) -> Option<InLanes> {
        if self.groups > 1 {
            return None;
        }
        // Channels last, vectors hold filters, and each further row of a window costs as much as some products; in the lanes, each
        // further pixel does (`cargo bench -p netwright-compute --features std --bench lanes`).
        let (macs, pixels) = (self.macs(inputs, output) as f64, output.positions() as f64);
        let idle = self.filters.next_multiple_of(8) as f64 / self.filters as f64;
        let channels_last = 1.05 * idle * macs + 40.0 * pixels * self.window.size[0] as f64;
        Some(InLanes::by_own_kernel(channels_last, 1.03 * macs + 25.0 * pixels))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let direction = at.phase.forward();
        let spec = Spec { epilogue: at.epilogue(), ..self.spec(at.x_shape(0), at.z_shape()) };
        let before = at.node.before.as_deref();
        if let Some(call) = before.and_then(|before| separable::call(at, before, &spec)) {
            return at.with_epilogue_and_sum(call);
        }
        let kernel = match at.selected(direction) {
            Some(InLanes::KERNEL) => kernels::conv_lanes_forward.into(),
            name => {
                let algorithm = Algorithm::selected(name, &spec);
                let pooling = algorithm.pooling.filter(|_| at.node.epilogue.pool.is_some());
                pooling.unwrap_or_else(|| algorithm.forward(direction, at.node.prepared(direction).is_some()))
            }
        };
        at.with_epilogue_and_sum(at.because(direction, at.weighted_call(kernel, &spec, self.kernel)))
    }

    fn takes_epilogue(&self, _part: EpiloguePart) -> bool {
        true
    }

    fn can_pool(&self, selected: &str, epilogue: &graph::Epilogue, pool: &Pool) -> bool {
        // A pooled result cannot accumulate into its output, and values must be final in registers before they are compared.
        Algorithm::can_pool(selected)
            && pool.takes_largest_of_quads()
            && epilogue.sum.is_none()
            && epilogue.activation.is_none_or(|activation| activation.bounds().is_some())
    }

    fn depthwise(&self, at: &LoweringContext<'_>) -> Option<(Spec, &'static str)> {
        let spec = Spec { epilogue: at.epilogue(), ..self.spec(at.x_shape(0), at.z_shape()) };
        let is_selected = at.selected(Direction::Predicting) == Some(DEPTHWISE.name) && spec.input[2] == spec.output[2];
        is_selected.then_some((spec, self.kernel))
    }

    fn can_follow_depthwise(&self, at: &LoweringContext<'_>) -> bool {
        let selected = at.node.selected(Direction::Predicting);
        selected.is_some_and(|selected| selected.name == GEMM.name && selected.prepared.is_some())
            && self.spec(at.x_shape(0), at.z_shape()).is_pointwise()
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let spec = self.spec(at.x_shape(0), at.y_shape());
        let algorithm = |direction| Algorithm::selected(at.selected(direction), &spec);
        let [of_input, of_weights] = [Direction::InputGradient, Direction::WeightGradient];
        let weights = (algorithm(of_weights).grad_weights)(&spec)
            .map(|kernel| at.because(of_weights, at.call(kernel, &spec, at.weight_gradient(self.kernel))));
        let added = Spec { epilogue: Epilogue { accumulate: at.adds, ..Epilogue::NONE }, ..spec };
        let input = algorithm(of_input).grad_input.map(|kernel| {
            let call = at.because(of_input, at.weighted_input_gradient(kernel, &added, self.kernel));
            if at.adds { call.accumulating() } else { call }
        });
        at.clear_expanded_gradient().into_iter().chain(weights).chain(input).collect()
    }

    fn adds_gradient(&self, at: &LoweringContext<'_>) -> bool {
        let spec = self.spec(at.x_shape(0), at.y_shape());
        Algorithm::selected(at.selected(Direction::InputGradient), &spec).adds_gradient
    }

    fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        let taps = self.window.size[0] * self.window.size[1] * (inputs[0].channels() / self.groups);
        output.len() as u64 * taps as u64
    }
}
