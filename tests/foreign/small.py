"""Writes the small models of `tests/foreign/small` with the libraries' exporters, and beside each the output of ONNX Runtime.

`tests/foreign/run` installs what it needs. The inputs of all models are from one formula: see `image`.
"""

import pathlib
import sys
import warnings

import numpy as np
import onnx
import onnxruntime

warnings.filterwarnings("ignore")
FOLDER = pathlib.Path(__file__).parent / "small"


def image(*sizes):
    """((7 row + 3 column + 5 channel) mod 11) / 10 - 0.5, channels last; a row of features is one of channels."""
    height, width, channels = (1, 1, *sizes)[-3:]
    rows, columns, depth = np.indices((height, width, channels))
    return (((7 * rows + 3 * columns + 5 * depth) % 11) / 10 - 0.5).astype(np.float32)


def expect(name, batch):
    session = onnxruntime.InferenceSession(FOLDER / f"{name}.onnx")
    outputs = [out.name for out in session.get_outputs() if "float" in out.type]
    [answer] = session.run(outputs, {session.get_inputs()[0].name: batch})
    (FOLDER / f"{name}.txt").write_text("\n".join(f"{value:.9g}" for value in answer.ravel()) + "\n")


def pytorch():
    import torch
    from torch import nn

    torch.manual_seed(1)

    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.squeeze, self.excite = nn.Conv2d(6, 2, 1), nn.Conv2d(2, 6, 1)

        def forward(self, x):
            gate = nn.functional.adaptive_avg_pool2d(x, 1)
            return x * torch.sigmoid(self.excite(nn.functional.silu(self.squeeze(gate))))

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(2, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU())
            self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
            self.gate, self.grouped = Gate(), nn.Conv2d(6, 6, 1, groups=2)
            self.last = nn.Sequential(nn.Linear(48, 7), nn.GELU(), nn.Dropout(0.5), nn.Linear(7, 3))

        def forward(self, x):
            x = self.stem(x)
            x = nn.functional.relu(x + self.grouped(self.gate(self.depthwise(x))))
            x = torch.cat([nn.functional.max_pool2d(x, 2, ceil_mode=True), nn.functional.avg_pool2d(x, 3, 2, 1)], 1)
            return self.last(torch.flatten(x, 1))

    net = Small()
    norm = net.stem[1]
    norm.running_mean.uniform_(-0.5, 0.5), norm.running_var.uniform_(0.5, 1.5)
    net.eval()
    example = torch.from_numpy(image(6, 6, 2).transpose(2, 0, 1)[None].copy())
    torch.onnx.export(net, example, FOLDER / "pytorch.onnx", opset_version=17, input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "n"}}, training=torch.onnx.TrainingMode.PRESERVE)
    expect("pytorch", example.numpy())
    # The same with external weights, as large models have them.
    onnx.save_model(onnx.load(FOLDER / "pytorch.onnx"), FOLDER / "beside.onnx", save_as_external_data=True, location="beside.onnx.data",
                    size_threshold=100)


def keras():
    import tensorflow as tf
    import tf2onnx

    tf.keras.utils.set_random_seed(2)
    layers = tf.keras.layers
    net = tf.keras.Sequential([
        tf.keras.Input((6, 6, 2)),
        layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(6.0),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.Conv2D(5, 1, activation="swish"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(4, activation="softmax"),
    ])
    norm = net.layers[1]
    norm.set_weights([np.random.uniform(0.5, 1.5, 4) for _ in norm.get_weights()])
    signature = [tf.TensorSpec((None, 6, 6, 2), tf.float32, name="image")]
    function = tf.function(lambda x: net(x, training=False), input_signature=signature)
    model, _ = tf2onnx.convert.from_function(function, signature, opset=17)
    (FOLDER / "keras.onnx").write_bytes(model.SerializeToString())
    expect("keras", image(6, 6, 2)[None])


def scikit():
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(3)
    rows = rng.normal(size=(60, 5)).astype(np.float32)
    net = MLPClassifier((6, 4), activation="tanh", max_iter=20, random_state=3).fit(rows, rng.integers(0, 3, 60))
    model = to_onnx(net, rows[:1], options={"zipmap": False})
    (FOLDER / "scikit.onnx").write_bytes(model.SerializeToString())
    expect("scikit", image(5)[0, 0][None])


for write in [pytorch, keras, scikit]:
    if not sys.argv[1:] or write.__name__ in sys.argv[1:]:
        write()
