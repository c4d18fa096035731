#!/usr/bin/env python3
"""Golden values of LeNet-5 of 1998, by PyTorch in float64, checked against NumPy's loops and finite differences.

    python3 zoo/tests/golden/lenet5_1998.py > zoo/tests/golden/LeNet5Of1998.json

The connection table and the pictures of digits are read from `zoo/src/lenet5_1998.rs`. A filter of the table convolves the channels that it sees and
no others, and a distance is a sum of squares. Nothing is expanded with zeros here, unlike in netwright.
"""

import json
import math
import re
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, conv2d, cross_entropy

GAIN, HEAD_GAIN, INPUT_SCALE = 1.0, 0.5, 1.0
SOURCE = (Path(__file__).parents[2] / "src/lenet5_1998.rs").read_text().split(" connect ")[1].split(" as rbf")[0]
TABLE = [[int(channel) for channel in row.split(",")] for row in re.findall(r"\(([\d, ]+)\)", SOURCE)]
DIGITS = np.array([[1.0 if dot == "#" else -1.0 for dot in text if dot in "#."] for text in re.findall('"([#. ]+)"', SOURCE)])
# Units whose pixel is the same in all digits: they change all distances equally, so their gradients are 0 except for rounding, which Adam would make
# as large as any other gradient.
ALIKE = np.ptp(DIGITS, axis=0) == 0.0
CONNECTIONS = sum(map(len, TABLE))
# Name, kind, shape and fan-in, in the order of the layers.
TENSORS = [
    ("c1", "kernel", [5, 5, 1, 6], 25),
    ("c1", "bias", [6], 0),
    ("s2", "coefficient", [6], 4),
    ("s2", "bias", [6], 0),
    ("c3", "kernel", [5, 5, CONNECTIONS], 25 * CONNECTIONS // len(TABLE)),
    ("c3", "bias", [16], 0),
    ("s4", "coefficient", [16], 4),
    ("s4", "bias", [16], 0),
    ("c5", "kernel", [5, 5, 16, 120], 400),
    ("c5", "bias", [120], 0),
    ("f6", "kernel", [120, 84], 120),
    ("f6", "bias", [84], 0),
]


def unit(tensor, count):
    """Returns the values of a tensor, from 0 to 1, as `tests/support/golden/formula.rs` computes them."""
    with np.errstate(over="ignore"):
        z = (np.uint64(tensor) << np.uint64(32) | np.arange(count, dtype=np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 24)


def weights(number, kind, shape, fan_in):
    gain = HEAD_GAIN if number == max(n for n, tensor in enumerate(TENSORS) if tensor[1] == "kernel") else GAIN
    bound = 0.1 if kind == "bias" else gain * math.sqrt(3.0 / fan_in)
    values = (2.0 * unit(number, math.prod(shape)) - 1.0) * bound
    return values.astype(np.float32).astype(np.float64).reshape(shape)


def images(count):
    values = (2.0 * unit(0xFFFF, count * 32 * 32) - 1.0) * INPUT_SCALE
    return values.astype(np.float32).astype(np.float64).reshape(count, 1, 32, 32)


def squash(x):
    return 1.7159 * torch.tanh(x * 0.6666666666666666)


def forward(parameters, x):
    """Returns the logits of images, and the outputs of every layer, channels first."""
    c1, b1, s2, t2, c3, b3, s4, t4, c5, b5, f6, b6 = parameters
    seen = []

    def see(word, value):
        seen.append((word, value))
        return value

    def squashed(word, value):
        see(word, value)
        see("tanh", torch.tanh(value * 0.6666666666666666))
        return squash(value)

    def subsampled(word, value, coefficient, bias):
        z = 4.0 * avg_pool2d(value, 2) * coefficient[None, :, None, None] + bias[None, :, None, None]
        return squashed(word, z)

    x = squashed("c", conv2d(x, c1.permute(3, 2, 0, 1), b1))
    x = subsampled("s", x, s2, t2)
    maps, start = [], 0
    for channels, bias in zip(TABLE, b3):
        kernel = c3[:, :, start : start + len(channels)].permute(2, 0, 1)[None]
        maps.append(conv2d(x[:, channels], kernel, bias[None]))
        start += len(channels)
    x = squashed("c", torch.cat(maps, 1))
    x = subsampled("s", x, s4, t4)
    x = squashed("c", conv2d(x, c5.permute(3, 2, 0, 1), b5))
    x = squashed("f", x.flatten(1) @ f6 + b6)
    distances = see("rbf", ((x[:, None, :] - torch.tensor(DIGITS)[None]) ** 2).sum(2))
    see("softmax", torch.softmax(-distances, 1))
    return -distances, seen


def by_loops(parameters, image):
    """Computes the logits of one image by loops over positions, in NumPy."""
    c1, b1, s2, t2, c3, b3, s4, t4, c5, b5, f6, b6 = parameters
    squash = lambda z: 1.7159 * np.tanh(z * 0.6666666666666666)

    def windows(x, size, step):
        count = (x.shape[1] - size) // step + 1
        for row in range(count):
            for column in range(count):
                yield row, column, x[:, row * step : row * step + size, column * step : column * step + size]

    def convolved(x, filters, size):
        y = np.zeros((len(filters), x.shape[1] - size + 1, x.shape[2] - size + 1))
        for row, column, window in windows(x, size, 1):
            for number, (kernel, channels, bias) in enumerate(filters):
                y[number, row, column] = bias + sum((kernel[k] * window[c]).sum() for k, c in enumerate(channels))
        return squash(y)

    def pooled(x, coefficient, bias):
        y = np.zeros((len(x), x.shape[1] // 2, x.shape[2] // 2))
        for row, column, window in windows(x, 2, 2):
            y[:, row, column] = coefficient * window.sum((1, 2)) + bias
        return squash(y)

    dense = lambda w, b: [(w[:, :, :, f].transpose(2, 0, 1), range(w.shape[2]), b[f]) for f in range(w.shape[3])]
    starts = np.cumsum([0] + [len(channels) for channels in TABLE])
    listed = [(c3[:, :, starts[f] + np.arange(len(own))].transpose(2, 0, 1), own, b3[f]) for f, own in enumerate(TABLE)]
    x = pooled(convolved(image, dense(c1, b1), 5), s2, t2)
    x = pooled(convolved(x, listed, 5), s4, t4)
    x = convolved(x, dense(c5, b5), 5).reshape(-1)
    x = squash(x @ f6 + b6)
    return -np.array([((x - digit) ** 2).sum() for digit in DIGITS])


def start():
    values = [weights(number, *tensor[1:]) for number, tensor in enumerate(TENSORS)]
    return [torch.tensor(value, requires_grad=True) for value in values]


def digits(value, count=10):
    return float(f"{value:.{count}g}")


def probes(values):
    at = range(len(values)) if len(values) <= 4 else [(2 * probe + 1) * len(values) // 8 for probe in range(4)]
    return [digits(values[place]) for place in at]


def summary(values):
    return [digits(values.mean()), digits(values.std()), digits(np.linalg.norm(values)), probes(values)]


def loss_of(parameters, labels):
    return cross_entropy(forward(parameters, torch.tensor(images(len(labels))))[0], torch.tensor(labels))


def step(labels, rates):
    parameters = start()
    loss = loss_of(parameters, labels)
    loss.backward()
    gradients = [parameter.grad.numpy().reshape(-1) for parameter in parameters]
    check_gradients(labels, gradients)
    below = []
    for rate in rates:
        with torch.no_grad():
            moved = [parameter - rate * parameter.grad for parameter in parameters]
            below.append([rate, digits(loss_of(moved, labels).item())])
    return {
        "labels": labels,
        "loss": loss.item(),
        "gradients": [
            [number, digits(np.linalg.norm(own)), digits(own.sum(), 17), probes(own)] for number, own in enumerate(gradients)
        ],
        "zero": [],
        "moving": [],
        "sgd": below,
    }


def check_gradients(labels, gradients):
    """Checks the gradients by finite differences along a random direction for each tensor."""
    for number, gradient in enumerate(gradients):
        direction = np.random.default_rng(number).standard_normal(len(gradient))
        ends = []
        for sign in (1.0, -1.0):
            moved = [parameter.detach().clone() for parameter in start()]
            moved[number] += torch.tensor(sign * 1e-6 * direction).reshape(moved[number].shape)
            ends.append(loss_of(moved, labels).item())
        expected = (ends[0] - ends[1]) / 2e-6
        assert abs(gradient @ direction - expected) < 1e-6 * np.linalg.norm(gradient) * np.sqrt(len(gradient)), TENSORS[number]


def trajectory(rule, rate, momentum, labels, steps):
    parameters = start()
    kinds = {"sgd": lambda: torch.optim.SGD(parameters, rate, momentum), "adam": lambda: torch.optim.Adam(parameters, rate)}
    optimizer, losses = kinds[rule](), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(parameters, labels)
        losses.append(digits(loss.item()))
        loss.backward()
        for parameter in parameters[-2:]:
            parameter.grad[..., ALIKE] = 0.0
        optimizer.step()
    losses.append(digits(loss_of(parameters, labels).item()))
    ends = [[number, *summary(parameter.detach().numpy().reshape(-1))] for number, parameter in enumerate(parameters)]
    return {
        "rule": rule,
        "rate": rate,
        "momentum": momentum,
        "labels": labels,
        "losses": losses,
        "parameters": ends,
        "logits": [],
    }


def main():
    parameters, image = start(), images(1)
    with torch.no_grad():
        logits, seen = forward(parameters, torch.tensor(image))
    logits = logits[0].numpy()
    plain = by_loops([parameter.detach().numpy() for parameter in parameters], image[0])
    assert np.abs(logits - plain).max() < 1e-14 * np.abs(logits).max(), "PyTorch and NumPy differ"
    layers = []
    for word, value in seen:
        value = value[0].numpy()
        value = value.transpose(1, 2, 0) if value.ndim == 3 else value
        layers.append([word, list(value.shape), *summary(value.reshape(-1))])
    golden = {
        "gain": GAIN,
        "head_gain": HEAD_GAIN,
        "input_scale": INPUT_SCALE,
        "tensors": [[number, *tensor[1:]] for number, tensor in enumerate(TENSORS)],
        "logits": [digits(logit, 8) for logit in logits],
        "layers": layers,
        "train": [step([3, 7], [1e-5]), step([3], [])],
        "trajectories": [
            trajectory("sgd", 0.0005, 0.0, [3, 7, 1, 0], 10),
            trajectory("sgd", 0.0001, 0.9, [3, 7, 1, 0], 10),
            trajectory("adam", 0.0002, 0.0, [3, 7, 1, 0], 10),
        ],
    }
    print(json.dumps(golden, separators=(",", ":")))


if __name__ == "__main__":
    main()
