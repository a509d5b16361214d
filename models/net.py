"""The detector: a small convolutional network that marks the middles of things and tells how far their edges are.

Input `picture`: 1 x 3 x 240 x 320, red, green, blue, 0 to 1. Output `things`: 1 x (labels + 4) x 30 x 40: for each cell of
8 x 8 pixels, how sure it is that the middle of a thing of each label lies in it (0 to 1), and how far the thing's left, upper,
right and lower edge are from the cell's middle (in cells).
"""

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

LABELS = ["person", "trolley", "box"]
CELL = 8
SIZES = {
    # Channels at a half, a quarter, an eighth and a sixteenth of the picture; blocks at the last two and in the head.
    "edge": ((12, 24, 52, 96), (2, 3, 2)),
    "large": ((16, 32, 88, 160), (3, 3, 3)),
}


class Conv(nn.Module):
    """A convolution with its normalisation and, unless told otherwise, a rectifier."""

    def __init__(self, before, after, size, stride=1, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(before, after, size, stride, size // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Block(nn.Module):
    """A depthwise convolution and a pointwise one; what came in is added where the shape stays."""

    def __init__(self, before, after, stride=1):
        super().__init__()
        self.deep = Conv(before, before, 3, stride, before)
        self.point = Conv(before, after, 1)
        self.adds = stride == 1 and before == after

    def forward(self, x):
        y = self.point(self.deep(x))
        return x + y if self.adds else y


class Net(nn.Module):
    """The whole detector."""

    def __init__(self, size):
        super().__init__()
        (half, quarter, eighth, sixteenth), (middle, deep, head) = SIZES[size]
        self.stem = nn.Sequential(Conv(3, half, 3, 2), Block(half, quarter, 2), Block(quarter, quarter))
        self.fine = nn.Sequential(
            Block(quarter, eighth, 2), *(Block(eighth, eighth) for _ in range(middle))
        )
        self.coarse = nn.Sequential(
            Block(eighth, sixteenth, 2), *(Block(sixteenth, sixteenth) for _ in range(deep))
        )
        self.down = Conv(sixteenth, eighth, 1)
        self.head = nn.Sequential(*(Block(eighth, eighth) for _ in range(head)))
        self.last = nn.Conv2d(eighth, len(LABELS) + 4, 1)
        with torch.no_grad():
            self.last.bias[: len(LABELS)] = -4.0
            self.last.bias[len(LABELS):] = 1.0

    def forward(self, x):
        """Scores before the sigmoid and distances before the exponential, as one tensor."""
        fine = self.fine(self.stem(x))
        coarse = self.down(self.coarse(fine))
        return self.last(self.head(fine + nn.functional.interpolate(coarse, scale_factor=2.0, mode="nearest")))


def load(path, size, pictures):
    """A network with the weights of an exported one. How its normalisation has to be set, so that it answers as before
    and can be trained on, is measured on `pictures` (N x 3 x H x W, 0 to 1)."""
    net = Net(size)
    graph = onnx.load(path).graph
    scales = next(node for node in graph.node if node.op_type == "Resize").input[2]
    weights = iter(numpy_helper.to_array(part).copy() for part in graph.initializer if part.name != scales)
    take = lambda: torch.from_numpy(next(weights))
    biases = {}
    for module in net.modules():
        if isinstance(module, Conv):
            module.conv.weight.data, biases[module.norm] = take(), take()
    scores, edges = (take(), take()), (take(), take())
    net.last.weight.data = torch.cat([scores[0], edges[0]])
    net.last.bias.data = torch.cat([scores[1], edges[1]])

    def measured(norm, inputs):
        values = inputs[0]
        norm.running_mean = values.mean((0, 2, 3))
        norm.running_var = values.var((0, 2, 3), unbiased=False)
        norm.weight.data = torch.sqrt(norm.running_var + norm.eps)
        norm.bias.data = biases[norm] + norm.running_mean

    hooks = [norm.register_forward_pre_hook(measured) for norm in biases]
    with torch.no_grad():
        net.eval()(pictures)
    for hook in hooks:
        hook.remove()
    return net.train()


def grown(small, size):
    """A larger network that answers nearly as the small one: the same weights, and new channels and blocks that nothing
    listens to yet."""
    net = Net(size)
    old = small.state_dict()
    with torch.no_grad():
        for name, new in net.state_dict().items():
            if name not in old:
                # A block that the small one does not have: it says little at first.
                if name.endswith("point.norm.weight"):
                    new.fill_(0.05)
                continue
            before = old[name]
            if before.dim() == 4 and before.shape[1] < new.shape[1]:
                new[: before.shape[0], before.shape[1]:] = 0
            new[tuple(slice(length) for length in before.shape)] = before
    return net


class Graph:
    """The network as ONNX, written node by node with the normalisation folded into the weights."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def constant(self, values):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, kind, inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def conv(self, x, conv, weight, bias):
        side = conv.kernel_size[0]
        inputs = [x, self.constant(weight), self.constant(bias)]
        return self.node(
            "Conv", inputs, kernel_shape=[side, side], strides=list(conv.stride), pads=[side // 2] * 4,
            group=conv.groups,
        )

    def module(self, x, module):
        if isinstance(module, nn.Sequential):
            for part in module:
                x = self.module(x, part)
            return x
        if isinstance(module, Conv):
            norm = module.norm
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = (module.conv.weight * scale[:, None, None, None]).detach().numpy()
            bias = (norm.bias - norm.running_mean * scale).detach().numpy()
            return self.node("Relu", [self.conv(x, module.conv, weight, bias)])
        y = self.module(self.module(x, module.deep), module.point)
        return self.node("Add", [x, y]) if module.adds else y


def export(net, path, height, width):
    """Writes the trained network as ONNX, opset 17."""
    graph = Graph()
    fine = graph.module(graph.module("picture", net.stem), net.fine)
    coarse = graph.module(graph.module(fine, net.coarse), net.down)
    scales = graph.constant(numpy.array([1, 1, 2, 2], dtype=numpy.float32))
    modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    coarse = graph.node("Resize", [coarse, "", scales], **modes)
    x = graph.module(graph.node("Add", [fine, coarse]), net.head)
    weight, bias = net.last.weight.detach().numpy(), net.last.bias.detach().numpy()
    labels = len(LABELS)
    scores = graph.node("Sigmoid", [graph.conv(x, net.last, weight[:labels], bias[:labels])])
    edges = graph.node("Exp", [graph.conv(x, net.last, weight[labels:], bias[labels:])])
    graph.nodes.append(helper.make_node("Concat", [scores, edges], ["things"], axis=1))
    shape = [1, labels + 4, height // CELL, width // CELL]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "detector",
            [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, height, width])],
            [helper.make_tensor_value_info("things", TensorProto.FLOAT, shape)],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="playhouse",
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
