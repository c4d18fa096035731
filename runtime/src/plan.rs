//! The compiler's plan for a network: each kernel call, and why this kernel was selected.

use core::fmt;

pub use netwright_abi::{Computes, Direction, Library};

use crate::gemm;
use crate::scalar::Scalar;

/// The kernel calls of a network's programs: the preparation of weights for predictions, the predictions, the preparation of a training step,
/// and the training pass, forward and backward. The plan is one text, which `{}` prints as a table and [`Plan::calls`] parses.
///
/// ```
/// use netwright_runtime::{Architecture, plan::Direction};
///
/// fn show<N: Architecture>() {
///     println!("{}", N::PLAN);
///     for call in N::PLAN.of(Direction::WeightGradient).filter(|call| call.layer == "conv1") {
///         println!("{}, since it is {}", call.kernel, call.why);
///     }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    text: &'static str,
    has_constant_sizes: bool,
}

/// A kernel call, and why this kernel was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedCall {
    /// What it computes.
    pub computes: Computes,
    /// The layer whose output, gradients or prepared weights it computes.
    pub layer: &'static str,
    merged: &'static str,
    /// The name of the kernel: `conv_gemm_forward`.
    pub kernel: &'static str,
    /// Whether the kernel is one matrix product: [`PlannedCall::library`] names the library that computes it.
    pub is_product: bool,
    /// Whether the kernel is compiled for the sizes of this layer alone. In a debug build it never is: kernels read their sizes at run time.
    pub has_constant_sizes: bool,
    /// Why the compiler selected it: the estimated time per image, and the estimate of the runner-up.
    pub why: &'static str,
}

impl Plan {
    /// Creates a plan from the text that the compiler writes: a line for each call, with fields separated by tabs. The fields are what the call
    /// computes ([`Computes::name`]), the layer, the merged layers separated by spaces, the kernel, `product` or nothing, `constant sizes` or
    /// nothing, and the reason.
    #[must_use]
    pub const fn from_text(text: &'static str) -> Self {
        Self { text, has_constant_sizes: true }
    }

    /// Sets whether the build compiles kernels for constant sizes; a debug build does not.
    #[must_use]
    pub const fn with_constant_sizes(self, has_constant_sizes: bool) -> Self {
        Self { has_constant_sizes, ..self }
    }

    /// Returns every call, in the order in which they run: the preparation of weights for predictions, a prediction, a prediction of blocks of
    /// images if there is one, then the preparation for a training step of several micro-batches, and a training pass.
    pub fn calls(self) -> impl Iterator<Item = PlannedCall> + Clone {
        self.text.lines().filter_map(move |line| {
            let call = PlannedCall::from_line(line)?;
            Some(PlannedCall { has_constant_sizes: call.has_constant_sizes && self.has_constant_sizes, ..call })
        })
    }

    /// Returns the calls that compute in a direction.
    pub fn of(self, direction: Direction) -> impl Iterator<Item = PlannedCall> + Clone {
        self.calls().filter(move |call| call.computes.directions().contains(&direction))
    }
}

impl PlannedCall {
    fn from_line(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let (name, layer, merged, kernel) = (next()?, next()?, next()?, next()?);
        let (is_product, has_constant_sizes, why) = (next()? == "product", next()? == "constant sizes", next()?);
        let computes = *Computes::ALL.iter().find(|known| known.name() == name)?;
        Some(Self { computes, layer, merged, kernel, is_product, has_constant_sizes, why })
    }

    /// Returns the layers before [`layer`](Self::layer) whose work the call includes, in their order: their outputs are never stored.
    pub fn merged(self) -> impl Iterator<Item = &'static str> + Clone {
        self.merged.split_whitespace()
    }

    /// Returns the library that computes the call's matrix product in a network of `T`; `None` for a call without one.
    ///
    /// It depends on the features that the program is built with, and on `T`, but on no size.
    pub fn library<T: Scalar>(&self) -> Option<Library> {
        self.is_product.then(gemm::library::<T>)
    }

    /// Returns the heading of the section of the table that contains the call.
    fn heading(&self) -> &'static str {
        match self.computes {
            Computes::Preparation => "preparing, once for all predictions",
            Computes::Prediction => "predicting",
            Computes::StepPreparation => "preparing, once a training step of several micro-batches",
            Computes::Forward => "training, forward",
            Computes::InputGradient | Computes::WeightGradient | Computes::Gradients => "training, backward",
        }
    }

    /// Returns the label that a row of the table begins with: in the backward pass, which gradient is computed.
    fn label(&self) -> Option<&'static str> {
        match self.computes {
            Computes::InputGradient => Some("input"),
            Computes::WeightGradient => Some("weights"),
            Computes::Gradients => Some("both"),
            _ => None,
        }
    }
}

