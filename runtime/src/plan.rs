//! What the compiler planned for a network: each call of a kernel, and why this kernel.

use core::fmt;

pub use netwright_abi::{Direction, Library};

use crate::gemm;
use crate::scalar::Scalar;

/// The calls of a network's programs: of its predictions, then of a training pass, forward and back. It is one text, which `{}` prints as
/// a table and [`Plan::calls`] reads.
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
pub struct Plan(&'static str);

/// A call of a kernel, and why this kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedCall {
    /// What it computes: one direction, or the gradients of the input and of the weights together.
    pub directions: &'static [Direction],
    /// The layer whose output, or whose gradients, it computes.
    pub layer: &'static str,
    merged: &'static str,
    /// The kernel: `conv_gemm_forward`.
    pub kernel: &'static str,
    /// Whether the kernel is one product of matrices: [`PlannedCall::library`] says who computes it.
    pub is_product: bool,
    /// Why the compiler chose it: the estimated time of an image, and what the runner-up would have taken.
    pub why: &'static str,
}

const BOTH_GRADIENTS: &[Direction] = &[Direction::InputGradient, Direction::WeightGradient];

impl Plan {
    /// A plan from the text that the compiler writes: a line for each call, whose fields are apart by tabs. They are what it computes
    /// ([`Direction::name`], or `gradients` for both), the layer, the merged layers with spaces between, the kernel, `product`
    /// or nothing, and the reason.
    #[must_use]
    pub const fn from_text(text: &'static str) -> Self {
        Self(text)
    }

    /// Every call, in the order in which they run: a prediction, one of blocks of images where there is one, then a training pass.
    pub fn calls(self) -> impl Iterator<Item = PlannedCall> + Clone {
        self.0.lines().filter_map(PlannedCall::from_line)
    }

    /// The calls that compute in a direction.
    pub fn of(self, direction: Direction) -> impl Iterator<Item = PlannedCall> + Clone {
        self.calls().filter(move |call| call.directions.contains(&direction))
    }
}

impl PlannedCall {
    fn from_line(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let (direction, layer, merged, kernel, product, why) = (next()?, next()?, next()?, next()?, next()?, next()?);
        let directions = match Direction::ALL.iter().position(|known| known.name() == direction) {
            Some(index) => &Direction::ALL[index..=index],
            None => BOTH_GRADIENTS,
        };
        Some(Self { directions, layer, merged, kernel, is_product: product == "product", why })
    }

    /// The layers before [`layer`](Self::layer) whose work it does too, in their order: their outputs are never stored.
    pub fn merged(self) -> impl Iterator<Item = &'static str> + Clone {
        self.merged.split_whitespace()
    }

    /// Who computes the call's product of matrices in a network of `T`; nothing where it is none.
    ///
    /// It depends on the features that the program is built with, and on `T`, but on no size.
    pub fn library<T: Scalar>(&self) -> Option<Library> {
        self.is_product.then(gemm::library::<T>)
    }

    /// The part of the table that it stands in.
    fn heading(&self) -> &'static str {
        match self.directions {
            [Direction::Predicting] => "predicting",
            [Direction::Forward] => "training, forward",
            _ => "training, backward",
        }
    }

    /// What a row of the table begins with: the gradient, on the way back.
    fn label(&self) -> &'static str {
        match self.directions {
            [Direction::InputGradient] => "input",
            [Direction::WeightGradient] => "weights",
            [Direction::Predicting | Direction::Forward] => "",
            _ => "both",
        }
    }
}

/// A part for predictions and one for each way of a training pass; in it a line for each call: the layers, the kernel, and why.
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
            if heading == "training, backward" {
                write!(f, "{:<8}", call.label())?;
            }
            for name in call.merged().chain([call.layer]) {
                write!(f, "{name} ")?;
            }
            let gap = layers - width(call);
            writeln!(f, "{:gap$} {:<kernels$}  {}", "", call.kernel, call.why)?;
        }
        Ok(())
    }
}

/// The calls.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.calls()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan::from_text(
        "
predicting\trelu1\tconv1 bn1\tconv_packed_forward\t\trows: 5 ns an image, direct 6 ns
forward\tdense1\t\tdense_forward\tproduct\ta product
weight gradient\tdense1\t\tdense_grad_weights\tproduct\tthe only kernel of this operation
gradients\tprelu1\t\tprelu_grad\t\tthe only kernel of this operation
",
    );

    #[test]
    fn a_text_is_read_call_by_call() {
        let [conv, dense, weights, both] = PLAN.calls().collect::<Vec<_>>()[..] else { panic!("{PLAN:?}") };
        assert_eq!((conv.layer, conv.kernel, conv.directions), ("relu1", "conv_packed_forward", &Direction::ALL[..1]));
        assert!(conv.merged().eq(["conv1", "bn1"]) && dense.merged().next().is_none());
        assert_eq!([conv, dense, weights, both].map(|call| call.is_product), [false, true, true, false]);
        assert_eq!(conv.why, "rows: 5 ns an image, direct 6 ns");
        assert!(PLAN.of(Direction::WeightGradient).eq([weights, both]));
        assert!(PLAN.of(Direction::InputGradient).eq([both]));
        assert_eq!(Plan::from_text("").calls().count() + Plan::from_text("predicting\tconv1\n").calls().count(), 0);
    }

    #[test]
    fn the_table_has_a_part_for_each_way() {
        let text = std::format!("{PLAN}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "predicting",
                "  conv1 bn1 relu1  conv_packed_forward  rows: 5 ns an image, direct 6 ns",
                "training, forward",
                "  dense1           dense_forward        a product",
                "training, backward",
                "  weights dense1           dense_grad_weights   the only kernel of this operation",
                "  both    prelu1           prelu_grad           the only kernel of this operation",
            ]
        );
    }
}
