"""JAX, compiled by XLA. Training does not update moving statistics."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import graph
from .speak import LOSSES, RATE, job


def conv(a, images, kernel, bias=None):
    answer = lax.conv_general_dilated(
        images,
        kernel,
        a["strides"],
        graph.pads(a),
        rhs_dilation=a["dilations"],
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=a["group"],
    )
    return answer if bias is None else answer + bias


def pooled(a, images, start, function):
    window, strides = (1, *a["kernel_shape"], 1), (1, *a["strides"], 1)
    return lax.reduce_window(images, start, function, window, strides, [(0, 0), *graph.pads(a), (0, 0)])


def avgpool(a, images):
    sums = pooled(a, images, 0.0, lax.add)
    if a.get("count_include_pad") or graph.pads(a) == [(0, 0), (0, 0)]:
        return sums / np.prod(a["kernel_shape"])
    return sums / pooled(a, jnp.ones_like(images[:1]), 0.0, lax.add)


def norm(a, images, gamma, beta, mean, variance):
    if work.trains:
        mean, variance = images.mean((0, 1, 2)), images.var((0, 1, 2))
    scale = gamma * lax.rsqrt(variance + a["epsilon"])
    return images * scale + (beta - mean * scale)


def lrn(a, images):
    window = (1, 1, 1, a["size"])
    sums = lax.reduce_window(images * images, 0.0, lax.add, window, (1, 1, 1, 1), "SAME")
    return images / (a["bias"] + a["alpha"] / a["size"] * sums) ** a["beta"]


OPERATORS = {
    "Conv": conv,
    "MaxPool": lambda a, x: pooled(a, x, -jnp.inf, lax.max),
    "AveragePool": avgpool,
    "GlobalAveragePool": lambda a, x: x.mean((1, 2), keepdims=True),
    "BatchNormalization": norm,
    "LRN": lrn,
    "Relu": lambda a, x: jnp.maximum(x, 0),
    "Tanh": lambda a, x: jnp.tanh(x),
    "Clip": lambda a, x, low, high: jnp.clip(x, low, high),
    "Add": lambda a, x, y: x + y,
    "Mul": lambda a, x, y: x * y,
    "Concat": lambda a, *parts: jnp.concatenate(parts, -1),
    "Reshape": lambda a, x, sizes: x.reshape(x.shape[0], -1),
    "Gemm": lambda a, x, kernel, bias: x @ kernel + bias,
}

work = job()
source = graph.read(work.onnx).channels_last()
images = work.images()
images = jnp.array(images.transpose(0, 2, 3, 1) if images.ndim == 4 else images)
weights = {name: jnp.array(value) for name, value in source.weights.items()}
if work.trains:
    labels = jnp.array(work.labels())
    trained = {name: weights.pop(name) for name in source.trained()}

    def loss(trained):
        logits = source.run(OPERATORS, weights | trained, images)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()

    @jax.jit
    def step(trained):
        value, gradients = jax.value_and_grad(loss)(trained)
        return value, jax.tree.map(lambda weight, gradient: weight - RATE * gradient, trained, gradients)

    def call():
        global trained
        value, trained = step(trained)
        return float(value)

    work.serve(np.array([call() for _ in range(LOSSES)]), call)
else:
    predict = jax.jit(lambda x: jax.nn.softmax(source.run(OPERATORS, weights, x)))
    work.serve(np.array(predict(images)), lambda: predict(images).block_until_ready())