/// Prints a section for predictions, one for each direction of a training pass, and before each its preparation of weights. Each line is a
/// call: the layers, the kernel, and why.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            |call: PlannedCall| call.merged().chain([call.layer]).map(|name| name.chars().count() + 1).sum::<usize>();
        let layers = self.calls().map(width).max().unwrap_or(0);
        let kernels = self.calls().map(|call| call.kernel.len()).max().unwrap_or(0);
        let mut heading = "";
        for call in self.calls() {
            if call.heading() != heading {
                heading = call.heading();
                writeln!(f, "{heading}")?;
            }
            write!(f, "  ")?;
            if let Some(label) = call.label() {
                write!(f, "{label:<8}")?;
            }
            for name in call.merged().chain([call.layer]) {
                write!(f, "{name} ")?;
            }
            let gap = layers - width(call);
            let sizes = if call.has_constant_sizes { ", compiled for these sizes" } else { "" };
            writeln!(f, "{:gap$} {:<kernels$}  {}{sizes}", "", call.kernel, call.why)?;
        }
        Ok(())
    }
}

/// Lists the calls.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.calls()).finish()
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    const PLAN: Plan = Plan::from_text(
        "
preparing\tconv1\t\tconv_pack\t\t\tonce for all predictions
predicting\trelu1\tconv1 bn1\tconv_packed_forward\t\tconstant sizes\trows: 5 ns an image, direct 6 ns
preparing a step\tdense1\t\tdense_pack\t\t\tonce a step
forward\tdense1\t\tdense_forward\tproduct\t\ta product
weight gradient\tdense1\t\tdense_grad_weights\tproduct\t\tthe only kernel of this operation
gradients\tprelu1\t\tprelu_grad\t\t\tthe only kernel of this operation
",
    );

    #[test]
    fn a_text_is_read_call_by_call() {
        let [pack, conv, _, dense, weights, both] = PLAN.calls().collect::<Vec<_>>()[..] else { panic!("{PLAN:?}") };
        assert_eq!((conv.layer, conv.kernel, conv.computes), ("relu1", "conv_packed_forward", Computes::Prediction));
        assert!(conv.merged().eq(["conv1", "bn1"]) && dense.merged().next().is_none());
        assert_eq!([conv, dense, weights, both].map(|call| call.is_product), [false, true, true, false]);
        assert_eq!(conv.why, "rows: 5 ns an image, direct 6 ns");
        assert_eq!((pack.computes, pack.computes.directions()), (Computes::Preparation, &[][..]));
        assert!(PLAN.of(Direction::Predicting).eq([conv]));
        assert!(PLAN.of(Direction::WeightGradient).eq([weights, both]));
        assert!(PLAN.of(Direction::InputGradient).eq([both]));
        assert_eq!(Plan::from_text("").calls().count() + Plan::from_text("predicting\tconv1\n").calls().count(), 0);
    }

    #[test]
    fn constant_sizes_are_shown_only_in_builds_that_have_them() {
        let constant = |plan: Plan| plan.calls().filter(|call| call.has_constant_sizes).count();
        assert_eq!([PLAN, PLAN.with_constant_sizes(false)].map(constant), [1, 0]);
        assert!(!std::format!("{}", PLAN.with_constant_sizes(false)).contains("compiled for"));
    }

    #[test]
    fn the_table_has_a_part_for_each_program() {
        let text = std::format!("{PLAN}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "preparing, once for all predictions",
                "  conv1            conv_pack            once for all predictions",
                "predicting",
                "  conv1 bn1 relu1  conv_packed_forward  rows: 5 ns an image, direct 6 ns, compiled for these sizes",
                "preparing, once a training step of several micro-batches",
                "  dense1           dense_pack           once a step",
                "training, forward",
                "  dense1           dense_forward        a product",
                "training, backward",
                "  weights dense1           dense_grad_weights   the only kernel of this operation",
                "  both    prelu1           prelu_grad           the only kernel of this operation",
            ]
        );
    }
}
