//! burn on the CPU with Flex, its backend in pure Rust. Its threads are those of rayon; `RAYON_NUM_THREADS` sets their number.

use std::collections::BTreeMap;

use burn::nn::LocalResponseNormConfig;
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData, activation, module};
use graph::{Graph, Node};
use speak::{Failure, Job, LOSSES, RATE};

/// A tensor. In burn, the number of axes is part of the type.
#[derive(Clone)]
enum Value {
    Vector(Tensor<1>),
    Rows(Tensor<2>),
    Images(Tensor<4>),
}

use Value::{Images, Rows, Vector};

impl Value {
    fn new(elements: Vec<f32>, dims: &[usize], device: &Device) -> Result<Self, Failure> {
        Ok(match dims {
            [] => Vector(Tensor::from_data(TensorData::new(elements, [1]), device)),
            [_] => Vector(Tensor::from_data(TensorData::new(elements, dims), device)),
            [_, _] => Rows(Tensor::from_data(TensorData::new(elements, dims), device)),
            [_, _, _, _] => Images(Tensor::from_data(TensorData::new(elements, dims), device)),
            _ => return Err(format!("a tensor of {dims:?}").into()),
        })
    }

    fn trained(self) -> Self {
        match self {
            Vector(weight) => Vector(weight.require_grad()),
            Rows(weight) => Rows(weight.require_grad()),
            Images(weight) => Images(weight.require_grad()),
        }
    }

    fn descend(&mut self, gradients: &mut Gradients) {
        match self {
            Vector(weight) => descend(weight, gradients),
            Rows(weight) => descend(weight, gradients),
            Images(weight) => descend(weight, gradients),
        }
    }
}

/// Updates a weight by gradient descent.
fn descend<const D: usize>(weight: &mut Tensor<D>, gradients: &mut Gradients) {
    if let Some(gradient) = weight.grad_remove(gradients) {
        *weight = (weight.clone().inner() - gradient * RATE).autodiff().require_grad();
    }
}

fn conv(node: &Node, images: Tensor<4>, kernel: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let groups = node.size("group").unwrap_or(1);
    let padding = node.pads().map(Into::into);
    let options = ConvOptions::new_with_padding(node.pair("strides"), padding, node.pair("dilations"), groups);
    module::conv2d(images, kernel, bias, options)
}

fn maxpool(node: &Node, images: Tensor<4>) -> Tensor<4> {
    let options = MaxPoolOptions::new(node.pair("kernel_shape")).with_stride(node.pair("strides"));
    module::max_pool2d(images, options.with_padding_pairs(node.pads().map(Into::into)))
}

fn avgpool(node: &Node, images: Tensor<4>) -> Tensor<4> {
    let options = AvgPoolOptions::new(node.pair("kernel_shape")).with_stride(node.pair("strides"));
    let options = options.with_padding_pairs(node.pads().map(Into::into));
    module::avg_pool2d(images, options.with_count_include_pad(node.size("count_include_pad") == Some(1)))
}

fn lrn(node: &Node, images: Tensor<4>) -> Result<Tensor<4>, Failure> {
    let fraction = |name| node.fraction(name).ok_or_else(|| format!("a normalisation without {name}"));
    let layer = LocalResponseNormConfig::new(node.size("size").ok_or("a normalisation without a size")?);
    let layer = layer.with_alpha(fraction("alpha")?).with_beta(fraction("beta")?).with_k(fraction("bias")?);
    Ok(layer.init().forward(images))
}

/// A network, with its weights as burn's tensors.
struct Network {
    graph: Graph,
    weights: BTreeMap<String, Value>,
    /// The index of the last node that reads a value.
    last: BTreeMap<String, usize>,
    trains: bool,
}

impl Network {
    fn new(graph: Graph, trains: bool, device: &Device) -> Result<Self, Failure> {
        let mut weights = BTreeMap::new();
        for (name, weight) in &graph.weights {
            weights.insert(name.clone(), Value::new(weight.elements.clone(), &weight.dims, device)?);
        }
        let reads = graph.nodes.iter().enumerate();
        let reads = reads.flat_map(|(index, node)| node.inputs.iter().map(move |name| (name.clone(), index)));
        Ok(Self { last: reads.collect(), weights, trains, graph })
    }

    fn norm(&self, node: &Node, images: Tensor<4>, [gamma, beta, mean, variance]: [Tensor<1>; 4]) -> Tensor<4> {
        let epsilon = node.fraction("epsilon").unwrap_or(1e-5);
        if self.trains {
            module::batch_norm_train(images, gamma, beta, epsilon).output
        } else {
            module::batch_norm(images, gamma, beta, mean, variance, epsilon)
        }
    }

