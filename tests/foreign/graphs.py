"""Writes `tests/foreign/graphs`: the exported networks of `families.py` without their weights, and the outputs of ONNX Runtime.
`tests/exporters.rs` reads them, without Python.

`graphs.py [EXPORTER...]` or `graphs.py EXPORTER/NETWORK...`; `run` installs what it needs; `dynamo` also needs PyTorch of PyPI and onnxscript. A graph
is as its exporter wrote it, with two changes: descriptions and inferred shapes are removed, and float tensors of more than 16 elements are in
an external file `weights`, which is computed by a rule (`tensor`). The networks have ten classes and small images. Beside each graph is a text
file: the largest element of the images and the gain of the filters, then the outputs for two images.
"""

import pathlib
import shutil
import sys
import tempfile

import families
import numpy as np
import onnx
import onnxruntime

FOLDER = pathlib.Path(__file__).parent / "graphs"
SIZES = {"inception_v3": 96}
# Its first layers divide the image by 255.
LARGEST = {"keras_efficientnet_b0": 128}


def torchvision_net(name, size, classes):
    """Returns a network with fewer blocks where a family repeats one block many times."""
    import torchvision

    fewer = {
        "densenet121": lambda num_classes: torchvision.models.DenseNet(block_config=(2, 3, 3, 2), num_classes=num_classes),
        "shufflenet_v2_x1_0": lambda num_classes: torchvision.models.ShuffleNetV2(
            [2, 3, 2], [24, 116, 232, 464, 1024], num_classes=num_classes),
    }
    return families.torchvision_net(name, size, classes, make=fewer.get(name))


EXPORTERS = {
    "torchscript": (families.TORCHVISION, torchvision_net, families.export_torchscript),
    "dynamo": (families.TORCHVISION, torchvision_net, families.export_dynamo),
    "tf2onnx": (list(families.KERAS), families.keras_net, families.export_tf2onnx),
    "keras": (list(families.KERAS), families.keras_net, families.export_keras),
}


def uniform(name, count):
    """Returns `count` fractions in 0..1, from SplitMix64 started at the FNV-1a hash of `name`: the upper 24 bits of each."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return ((z ^ z >> np.uint64(31)) >> np.uint64(40)).astype(np.float64) * 2.0**-24


def positive(graph):
    """Returns the names of scales and variances."""
    at = {"BatchNormalization": [1, 4], "LayerNormalization": [1], "Mul": [0, 1]}
    return {node.input[index] for node in graph.node for index in at.get(node.op_type, [])}


def tensor(name, dims, is_positive, gain):
    """Returns the elements of a tensor. In vectors, scales and variances are 0.5..1.5, others -0.25..0.25. The elements of filters are bounded by
    the square root of `gain` divided by the product of all axes but the first."""
    elements = uniform(name, int(np.prod(dims)))
    if sum(size > 1 for size in dims) <= 1:
        return (elements + 0.5 if is_positive else (elements - 0.5) / 2).astype("<f4")
    return ((2 * elements - 1) * np.sqrt(gain / np.prod(dims[1:], dtype=np.float64))).astype("<f4")


def without_weights(model):
    """Removes the descriptions of a model, and makes its weights refer to the external file `weights`."""
    graph = model.graph
    for part in [model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer]:
        for field in ["doc_string", "metadata_props"]:
            if field in part.DESCRIPTOR.fields_by_name:
                part.ClearField(field)
    graph.ClearField("value_info")
    offset = 0
    for one in graph.initializer:
        if one.data_type != onnx.TensorProto.FLOAT or np.prod(one.dims) <= 16:
            continue
        for field in ["raw_data", "float_data"]:
            one.ClearField(field)
        one.data_location = onnx.TensorProto.EXTERNAL
        for key, value in [("location", "weights"), ("offset", offset)]:
            one.external_data.add(key=key, value=str(value))
        offset += 4 * int(np.prod(one.dims))
    return model


def answer(model, folder, gain, largest):
    """Returns ONNX Runtime's outputs for two images, their difference, and the factor by which noise in an image grows in the output."""
    scales = positive(model.graph)
    external = [one for one in model.graph.initializer if one.data_location == onnx.TensorProto.EXTERNAL]
    weights = [tensor(one.name, list(one.dims), one.name in scales, gain).tobytes() for one in external]
    (folder / "weights").write_bytes(b"".join(weights))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    [image] = session.get_inputs()
    channels_first, size = image.shape[1] == 3, image.shape[2]
    images = (largest * (2 * uniform("image", 2 * size * size * 3) - 1)).astype(np.float32).reshape(2, size, size, 3)

    def run(images):
        images = images.astype(np.float32)
        images = images.transpose(0, 3, 1, 2) if channels_first else images
        # A fixed batch is one image.
        batches = np.split(images, 2) if image.shape[0] == 1 else [images]
        return np.concatenate([session.run(None, {image.name: batch})[0] for batch in batches])

    answers, noise = run(images), 1e-4
    noisy = run(images * (1 + noise * np.random.default_rng(1).normal(size=images.shape)))
    most = np.abs(answers).max()
    return answers, np.abs(answers[0] - answers[1]).max() / most, np.abs(answers - noisy).max() / most / noise


def write(exporter, name):
    _, make, export = EXPORTERS[exporter]
    size = SIZES.get(name, 64)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        export(make(name, size, classes=10), size, folder / "exported.onnx")
        model = without_weights(onnx.load(folder / "exported.onnx"))
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        largest = LARGEST.get(name, 1)
        # With weights that are too small all images have the same output; weights that are too large amplify rounding errors.
        for gain in np.arange(2, 12, 0.5):
            answers, apart, noise = answer(model, folder, gain, largest)
            if apart > 0.02:
                break
        assert np.isfinite(answers).all() and apart > 0.02 and noise < 5, f"{name}: {apart:.1g} apart, noise grows {noise:.1g} times"
        FOLDER.mkdir(exist_ok=True)
        shutil.copy(folder / "model.onnx", FOLDER / f"{exporter}-{name}.onnx")
        lines = [f"{largest} {gain:g}", *(f"{value:.9g}" for value in answers.ravel())]
        (FOLDER / f"{exporter}-{name}.txt").write_text("\n".join(lines) + "\n")
        print(f"{exporter}/{name}: gain {gain:g}, images {apart:.1g} apart, noise grows {noise:.1g} times", flush=True)


def main():
    for asked in sys.argv[1:] or EXPORTERS:
        exporter, _, name = asked.partition("/")
        for name in [name] if name else EXPORTERS[exporter][0]:
            try:
                write(exporter, name)
            except Exception as error:  # a network that an exporter refuses must not skip the others
                print(f"{exporter}/{name}: {str(error).strip().splitlines()[0]}", flush=True)


if __name__ == "__main__":
    main()
