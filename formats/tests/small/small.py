"""Writes small.pt, small.npz, compressed.npz, small.weights.h5 and small.h5, which the tests read.

pip install torch keras h5py numpy; KERAS_BACKEND=torch python small.py

Each holds the weights of a small network with random weights; small.pt and small.npz one of PyTorch, the others one of Keras. answers.json has
an image and what the two networks make of it.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch
from torch import nn

torch.manual_seed(1)
np.random.seed(1)

net = nn.Sequential()
net.add_module("stem", nn.Conv2d(2, 4, 3, padding=1, bias=False))
net.add_module("norm", nn.BatchNorm2d(4))
net.add_module("act", nn.PReLU(4))
net.add_module("deep", nn.Conv2d(4, 8, 3, padding=1, groups=4))
net.add_module("up", nn.ConvTranspose2d(8, 3, 2, stride=2))
net.add_module("flat", nn.Flatten())
net.add_module("fc", nn.Linear(3 * 12 * 8, 5))
with torch.no_grad():
    for parameter in net.parameters():
        parameter.uniform_(-0.5, 0.5)
    net.norm.running_mean.uniform_(-0.5, 0.5)
    net.norm.running_var.uniform_(0.5, 1.5)
net.eval()
image = torch.rand(1, 2, 6, 4)
state = net.state_dict()
# A tensor that is stored transposed, and two that share their memory.
state["fc.weight"] = state["fc.weight"].t().contiguous().t()
torch.save({"model": state, "epoch": 3, "betas": (0.9, 0.999)}, "small.pt")
arrays = {name: tensor.numpy() for name, tensor in state.items()}
np.savez("small.npz", **arrays)
half = {name: array.astype("<f2") if array.ndim == 4 else array.astype(">f8") for name, array in arrays.items()}
np.savez_compressed("compressed.npz", **half)

inputs = keras.Input((6, 4, 2))
x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(inputs)
x = keras.layers.BatchNormalization(scale=False, name="norm")(x)
x = keras.layers.PReLU(shared_axes=[1, 2])(x)
x = keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depth")(x)
x = keras.layers.SeparableConv2D(6, 3, padding="same", name="apart")(x)
x = keras.layers.Conv2DTranspose(3, 2, strides=2)(x)
x = keras.layers.Flatten()(x)
x = keras.layers.Dense(5, name="fc")(x)
model = keras.Model(inputs, x)
model.set_weights([np.random.uniform(0.25, 0.5, w.shape) * np.random.choice([1, 1, -1], w.shape) if "variance" not in v.name
                   else np.random.uniform(0.5, 1.5, w.shape) for w, v in zip(model.get_weights(), model.weights)])
model.save_weights("small.weights.h5")
model.save("small.h5")

pixels = image.permute(0, 2, 3, 1)
answers = {
    "image": pixels.flatten().tolist(),
    "pytorch": net(image).flatten().tolist(),
    "keras": keras.ops.convert_to_numpy(model(pixels.numpy())).flatten().tolist(),
}
with open("answers.json", "w") as file:
    json.dump(answers, file)
