"""A model as a list of nodes, for frameworks that do not read ONNX. Each framework defines a function for each operator."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper


@dataclass
class Node:
    """An operator with the names of its operands, and its attributes."""

    op: str
    inputs: list[str]
    output: str
    attributes: dict


@dataclass
class Graph:
    """A network: nodes in order, and weights by name. Its outputs are the logits, without the softmax."""

    nodes: list[Node]
    weights: dict[str, np.ndarray]
    input: str
    output: str

    def trained(self) -> list[str]:
        """Returns the names of the trained weights: neither statistics nor the bounds of a clip."""
        layers = [node for node in self.nodes if node.op in ("Conv", "Gemm", "BatchNormalization")]
        return list(dict.fromkeys(name for node in layers for name in node.inputs[1:3]))

    def run(self, operators: dict[str, Callable], weights: dict, images):
        """Computes the logits with the operators of a framework. Each is called with its attributes and operands."""
        values = dict(weights) | {self.input: images}
        for node in self.nodes:
            values[node.output] = operators[node.op](node.attributes, *(values[name] for name in node.inputs))
        return values[self.output]

    def channels_last(self) -> "Graph":
        """Returns the graph for frameworks with channels last, whose filters are height x width x inputs x outputs."""
        weights = dict(self.weights)
        for node in self.nodes:
            if node.op == "Conv":
                weights[node.inputs[1]] = np.ascontiguousarray(self.weights[node.inputs[1]].transpose(2, 3, 1, 0))
        return Graph(without(self.nodes, ("Transpose",)), weights, self.input, self.output)


def without(nodes: list[Node], removed: tuple[str, ...]) -> list[Node]:
    """Returns the nodes without those of the given operators. Readers of a removed node read its input instead."""
    renamed, kept = {}, []
    for node in nodes:
        inputs = [renamed.get(name, name) for name in node.inputs]
        if node.op in removed:
            renamed[node.output] = inputs[0]
        else:
            kept.append(Node(node.op, inputs, node.output, node.attributes))
    return kept


def read(path: str) -> Graph:
    """Reads the graph of a file that netwright wrote."""
    graph = onnx.load(path).graph
    nodes = []
    for node in graph.node:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        nodes.append(Node(node.op_type, list(node.input), node.output[0], attributes))
    nodes = without(nodes, ("Identity", "Dropout"))
    softmax = nodes.pop()
    assert softmax.op == "Softmax"
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    return Graph(nodes, weights, graph.input[0].name, softmax.inputs[0])


def pads(attributes: dict) -> list[tuple[int, int]]:
    """Returns the padding of rows and of columns, before and after."""
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    return [(top, bottom), (left, right)]
