//! Convolution, as cross-correlation (slides 22 and 37): z = b + Σ a · w over a window and its channels.

use netwright_abi::Epilogue;
use netwright_abi::kernels::{self, GradInput, GradWeights, Kernel, Weighted};
use netwright_abi::spec::conv::{Kind, POINTS, Spec};

use super::{
    GradientSite, Misfit, Operation, Pack, Packing, Part, Role, Site, TensorSpec, image, refuse_enormous_weights,
};
use crate::graph::Variant;
use crate::kernel_call::KernelCall;
use crate::shape::{Padding, Shape, Window};

/// Convolves windows of an image with `filters` filters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Size, stride, dilation and padding.
    pub window: Window,
    /// Feature maps that come out.
    pub filters: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Whether each filter has a bias.
    pub bias: bool,
    /// What its weights are called.
    pub kernel: &'static str,
    /// Whether a prediction computes it by Winograd's algorithm: always, never, or where that is estimated faster.
    pub winograd: Option<bool>,
}

/// The sizes of a convolution between two images.
pub(super) fn spec(window: &Window, groups: usize, input: Shape, output: Shape, epilogue: Epilogue) -> Spec {
    let (Shape::Image(input), Shape::Image(output)) = (input, output) else {
        unreachable!("`infer` has refused anything but an image");
    };
    let padding = window.lay([input[0], input[1]]).map_or([0; 4], |laid| laid.padding);
    let Window { size, stride, dilation, .. } = *window;
    Spec { input, output, window: size, stride, padding, dilation, groups, epilogue }
}

/// What does not fit when a window is larger than its image.
pub(crate) fn window_misfit(window: &Window, [height, width, channels]: [usize; 3]) -> Misfit {
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
    Misfit::new(format!("{covers} is larger than its {height}x{width}x{channels} input{padded}")).help(
        match window.padding {
            _ if extent != window.size => "add `same`, dilate less, or shrink the image less before".to_owned(),
            Padding::Explicit(padding) if padding != [0; 4] => {
                "pad more or write `same`, use a smaller window, or shrink the image less before".to_owned()
            }
            _ => format!("add `same`, use a window of at most {height}x{width}, or shrink the image less before"),
        },
    )
}

