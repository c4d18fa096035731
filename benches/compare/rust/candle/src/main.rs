//! candle on the CPU. Its threads are those of rayon; `RAYON_NUM_THREADS` sets their number.

use std::collections::BTreeMap;

use candle_core::{D, DType, Device, Error, Result, Tensor, Var};
use graph::{Graph, Node};
use speak::{Failure, Job, LOSSES, RATE};

type Values = BTreeMap<String, Tensor>;

/// Pads the images with zeros where the padding differs between sides, which the operator does not support. Returns them and the padding for the operator.
fn padded(node: &Node, images: &Tensor) -> Result<(Tensor, usize)> {
    let [rows, columns] = node.pads();
    if rows == columns && rows[0] == rows[1] {
        return Ok((images.clone(), rows[0]));
    }
    Ok((images.pad_with_zeros(2, rows[0], rows[1])?.pad_with_zeros(3, columns[0], columns[1])?, 0))
}

fn same(pair: [usize; 2], what: &str) -> Result<usize> {
    if pair[0] == pair[1] { Ok(pair[0]) } else { Err(Error::Msg(format!("{what} of {pair:?}")).bt()) }
}

/// Reshapes one value per channel, to broadcast over images.
fn of_channels(values: &Tensor) -> Result<Tensor> {
    values.reshape((1, (), 1, 1))
}

fn conv(node: &Node, images: &Tensor, kernel: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (images, padding) = padded(node, images)?;
    let (stride, dilation) = (same(node.pair("strides"), "strides")?, same(node.pair("dilations"), "dilations")?);
    let sums = images.conv2d(kernel, padding, stride, dilation, node.size("group").unwrap_or(1))?;
    match bias {
        Some(bias) => sums.broadcast_add(&of_channels(bias)?),
        None => Ok(sums),
    }
}

/// Pads with the edge of the image. This changes no maximum: each window that reaches over the edge also contains it.
fn maxpool(node: &Node, images: &Tensor) -> Result<Tensor> {
    let [rows, columns] = node.pads();
    let images = images.pad_with_same(2, rows[0], rows[1])?.pad_with_same(3, columns[0], columns[1])?;
    images.max_pool2d_with_stride(<(usize, usize)>::from(node.pair("kernel_shape")), node.pair("strides").into())
}

fn avgpool(node: &Node, images: &Tensor) -> Result<Tensor> {
    if node.pads() != [[0, 0]; 2] {
        return Err(Error::Msg("means over padding".to_owned()).bt());
    }
    images.avg_pool2d_with_stride(<(usize, usize)>::from(node.pair("kernel_shape")), node.pair("strides").into())
}

/// Computes scale and shift in each call, as candle's own layer does.
fn norm(node: &Node, images: &Tensor, [gamma, beta, mean, variance]: [&Tensor; 4]) -> Result<Tensor> {
    let scale = (gamma / (variance + node.fraction("epsilon").unwrap_or(1e-5))?.sqrt()?)?;
    let shift = (beta - (mean * &scale)?)?;
    images.broadcast_mul(&of_channels(&scale)?)?.broadcast_add(&of_channels(&shift)?)
}

fn computed(node: &Node, operands: &[&Tensor]) -> Result<Tensor> {
    match (node.op.as_str(), operands) {
        ("Conv", [images, kernel, rest @ ..]) => conv(node, images, kernel, rest.first().copied()),
        ("MaxPool", [images]) => maxpool(node, images),
        ("AveragePool", [images]) => avgpool(node, images),
        ("GlobalAveragePool", [images]) => images.mean_keepdim((2, 3)),
        ("BatchNormalization", [images, gamma, beta, mean, variance]) => {
            norm(node, images, [gamma, beta, mean, variance])
        }
        ("Relu", [x]) => x.relu(),
        ("Tanh", [x]) => x.tanh(),
        ("Clip", [x, low, high]) => x.clamp(low.to_scalar::<f32>()?, high.to_scalar::<f32>()?),
        ("Add", [x, y]) => *x + *y,
        ("Mul", [x, y]) => x.broadcast_mul(y),
        ("Concat", parts) => Tensor::cat(parts, 1),
        ("Transpose", [x]) => x.permute(node.sizes("perm"))?.contiguous(),
        ("Reshape", [x, _]) => x.flatten_from(1),
        ("Gemm", [x, kernel, bias]) => x.matmul(kernel)?.broadcast_add(bias),
        (op, _) => Err(Error::Msg(format!("there is no operator {op}")).bt()),
    }
}

fn logits(graph: &Graph, weights: &Values, images: &Tensor) -> Result<Tensor> {
    let mut values = weights.clone();
    values.insert(graph.input.clone(), images.clone());
    for node in &graph.nodes {
        let operands = node.inputs.iter().map(|name| {
            values.get(name).ok_or_else(|| Error::Msg(format!("{name} is read before it is computed")).bt())
        });
        let output = computed(node, &operands.collect::<Result<Vec<_>>>()?)?;
        values.insert(node.output.clone(), output);
    }
    values.remove(&graph.output).ok_or_else(|| Error::Msg("no logits".to_owned()).bt())
}

/// Computes the logarithm of a softmax over the classes.
fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    let rest = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?)?;
    rest.broadcast_sub(&rest.exp()?.sum_keepdim(D::Minus1)?.log()?)
}

fn main() -> std::result::Result<(), Failure> {
    let job = Job::from_arguments()?;
    let (graph, device) = (Graph::read(&job)?, Device::Cpu);
    let images = Tensor::from_vec(job.images()?, job.shape()?, &device)?;
    let mut weights = Values::new();
    for (name, weight) in &graph.weights {
        weights.insert(name.clone(), Tensor::from_slice(&weight.elements, weight.dims.as_slice(), &device)?);
    }
    if !job.trains {
        let predict = || -> Result<Tensor> { log_softmax(&logits(&graph, &weights, &images)?)?.exp() };
        let first: Vec<f32> = predict()?.flatten_all()?.to_vec1()?;
        return job.serve(&first, || {
            predict().expect("an answer like the first");
        });
    }
    if graph.nodes.iter().any(|node| node.op == "BatchNormalization") {
        return Err("batch normalisation is not trained here".into());
    }
    let mut trained = Vec::new();
    for name in graph.trained() {
        let variable = Var::from_tensor(&weights[name])?;
        weights.insert(name.to_owned(), variable.as_tensor().clone());
        trained.push(variable);
    }
    let labels = job.labels()?.into_iter().map(|label| label as u32).collect();
    let labels = Tensor::from_vec(labels, (job.batch, 1), &device)?;
    let step = || -> Result<f32> {
        let loss = log_softmax(&logits(&graph, &weights, &images)?)?.gather(&labels, 1)?.mean_all()?.neg()?;
        let gradients = loss.backward()?;
        for variable in &trained {
            if let Some(gradient) = gradients.get(variable) {
                variable.set(&(variable.as_tensor() - (gradient * RATE)?)?)?;
            }
        }
        loss.to_dtype(DType::F32)?.to_scalar()
    };
    let losses = (0..LOSSES).map(|_| step()).collect::<Result<Vec<f32>>>()?;
    job.serve(&losses, || {
        step().expect("a step like those before");
    })
}
