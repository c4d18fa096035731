"""Compares the zoo with torchvision and keras.applications, both ways, with random weights: `zoo.py EXAMPLE [NETWORK...]`, where EXAMPLE is
the zoo's example `foreign`. `tests/foreign/weights` runs it.

For each network, weights that the library saved must give the library's logits in netwright; and weights that netwright saved must load in the
library by name (`load_state_dict(strict=True)`) and give netwright's logits. Both are in double precision, within 1e-9 of the largest logit; in
single precision PyTorch's own logits differ from these by up to 4e-5. Keras convolves in double precision with TensorFlow only; with another
backend (`KERAS_BACKEND`), its logits must be within 1e-5.
"""

import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import torch
import torchvision
from safetensors.torch import load_file, save_file

ALLOWED = 1e-9
ALLOWED_IN_SINGLE = 1e-5

torch.set_num_threads(os.cpu_count())


def measured(network, size, seed):
    """Gives normalisations different scales and statistics: with the initial ones, exchanged tensors would not be noticed."""
    torch.manual_seed(seed)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(0.7, 1.3)
            norm.bias.uniform_(-0.3, 0.3)
            norm.momentum = 1.0
        if norms:
            network.train()
            network(torch.randn(4, 3, size, size))
    return network.eval()


class OfTorchvision:
    def __init__(self, name, size, **options):
        self.name, self.size, self.options = f"torchvision/{name}", size, options
        self.make = getattr(torchvision.models, name)

    def save(self, path):
        """Saves the network as safetensors, or as a zip archive if `path` ends in `.pt`."""
        network = measured(self.make(weights=None, **self.options), self.size, 1)
        if path.endswith(".pt"):
            torch.save(network.state_dict(), path)
        else:
            save_file(network.state_dict(), path)
        return network.double()

    def load(self, network, path):
        if "aux_logits" in self.options:
            network = self.make(weights=None, **self.options | {"aux_logits": False}).eval().double()
        network.load_state_dict(load_file(path), strict=True)
        return network

    def logits(self, network, image):
        with torch.no_grad():
            return network(torch.from_numpy(image.transpose(2, 0, 1)[None].copy())).numpy()[0]


def precision(name):
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)


class OfKeras:
    def __init__(self, name, size):
        self.name, self.size = f"keras/{name}", size
        self.make = getattr(keras.applications, name)

    def save(self, path):
        precision("float32")
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        network = self.make(weights=None, classifier_activation=None)
        norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        for layer in norms:
            layer.momentum = 0.0
            if layer.scale:
                layer.gamma.assign(np.random.uniform(0.7, 1.3, layer.gamma.shape))
            layer.beta.assign(np.random.uniform(-0.3, 0.3, layer.beta.shape))
        if norms:
            network(np.random.normal(size=(4, self.size, self.size, 3)).astype("float32"), training=True)
        network.save_weights(path)
        # The same network in double precision: its layers have the same names.
        keras.backend.clear_session()
        precision("float64")
        double = self.make(weights=None, classifier_activation=None)
        double.set_weights([weights.astype("float64") for weights in network.get_weights()])
        return double

    def load(self, network, path):
        tensors = {name: tensor.numpy() for name, tensor in load_file(path).items()}
        for layer in network.layers:
            for variable in layer.variables:
                if isinstance(layer, keras.layers.Layer) and "seed" not in variable.path:
                    variable.assign(tensors.pop(f"{layer.name}/{variable.name}"))
        assert not tensors, f"left over: {list(tensors)}"
        return network

    def logits(self, network, image):
        return keras.ops.convert_to_numpy(network(image[None], training=False))[0]


NETWORKS = [
    (OfTorchvision("vgg16", 224), ".pt"),
    (OfTorchvision("resnet50", 224), ".safetensors"),
    (OfTorchvision("resnext50_32x4d", 224), ".pt"),
    (OfTorchvision("inception_v3", 299, aux_logits=True, init_weights=True), ".safetensors"),
    (OfKeras("VGG16", 224), ".weights.h5"),
    (OfKeras("ResNet50", 224), ".weights.h5"),
    (OfKeras("InceptionV3", 299), ".weights.h5"),
    (OfKeras("Xception", 299), ".weights.h5"),
    (OfKeras("InceptionResNetV2", 299), ".weights.h5"),
]


def compare(example, library, ending):
    """Returns the largest differences of the logits, relative to the largest logit: with the library's weights, and with netwright's."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("FOREIGN_FOLDER")) as folder:
        weights = os.path.join(folder, "theirs" + ending)
        network = library.save(weights)
        image = np.random.default_rng(1).normal(size=(library.size, library.size, 3)).astype("float32").astype("float64")
        image.tofile(os.path.join(folder, "image.f64"))
        arguments = [library.name, weights, os.path.join(folder, "image.f64"), folder]
        subprocess.run([example, *arguments], check=True, stdout=subprocess.DEVNULL)
        apart = []
        for which in ["loaded", "saved"]:
            if which == "saved":
                network = library.load(network, os.path.join(folder, "saved.safetensors"))
            theirs = library.logits(network, image)
            ours = np.fromfile(os.path.join(folder, which + ".f64"), dtype="float64")
            assert np.isfinite(theirs).all() and theirs.std() > 1e-3 * np.abs(theirs).max(), "logits that tell nothing"
            apart.append(np.abs(ours - theirs).max() / np.abs(theirs).max())
        return apart


def main():
    example, wanted = sys.argv[1], sys.argv[2:]
    failed = passed = 0
    for library, ending in NETWORKS:
        if wanted and library.name not in wanted:
            continue
        start = time.time()
        loaded, saved = compare(example, library, ending)
        is_double = library.name.startswith("torchvision/") or keras.backend.backend() == "tensorflow"
        good = max(loaded, saved) <= (ALLOWED if is_double else ALLOWED_IN_SINGLE)
        failed, passed = failed + (not good), passed + good
        print(f"{library.name:28} {ending:14} loaded {loaded:.1e}  saved {saved:.1e}  {time.time() - start:5.1f} s"
              f"{'' if good else '  TOO FAR APART'}", flush=True)
    print(f"foreign: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
