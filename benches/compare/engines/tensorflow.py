"""TensorFlow, as a graph; in training also compiled by XLA, and the faster of the two is used. Training does not update moving statistics."""

import os

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import numpy as np
import tensorflow as tf

from . import graph
from .speak import LOSSES, RATE, job


def padded(a, images, value=0.0):
    sides = graph.pads(a)
    return images if sides == [(0, 0), (0, 0)] else tf.pad(images, [(0, 0), *sides, (0, 0)], constant_values=value)


def conv(a, images, kernel, bias=None):
    images = padded(a, images)
    if a["group"] > 1 and kernel.shape[2] == 1:
        kernel = tf.reshape(kernel, [*kernel.shape[:2], a["group"], -1])
        answer = tf.nn.depthwise_conv2d(images, kernel, [1, *a["strides"], 1], "VALID", dilations=a["dilations"])
    else:
        answer = tf.nn.conv2d(images, kernel, a["strides"], "VALID", dilations=a["dilations"])
    return answer if bias is None else tf.nn.bias_add(answer, bias)


def avgpool(a, images):
    sides = graph.pads(a)
    if sides == [(0, 0), (0, 0)] or a.get("count_include_pad"):
        return tf.nn.avg_pool2d(padded(a, images), a["kernel_shape"], a["strides"], "VALID")
    # Only `SAME` excludes padding from the mean.
    return tf.nn.avg_pool2d(images, a["kernel_shape"], a["strides"], "SAME")


def norm(a, images, gamma, beta, mean, variance):
    kept = {} if work.trains else {"mean": mean, "variance": variance}
    return tf.compat.v1.nn.fused_batch_norm(images, gamma, beta, **kept, epsilon=a["epsilon"], is_training=work.trains)[0]


OPERATORS = {
    "Conv": conv,
    "MaxPool": lambda a, x: tf.nn.max_pool2d(padded(a, x, x.dtype.min), a["kernel_shape"], a["strides"], "VALID"),
    "AveragePool": avgpool,
    "GlobalAveragePool": lambda a, x: tf.reduce_mean(x, [1, 2], keepdims=True),
    "BatchNormalization": norm,
    "LRN": lambda a, x: tf.nn.lrn(x, a["size"] // 2, a["bias"], a["alpha"] / a["size"], a["beta"]),
    "Relu": lambda a, x: tf.nn.relu(x),
    "Tanh": lambda a, x: tf.tanh(x),
    "Clip": lambda a, x, low, high: tf.nn.relu6(x),
    "Add": lambda a, x, y: x + y,
    "Mul": lambda a, x, y: x * y,
    "Concat": lambda a, *parts: tf.concat(parts, -1),
    "Reshape": lambda a, x, sizes: tf.reshape(x, [x.shape[0], -1]),
    "Gemm": lambda a, x, kernel, bias: tf.nn.bias_add(tf.matmul(x, kernel), bias),
}


def variant(compiled: bool):
    """Returns the first outputs or losses, and a function that makes one call."""
    source = graph.read(work.onnx).channels_last()
    images = work.images()
    images = tf.constant(images.transpose(0, 2, 3, 1) if images.ndim == 4 else images)
    trained = {name: tf.Variable(source.weights[name]) for name in source.trained()} if work.trains else {}
    rest = {name: tf.constant(value) for name, value in source.weights.items() if name not in trained}
    if not work.trains:
        predict = tf.function(lambda x: tf.nn.softmax(source.run(OPERATORS, rest, x)), jit_compile=compiled)
        return predict(images).numpy(), lambda: predict(images).numpy()
    labels, variables = tf.constant(work.labels()), list(trained.values())

    @tf.function(jit_compile=compiled)
    def step(x):
        with tf.GradientTape() as tape:
            logits = source.run(OPERATORS, rest | trained, x)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        for variable, gradient in zip(variables, tape.gradient(loss, variables)):
            variable.assign_sub(RATE * gradient)
        return loss

    return np.array([step(images).numpy() for _ in range(LOSSES)]), lambda: step(images).numpy()


work = job()
tf.config.threading.set_intra_op_parallelism_threads(work.threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
# In predictions of large networks, XLA takes longer to compile than it saves.
work.serve_fastest([lambda: variant(False), lambda: variant(True)] if work.trains else [lambda: variant(False)])
