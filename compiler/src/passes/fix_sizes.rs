//! Selects kernels with compile-time sizes for calls of small layers: where a layer takes a few microseconds, a kernel with run-time
//! sizes spends much of that on loop control and bounds.

use crate::cost;
use crate::graph::{Extent, Graph, Value};
use crate::kernel_call::{Data, KernelCall};
use crate::program::{Program, Step};

/// Decides for each call of a program whether its sizes are constants.
#[must_use]
pub fn fix_sizes(mut program: Program, graph: &Graph) -> Program {
    for step in &mut program.steps {
        let Step::Call(call) = step else { continue };
        let is_small = || {
            let macs = std::iter::once(&call.layer).chain(&call.rows).map(|&layer| graph.macs_of(layer)).sum();
            let [images, weights] = elements(call, &program.values, graph);
            cost::is_small(macs, images) && weights <= cost::CACHED
        };
        call.constant_sizes = call.kernel.takes_constants && is_small();
    }
    program
}

/// The elements that a call reads and writes for one image, and the elements of its weights.
fn elements(call: &KernelCall, values: &[Value], graph: &Graph) -> [usize; 2] {
    let [mut images, mut weights] = [0; 2];
    for operand in &call.operands {
        match operand.data {
            Data::Value(value) => match values[value.0].extent {
                Extent::PerImage(len) => images += len,
                Extent::Fixed(len) | Extent::Prepared(len) => weights += len,
            },
            Data::Tensor(tensor) | Data::Gradient(tensor) => weights += graph.tensors[tensor.0].len(),
            Data::Absent => {}
        }
    }
    [images, weights]
}
