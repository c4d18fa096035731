"""PyTorch: eager, with channels first or last in memory; the faster of the two is used."""

import numpy as np
import torch
import torch.nn.functional as F

from . import graph
from .speak import LOSSES, RATE, job


def padded(attributes: dict, images: torch.Tensor, value: float = 0.0) -> tuple[torch.Tensor, list[int]]:
    """Returns the images and the padding for the operator. Asymmetric padding is applied to the images here."""
    (top, bottom), (left, right) = graph.pads(attributes)
    if (top, left) == (bottom, right):
        return images, [top, left]
    return F.pad(images, (left, right, top, bottom), value=value), [0, 0]


def conv(a, images, kernel, bias=None):
    images, padding = padded(a, images)
    return F.conv2d(images, kernel, bias, a["strides"], padding, a["dilations"], a["group"])


def maxpool(a, images):
    images, padding = padded(a, images, -torch.inf)
    return F.max_pool2d(images, a["kernel_shape"], a["strides"], padding)


def avgpool(a, images):
    images, padding = padded(a, images)
    return F.avg_pool2d(images, a["kernel_shape"], a["strides"], padding, count_include_pad=bool(a.get("count_include_pad")))


def lrn(a, images):
    return F.local_response_norm(images, a["size"], a["alpha"], a["beta"], a["bias"])


def norm(a, images, gamma, beta, mean, variance):
    return F.batch_norm(images, mean, variance, gamma, beta, work.trains, 1 - a["momentum"], a["epsilon"])


OPERATORS = {
    "Conv": conv,
    "MaxPool": maxpool,
    "AveragePool": avgpool,
    "GlobalAveragePool": lambda a, images: images.mean((2, 3), keepdim=True),
    "BatchNormalization": norm,
    "LRN": lrn,
    "Relu": lambda a, x: F.relu(x),
    "Tanh": lambda a, x: torch.tanh(x),
    "Clip": lambda a, x, low, high: torch.clamp(x, low, high),
    "Add": lambda a, x, y: x + y,
    "Mul": lambda a, x, y: x * y,
    "Concat": lambda a, *parts: torch.cat(parts, 1),
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Reshape": lambda a, x, sizes: x.flatten(1),
    "Gemm": lambda a, x, kernel, bias: torch.addmm(bias, x, kernel),
}


def variant(layout):
    """Returns the first outputs or losses, and a function that makes one call."""
    source = graph.read(work.onnx)
    images = torch.from_numpy(work.images())
    if images.dim() == 4:
        images = images.contiguous(memory_format=layout)
    weights = {name: torch.from_numpy(np.array(value)) for name, value in source.weights.items()}
    for name, weight in weights.items():
        weights[name] = weight.contiguous(memory_format=layout) if weight.dim() == 4 else weight
    if not work.trains:

        def predict() -> torch.Tensor:
            with torch.inference_mode():
                return torch.softmax(source.run(OPERATORS, weights, images), 1)

        return predict().numpy(), predict
    labels = torch.from_numpy(work.labels())
    trained = [weights[name].requires_grad_() for name in source.trained()]
    optimizer = torch.optim.SGD(trained, RATE)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(source.run(OPERATORS, weights, images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return np.array([step().item() for _ in range(LOSSES)], np.float32), step


work = job()
torch.set_num_threads(work.threads)
layouts = [torch.contiguous_format, torch.channels_last] if work.images().ndim == 4 else [torch.contiguous_format]
work.serve_fastest([lambda layout=layout: variant(layout) for layout in layouts])