impl Operation for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let sizes @ [height, width, channels] = image(inputs[0], "a convolution", self.window.extent())?;
        let laid = self.window.lay([height, width]).ok_or_else(|| window_misfit(&self.window, sizes))?;
        for (count, what) in [(channels, "input channels"), (self.filters, "filters")] {
            if !count.is_multiple_of(self.groups) {
                let fits: Vec<String> = (1..=self.groups.min(count))
                    .filter(|groups| channels.is_multiple_of(*groups) && self.filters.is_multiple_of(*groups))
                    .map(|groups| groups.to_string())
                    .collect();
                return Err(Misfit::new(format!("{count} {what} do not divide into {} groups", self.groups)).help(
                    format!(
                        "with {channels} channels and {} filters, these fit: groups {}",
                        self.filters,
                        fits.join(", ")
                    ),
                ));
            }
        }
        refuse_enormous_weights(&[self.window.size[0], self.window.size[1], channels, self.filters])?;
        let output = Shape::Image([laid.output[0], laid.output[1], self.filters]);
        if self.winograd == Some(true)
            && !spec(&self.window, self.groups, inputs[0], output, Epilogue::NONE).fits_winograd()
        {
            return Err(Misfit::new(format!(
                "Winograd's algorithm computes 3x3 windows with stride 1, channels and filters in sixteens, and no groups; here \
                 {channels} channels meet {} filters of {}x{}",
                self.filters, self.window.size[0], self.window.size[1],
            ))
            .help("leave `winograd` out: the compiler takes it where it fits and pays"));
        }
        Ok(Shape::Image([laid.output[0], laid.output[1], self.filters]))
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let [tall, wide] = self.window.size;
        let channels = inputs[0].channels() / self.groups;
        let mut tensors = vec![TensorSpec::weight(
            self.kernel,
            vec![tall, wide, channels, self.filters],
            tall * wide * channels,
            tall * wide * self.filters / self.groups,
        )];
        if self.bias {
            tensors.push(TensorSpec::vector("bias", Role::Bias, self.filters, 0.0));
        }
        tensors
    }

    fn variants(&self, inputs: &[Shape], output: Shape) -> Vec<Variant> {
        let channels = inputs[0].channels();
        let (inner, outer) = (channels / self.groups, self.filters / self.groups);
        let macs = self.macs(inputs, output) as f64;
        if self.groups == channels && self.groups > 1 {
            return vec![Variant {
                name: "depthwise",
                cost: macs,
                why: "each channel is convolved by itself, channels side by side in the vector",
            }];
        }
        if self.groups > 1 {
            // Vectors have eight lanes. The grouped kernel fills them with channels of one group, by sixteen, or with groups, whose
            // channels come by four; the products for each group, by eight. Idle lanes cost as much as others; and as much again,
            // and half, is what the products lose on turning to the next group (`cargo bench -p netwright-compute --features std --bench grouped`).
            let channels = self.groups * outer.next_multiple_of(16);
            let groups = self.groups.next_multiple_of(8) * outer.next_multiple_of(4);
            let products = self.groups * outer.next_multiple_of(8);
            let cost = |lanes: usize| macs * lanes as f64 / self.filters as f64;
            return vec![
                Variant { name: "grouped", cost: cost(channels.min(groups)), why: "all groups in one kernel" },
                Variant {
                    name: "gemm",
                    cost: 1.5 * cost(products),
                    why: "too few channels in too few groups to fill vectors",
                },
            ];
        }
        vec![
            Variant { name: "gemm", cost: macs * 1.2, why: "windows gathered into a matrix product" },
            Variant {
                name: "direct",
                cost: macs * if inner * outer <= 4 { 1.0 } else { 8.0 },
                why: "too few channels to be worth gathering windows",
            },
        ]
    }

    fn forward(&self, at: &Site<'_>) -> Vec<KernelCall> {
        let Algorithm { forward, .. } = Algorithm::new(at.node.variant.name);
        let spec = spec(&self.window, self.groups, at.x_shape(0), at.y_shape(), at.epilogue());
        at.onto_sum(at.call(forward, &spec, at.weighted(self.kernel)))
    }

    fn can_end_in(&self, _part: Part) -> bool {
        true
    }

    fn packing(&self, variant: &Variant, inputs: &[Shape], output: Shape) -> Option<(Pack, Variant)> {
        if variant.name != "gemm" || self.groups != 1 {
            return None;
        }
        let pack = |packing| Pack { packing, window: self.window, input: inputs[0], output, kernel: self.kernel };
        let winograd = pack(Packing::Winograd);
        let cost = winograd_cost(&winograd.spec());
        let pays = cfg!(feature = "winograd") && cost.is_some_and(|cost| cost < self.macs(inputs, output) as f64);
        let (name, cost, why) = match cost {
            Some(cost) if self.winograd.unwrap_or(pays) => {
                ("winograd", cost, "tiles of 4x4 outputs take a quarter of the multiply-adds")
            }
            _ => return Some((pack(Packing::Panels), Variant { name: "packed", ..*variant })),
        };
        Some((winograd, Variant { name, cost, why }))
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let Algorithm { grad_input, grad_weights, .. } = Algorithm::new(at.node.variant.name);
        let spec = spec(&self.window, self.groups, at.x_shape(0), at.y_shape(), Epilogue::NONE);
        vec![
            at.call(grad_weights, &spec, at.weight_gradient(self.kernel)),
            at.call(grad_input, &spec, at.weighted_input_gradient(self.kernel)),
        ]
    }

    fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        let taps = self.window.size[0] * self.window.size[1] * (inputs[0].channels() / self.groups);
        output.len() as u64 * taps as u64
    }
}

/// The cost of Winograd's algorithm, in multiply-adds of a full-speed kernel; none where it does not fit.
fn winograd_cost(spec: &Spec) -> Option<f64> {
    // What a transformed element costs, and what reading a transformed filter does where there are few tiles to use it.
    const TRANSFORM: f64 = 6.0;
    const READ: f64 = 9.0;
    let [channels, filters] = [spec.input[2], spec.output[2]].map(|count| count as f64);
    let [down, across] = spec.winograd_tiles();
    let tiles = (down * across) as f64;
    let cost = POINTS as f64 * (channels * filters * (1.1 * tiles + READ) + TRANSFORM * tiles * (channels + filters));
    spec.fits_winograd().then_some(cost)
}

/// The kernels of one algorithm.
struct Algorithm {
    forward: Kernel<Weighted<()>, Kind>,
    grad_input: Kernel<GradInput<()>, Kind>,
    grad_weights: Kernel<GradWeights<()>, Kind>,
}

impl Algorithm {
    fn new(variant: &str) -> Self {
        let (forward, grad_input, grad_weights) = match variant {
            "direct" => {
                (kernels::conv_direct_forward, kernels::conv_direct_grad_input, kernels::conv_direct_grad_weights)
            }
            "grouped" => {
                (kernels::conv_grouped_forward, kernels::conv_grouped_grad_input, kernels::conv_grouped_grad_weights)
            }
            "packed" => (kernels::conv_packed_forward, kernels::conv_gemm_grad_input, kernels::conv_gemm_grad_weights),
            "winograd" => {
                (kernels::conv_winograd_forward, kernels::conv_gemm_grad_input, kernels::conv_gemm_grad_weights)
            }
            "depthwise" => (kernels::depthwise_forward, kernels::depthwise_grad_input, kernels::depthwise_grad_weights),
            _ => (kernels::conv_gemm_forward, kernels::conv_gemm_grad_input, kernels::conv_gemm_grad_weights),
        };
        Self { forward, grad_input, grad_weights }
    }
}
