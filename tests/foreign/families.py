"""Exports networks of torchvision and Keras with random weights, each with an image and the answer of the library it is from.

`families.py FOLDER [NAME...]`; each becomes `FOLDER/NAME.onnx`, `NAME.image.f32` and `NAME.answer.f32`, channels last.
"""

import pathlib
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
SIZES = {"alexnet": 128, "vgg11_bn": 64, "inception_v3": 128}
TORCHVISION = [
    "alexnet", "vgg11_bn", "resnet18", "resnext50_32x4d", "squeezenet1_0", "densenet121", "inception_v3", "googlenet",
    "shufflenet_v2_x1_0", "mobilenet_v2", "mobilenet_v3_small", "mnasnet1_0", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny",
]
KERAS = {"keras_mobilenet": "MobileNet", "keras_efficientnet_b0": "EfficientNetB0"}


def image(size):
    return np.random.default_rng(1).normal(size=(1, size, size, 3)).astype(np.float32)


def write(folder, name, batch, answer):
    batch.tofile(folder / f"{name}.image.f32")
    np.asarray(answer, np.float32).tofile(folder / f"{name}.answer.f32")


def torchvision_model(folder, name):
    import torch
    import torchvision

    torch.manual_seed(0)
    settings = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
    net = getattr(torchvision.models, name)(**settings)
    if name in ("alexnet", "vgg11_bn"):
        # The pool in front makes one size of every image, which the exporter takes for these sizes alone; and fewer weights do.
        side = {"alexnet": 3, "vgg11_bn": 2}[name]
        channels = {"alexnet": 256, "vgg11_bn": 512}[name]
        net.avgpool = torch.nn.Identity()
        net.classifier = torch.nn.Sequential(
            torch.nn.Dropout(0.5), torch.nn.Linear(channels * side * side, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1000))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1), module.running_var.uniform_(0.5, 1.5)
    net.eval()
    batch = image(SIZES.get(name, 96))
    example = torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())
    names = {"input_names": ["image"], "output_names": ["logits"], "dynamic_axes": {"image": {0: "n"}, "logits": {0: "n"}}}
    # As it stands, so that normalisations and dropout are in the file.
    torch.onnx.export(net, example, folder / f"{name}.onnx", opset_version=17, training=torch.onnx.TrainingMode.PRESERVE, **names)
    with torch.no_grad():
        write(folder, name, batch, net(example).numpy())


def keras_model(folder, name):
    import tensorflow as tf
    import tf2onnx

    tf.keras.utils.set_random_seed(2)
    settings = {"weights": None, "input_shape": (96, 96, 3), "classifier_activation": None}
    net = getattr(tf.keras.applications, KERAS[name])(**settings)
    random = np.random.default_rng(3)
    for layer in net.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            # Small variances keep the values of random layers from vanishing.
            ends = [(0.5, 1.5), (-0.5, 0.5), (-0.1, 0.1), (0.02, 0.2)]
            layer.set_weights([random.uniform(*end, weights.shape) for end, weights in zip(ends, layer.get_weights())])
        if isinstance(layer, tf.keras.layers.Normalization):
            # What a function captures the exporter takes for inputs.
            layer.mean, layer.variance = np.zeros((1, 1, 1, 3), np.float32), np.ones((1, 1, 1, 3), np.float32)
    signature = [tf.TensorSpec((None, 96, 96, 3), tf.float32, name="image")]
    function = tf.function(lambda x: net(x, training=False), input_signature=signature)
    model, _ = tf2onnx.convert.from_function(function, signature, opset=17)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    batch = image(96)
    write(folder, name, batch, net(batch, training=False).numpy())


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name in sys.argv[2:] or [*TORCHVISION, *KERAS]:
    try:
        (keras_model if name in KERAS else torchvision_model)(folder, name)
        print(name, flush=True)
    except Exception as error:  # one that an exporter refuses is no reason to leave the others out
        print(f"{name}: its exporter refuses: {str(error).splitlines()[0]}", flush=True)
