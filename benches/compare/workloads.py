"""The workloads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """A prediction or a training step of a network."""

    name: str
    title: str
    model: str
    batch: int = 1
    trains: bool = False
    # Unit of the time per image: microseconds for small networks, milliseconds for large ones.
    unit: str = "ms"
    # The largest difference from our outputs, relative to the largest output.
    limit: float = 1e-3

    @property
    def mode(self) -> str:
        return "train" if self.trains else "predict"

    def macs(self, facts: dict) -> int:
        """Returns the multiply-adds of a call. A training step counts each product three times: forward, and in two gradients."""
        return facts["macs"] * self.batch * (3 if self.trains else 1)

    def per_image(self, seconds: float) -> float:
        """Converts the seconds of a call to the time per image, in the unit of this workload."""
        return seconds / self.batch * {"µs": 1e6, "ms": 1e3}[self.unit]


WORKLOADS = [
    Workload("lenet5", "LeNet-5, one image", "lenet5", unit="µs"),
    Workload("lenet5-64", "LeNet-5, batch 64", "lenet5", 64, unit="µs"),
    Workload("lenet5-train", "LeNet-5 training step, batch 64", "lenet5", 64, True, "µs"),
    Workload("mlp-train", "MLP 784-512-256-10 training step, batch 64", "mlp", 64, True, "µs"),
    Workload("vgg16", "VGG-16, one image", "vgg16"),
    Workload("resnet50", "ResNet50, one image", "resnet50"),
    Workload("alexnet", "AlexNet, one image", "alexnet"),
    Workload("inception_v3", "InceptionV3, one image", "inception_v3"),
    Workload("xception", "Xception, one image", "xception"),
    Workload("resnext50", "ResNeXt50, one image", "resnext50"),
    Workload("inception_resnet_v2", "Inception-ResNet-V2, one image", "inception_resnet_v2"),
    Workload("mobilenet_v2", "MobileNetV2, one image", "mobilenet_v2"),
    Workload("resnet50-train", "ResNet50 training step, batch 8", "resnet50", 8, True),
]

# Number of images in each model's folder: that of its largest batch.
IMAGES = {model: max(w.batch for w in WORKLOADS if w.model == model) for model in {w.model for w in WORKLOADS}}
