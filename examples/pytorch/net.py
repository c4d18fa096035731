"""Writes net.safetensors: a network of PyTorch with random weights, an input, and its output.

pip install torch safetensors; python net.py
"""

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(1)
net = nn.Sequential(
    nn.Conv2d(2, 4, 3, padding=1, bias=False),
    nn.BatchNorm2d(4),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(4, 4, 3, padding=1, groups=4),
    nn.ReLU(),
    nn.ConvTranspose2d(4, 3, 2, stride=2),
    nn.Flatten(),
    nn.Linear(3 * 8 * 8, 6),
    nn.ReLU(),
    nn.Linear(6, 5),
)
with torch.no_grad():
    for parameter in net.parameters():
        parameter.uniform_(-0.5, 0.5)
    for _ in range(20):  # moving statistics that differ from their initial values
        net(torch.rand(16, 2, 8, 8))
    net.eval()
    image = torch.rand(1, 2, 8, 8)
    tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    save_file(tensors | {"image": image, "answer": net(image)}, "net.safetensors")
