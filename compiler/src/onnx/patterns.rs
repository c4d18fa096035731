//! Activations that files write as several nodes: `silu` as z times its sigmoid, `gelu` with its error function.

use netwright_abi::Activation as Function;
use netwright_onnx::Node;

use super::reading::{Known, Reading};

/// Whether two values are equal up to single precision.
fn is_about(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() <= 1e-6 * expected.abs())
}

impl<'m> Reading<'m> {
    /// The other operand of a binary node that reads `name`, if it is a constant scalar.
    fn scalar_operand(&self, node: &Node<'m>, name: &str) -> Option<f64> {
        let [first, second] = node.inputs[..] else { return None };
        let other = if first == name {
            second
        } else if second == name {
            first
        } else {
            return None;
        };
        match self.known.get(other)? {
            Known::Constant(constant) => constant.single(),
            Known::Value(_) => None,
        }
    }

    /// The only reader of `name`, if it is of this kind.
    pub(super) fn only_reader_of_kind(&self, name: &str, op: &str) -> Option<(usize, &'m Node<'m>)> {
        self.only_reader(name).filter(|(_, node)| node.op == op && node.domain.is_empty())
    }

    fn reads_both(node: &Node<'_>, one: &str, other: &str) -> bool {
        node.inputs == [one, other] || node.inputs == [other, one]
    }

    /// Matches z σ(z), starting at the sigmoid.
    pub(super) fn silu(&mut self, node: &'m Node<'m>) -> bool {
        let (z, result) = (node.inputs[0], self.result());
        match self.only_reader_of_kind(result, "Mul") {
            Some(times) if Self::reads_both(times.1, z, result) => {
                self.absorb(times);
                true
            }
            _ => false,
        }
    }

    /// Matches min(max(z + 3, 0), 6) / 6, the hard sigmoid, starting at the sum.
    pub(super) fn hard_sigmoid(&mut self, node: &'m Node<'m>, z: &str) -> Option<Function> {
        is_about(self.scalar_operand(node, z), 3.0).then_some(())?;
        let clip = self.only_reader_of_kind(node.outputs[0], "Clip")?;
        (self.clip_to(clip.1).ok()? == (0.0, 6.0)).then_some(())?;
        let clipped = clip.1.outputs[0];
        let part = match self.only_reader_of_kind(clipped, "Div") {
            Some(div) if div.1.inputs[0] == clipped && is_about(self.scalar_operand(div.1, clipped), 6.0) => Some(div),
            _ => self
                .only_reader_of_kind(clipped, "Mul")
                .filter(|mul| is_about(self.scalar_operand(mul.1, clipped), 1.0 / 6.0)),
        };
        let part = part?;
        self.absorb(clip);
        self.absorb(part);
        Some(Function::HardSigmoid(1.0 / 6.0))
    }

    /// Matches z Φ(z) = z (1 + erf(z / √2)) / 2, starting at the quotient, for the orders of products that exporters write.
    pub(super) fn gelu(&mut self, node: &'m Node<'m>) -> Option<Function> {
        let root = std::f64::consts::SQRT_2;
        let z = *node.inputs.iter().find(|input| matches!(self.known.get(*input), Some(Known::Value(_))))?;
        let number = self.scalar_operand(node, z);
        is_about(number, if node.op == "Div" { root } else { 1.0 / root }).then_some(())?;
        let erf = self.only_reader_of_kind(node.outputs[0], "Erf")?;
        let sum = self.only_reader_of_kind(erf.1.outputs[0], "Add")?;
        is_about(self.scalar_operand(sum.1, erf.1.outputs[0]), 1.0).then_some(())?;
        let sum_name = sum.1.outputs[0];
        let product = self.only_reader_of_kind(sum_name, "Mul")?;
        let mut parts = vec![erf, sum, product];
        let half_z = |name: &str| {
            let nodes = &self.model.graph.nodes;
            let half = nodes.iter().find(|node| node.outputs.contains(&name) && node.op == "Mul")?;
            is_about(self.scalar_operand(half, z), 0.5).then_some(())
        };
        if Self::reads_both(product.1, z, sum_name) {
            let half = self.only_reader_of_kind(product.1.outputs[0], "Mul")?;
            is_about(self.scalar_operand(half.1, product.1.outputs[0]), 0.5).then_some(())?;
            parts.push(half);
        } else if is_about(self.scalar_operand(product.1, sum_name), 0.5) {
            let times = self.only_reader_of_kind(product.1.outputs[0], "Mul")?;
            Self::reads_both(times.1, z, product.1.outputs[0]).then_some(())?;
            parts.push(times);
        } else {
            let other = *product.1.inputs.iter().find(|input| **input != sum_name)?;
            half_z(other)?;
        }
        parts.into_iter().for_each(|part| self.absorb(part));
        Some(Function::Gelu)
    }
}