    fn computed(&self, node: &Node, mut operands: Vec<Value>) -> Result<Value, Failure> {
        let rest = if operands.is_empty() { Vec::new() } else { operands.split_off(1) };
        let first = operands.pop().ok_or("a node that reads nothing")?;
        Ok(match (node.op.as_str(), first, &rest[..]) {
            ("Conv", Images(x), [Images(kernel)]) => Images(conv(node, x, kernel.clone(), None)),
            ("Conv", Images(x), [Images(kernel), Vector(bias)]) => {
                Images(conv(node, x, kernel.clone(), Some(bias.clone())))
            }
            ("MaxPool", Images(x), []) => Images(maxpool(node, x)),
            ("AveragePool", Images(x), []) => Images(avgpool(node, x)),
            ("GlobalAveragePool", Images(x), []) => Images(module::adaptive_avg_pool2d(x, [1, 1])),
            ("BatchNormalization", Images(x), [Vector(gamma), Vector(beta), Vector(mean), Vector(variance)]) => {
                Images(self.norm(node, x, [gamma, beta, mean, variance].map(Clone::clone)))
            }
            ("LRN", Images(x), []) => Images(lrn(node, x)?),
            ("Relu", Images(x), []) => Images(activation::relu(x)),
            ("Relu", Rows(x), []) => Rows(activation::relu(x)),
            ("Tanh", Images(x), []) => Images(x.tanh()),
            ("Tanh", Rows(x), []) => Rows(x.tanh()),
            ("Clip", Images(x), [Vector(low), Vector(high)]) => {
                Images(x.clamp(low.clone().into_scalar::<f32>(), high.clone().into_scalar::<f32>()))
            }
            ("Add", Images(x), [Images(y)]) => Images(x + y.clone()),
            ("Mul", Images(x), [Vector(y)]) => Images(x * y.clone().into_scalar::<f32>()),
            ("Concat", Images(x), rest) => {
                let mut parts = vec![x];
                for part in rest {
                    let Images(part) = part else { return Err("what are joined must be images".into()) };
                    parts.push(part.clone());
                }
                Images(Tensor::cat(parts, 1))
            }
            ("Transpose", Images(x), []) => {
                Images(x.permute::<usize>(node.sizes("perm").try_into().map_err(|_| "four axes were expected")?))
            }
            ("Reshape", Images(x), [_]) => Rows(x.flatten(1, 3)),
            ("Gemm", Rows(x), [Rows(kernel), Vector(bias)]) => {
                Rows(module::linear(x, kernel.clone(), Some(bias.clone())))
            }
            (op, ..) => return Err(format!("there is no operator {op} for such operands").into()),
        })
    }

    fn logits(&self, images: &Value) -> Result<Tensor<2>, Failure> {
        let mut values = BTreeMap::from([(self.graph.input.as_str(), images.clone())]);
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let operands = node.inputs.iter().map(|name| {
                let value = self.weights.get(name).or_else(|| values.get(name.as_str())).cloned();
                value.ok_or_else(|| format!("{name} is read before it is computed"))
            });
            let operands = operands.collect::<Result<Vec<_>, _>>()?;
            // Values without further readers are dropped, so that burn may overwrite them.
            values.retain(|name, _| self.last.get(*name).is_some_and(|last| *last > index));
            values.insert(&node.output, self.computed(node, operands)?);
        }
        match values.remove(self.graph.output.as_str()) {
            Some(Rows(logits)) => Ok(logits),
            _ => Err("no logits".into()),
        }
    }
}

fn main() -> Result<(), Failure> {
    let job = Job::from_arguments()?;
    let device = if job.trains { Device::flex().autodiff() } else { Device::flex() };
    let images = Value::new(job.images()?, &job.shape()?, &device)?;
    let mut network = Network::new(Graph::read(&job)?, job.trains, &device)?;
    if !job.trains {
        let predict = || -> Result<Tensor<2>, Failure> { Ok(activation::softmax(network.logits(&images)?, 1)) };
        return job.serve(&predict()?.into_data().try_to_vec::<f32>()?, || {
            predict().expect("an answer like the first");
        });
    }
    let trained: Vec<String> = network.graph.trained().into_iter().map(str::to_owned).collect();
    for name in &trained {
        let weight = network.weights.remove(name).ok_or("a weight that is not in the file")?;
        network.weights.insert(name.clone(), weight.trained());
    }
    let labels = job.labels()?.into_iter().map(|label| label as i64).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new::<i64, _>(labels, [job.batch]), &device);
    let cross_entropy: CrossEntropyLoss = CrossEntropyLossConfig::new().init(&device);
    let mut step = || -> Result<f32, Failure> {
        let loss = cross_entropy.forward(network.logits(&images)?, labels.clone());
        let mut gradients = loss.backward();
        for name in &trained {
            network.weights.get_mut(name).ok_or("a weight that is not in the file")?.descend(&mut gradients);
        }
        Ok(loss.into_scalar::<f32>())
    };
    let losses = (0..LOSSES).map(|_| step()).collect::<Result<Vec<f32>, _>>()?;
    job.serve(&losses, || {
        step().expect("a step like those before");
    })
}
