"""Exports networks of torchvision and Keras with random weights, each with an image and the output of its library.

`families.py FOLDER [NAME...]` writes `FOLDER/NAME.onnx`, `NAME.image.f32` and `NAME.answer.f32` of each, channels last. `graphs.py` imports
the networks and the exporters from here.
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


def torchvision_net(name, size, classes=1000, make=None):
    """Returns a network in eval mode for images of `size` x `size`, made by torchvision's function of that name or by `make`."""
    import torch
    import torchvision

    torch.manual_seed(0)
    settings = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
    net = (make or getattr(torchvision.models, name))(num_classes=classes, **settings)
    if name in ("alexnet", "vgg11_bn"):
        # The adaptive pool before the classifier is exported for some image sizes only, so it is removed; a smaller classifier is enough.
        with torch.no_grad():
            features = net.features(torch.zeros(1, 3, size, size)).numel()
        net.avgpool = torch.nn.Identity()
        net.classifier = torch.nn.Sequential(
            torch.nn.Dropout(0.5), torch.nn.Linear(features, 64), torch.nn.ReLU(), torch.nn.Linear(64, classes))
    # The exporter writes equal tensors once, and the initial tensors of normalisations are equal.
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.7, 1.3), module.bias.uniform_(-0.1, 0.1)
                module.running_mean.uniform_(-0.1, 0.1), module.running_var.uniform_(0.5, 1.5)
    return net.eval()


def export_torchscript(net, size, path):
    """PyTorch's older exporter."""
    import inspect

    import torch

    names = {"input_names": ["image"], "output_names": ["logits"], "dynamic_axes": {"image": {0: "n"}, "logits": {0: "n"}}}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        names["dynamo"] = False
    # PRESERVE keeps normalisations and dropout in the file.
    torch.onnx.export(net, torch.zeros(1, 3, size, size), path, opset_version=17, training=torch.onnx.TrainingMode.PRESERVE, **names)


def export_dynamo(net, size, path):
    """PyTorch's newer exporter."""
    import torch

    # Two images, because the exporter would treat a batch of one as a fixed size.
    torch.onnx.export(net, (torch.zeros(2, 3, size, size),), path, dynamo=True, external_data=False, verbose=False,
                      input_names=["image"], output_names=["logits"], dynamic_shapes=({0: torch.export.Dim("n")},))


def keras_net(name, size, classes=1000):
    import tensorflow as tf

    tf.keras.utils.set_random_seed(2)
    settings = {"weights": None, "input_shape": (size, size, 3), "classes": classes, "classifier_activation": None}
    net = getattr(tf.keras.applications, KERAS[name])(**settings)
    random = np.random.default_rng(3)
    for layer in net.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            # Small variances keep the values of random layers from vanishing.
            ends = [(0.5, 1.5), (-0.5, 0.5), (-0.1, 0.1), (0.02, 0.2)]
            layer.set_weights([random.uniform(*end, weights.shape) for end, weights in zip(ends, layer.get_weights())])
        if isinstance(layer, tf.keras.layers.Normalization):
            # The exporter would treat captured tensors as inputs; these arrays become constants.
            layer.mean, layer.variance = np.zeros((1, 1, 1, 3), np.float32), np.ones((1, 1, 1, 3), np.float32)
    return net


def export_tf2onnx(net, size, path):
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, size, size, 3), tf.float32, name="image")]
    function = tf.function(lambda x: net(x, training=False), input_signature=signature)
    model, _ = tf2onnx.convert.from_function(function, signature, opset=17)
    path.write_bytes(model.SerializeToString())


def export_keras(net, size, path):
    """Keras' own exporter, `model.export`, which needs a model that has been called."""
    net(np.zeros((1, size, size, 3), np.float32))
    net.export(str(path), format="onnx", verbose=False)


def export(folder, name):
    """Writes the network, an image and the output of its library."""
    size = SIZES.get(name, 96)
    batch = np.random.default_rng(1).normal(size=(1, size, size, 3)).astype(np.float32)
    if name in KERAS:
        net = keras_net(name, size)
        export_tf2onnx(net, size, folder / f"{name}.onnx")
        answer = net(batch, training=False).numpy()
    else:
        import torch

        net = torchvision_net(name, size)
        export_torchscript(net, size, folder / f"{name}.onnx")
        with torch.no_grad():
            answer = net(torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())).numpy()
    batch.tofile(folder / f"{name}.image.f32")
    np.asarray(answer, np.float32).tofile(folder / f"{name}.answer.f32")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or [*TORCHVISION, *KERAS]:
        try:
            export(folder, name)
            print(name, flush=True)
        except Exception as error:  # a network that an exporter refuses must not skip the others
            print(f"{name}: its exporter refuses: {str(error).splitlines()[0]}", flush=True)


if __name__ == "__main__":
    main()
