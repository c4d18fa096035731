//! Convolution, as cross-correlation (slides 22 and 37): z = b + Σ a · w over a window and its channels.

use super::{GradientSite, Misfit, Operation, Part, Role, Site, TensorSpec, image, refuse_enormous_weights};
use crate::graph::Variant;
use crate::kernel_call::{Field, KernelCall, Spec};
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
}

impl Conv {
    fn spec(&self, at: &Site<'_>, ending: Field) -> Spec {
        let spec = spec(&self.window, self.groups, at.x_shape(0), at.y_shape()).field("ending", ending);
        if at.node.variant.name == "depthwise" { Spec { module: "depthwise", ..spec } } else { spec }
    }
}

/// The sizes of a convolution between two images, but for its ending.
pub(super) fn spec(window: &Window, groups: usize, input: Shape, output: Shape) -> Spec {
    let (Shape::Image(input), Shape::Image(output)) = (input, output) else {
        unreachable!("`infer` has refused anything but an image");
    };
    let padding = window.lay([input[0], input[1]]).map_or([0; 4], |laid| laid.padding);
    Spec::new("conv")
        .sizes("input", &input)
        .sizes("output", &output)
        .sizes("window", &window.size)
        .sizes("stride", &window.stride)
        .sizes("padding", &padding)
        .sizes("dilation", &window.dilation)
        .size("groups", groups)
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
        let sizes @ [height, width, channels] = image(inputs[0], "a convolution")?;
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
            // and half, is what the products lose on turning to the next group (`cargo bench -p netwright-runtime --bench grouped`).
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
        let variant = at.node.variant.name;
        let operands = at.weighted(self.kernel);
        let spec = self.spec(at, at.ending());
        at.onto_sum(scratched(at.call(kernel(variant, "forward"), spec, operands), variant))
    }

    fn can_end_in(&self, _part: Part) -> bool {
        true
    }

    fn gradient(&self, at: &GradientSite<'_>) -> Vec<KernelCall> {
        let variant = at.node.variant.name;
        let spec = self.spec(at, Field::NO_ENDING);
        let weights = at.weight_gradient(self.kernel);
        let input = at.weighted_input_gradient(self.kernel);
        vec![
            scratched(at.call(kernel(variant, "grad_weights"), spec.clone(), weights), variant),
            scratched(at.call(kernel(variant, "grad_input"), spec, input), variant),
        ]
    }

    fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        let taps = self.window.size[0] * self.window.size[1] * (inputs[0].channels() / self.groups);
        output.len() as u64 * taps as u64
    }
}

fn kernel(variant: &str, direction: &str) -> String {
    match variant {
        "depthwise" => format!("depthwise_{direction}"),
        variant => format!("conv_{variant}_{direction}"),
    }
}

fn scratched(call: KernelCall, variant: &str) -> KernelCall {
    if variant == "direct" { call } else { call.with_scratch() }
}
