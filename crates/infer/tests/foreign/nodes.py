"""Writes ONNX's own node cases, for the operators that we claim, into a folder: what they ask and what should come out.

Usage: nodes.py FOLDER. A network of ours has one input of floating-point numbers, as a detector has; so the first such input of
a case stays one, and the others become constants, as they are in exported models.
"""

import json
import os
import sys
import warnings

import numpy
import onnx
from onnx import numpy_helper

# Of our own models, and of the YOLO family as it is commonly exported (with and without suppression built in).
CLAIMED = """
Abs Add And ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose DepthToSpace Div Elu Equal Erf Exp
Expand Flatten Floor Gather GatherElements Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid
HardSwish Identity LeakyRelu Less LessOrEqual Log MatMul Max MaxPool Min Mod Mul Neg NonMaxSuppression
Not Or PRelu Pad Pow Range ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Resize Round ScatterND Shape Sigmoid Slice
Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose Unsqueeze Upsample Where
""".split()


def filled(node, rank):
    """Writes down strides, dilations and pads where a case leaves them to their defaults: exporters always write them."""
    usual = {
        "MaxPool": {"strides": [1] * rank},
        "AveragePool": {"strides": [1] * rank},
        "ConvTranspose": {"strides": [1] * rank, "dilations": [1] * rank, "pads": [0] * 2 * rank},
    }
    written = {attribute.name for attribute in node.attribute}
    for name, value in usual.get(node.op_type, {}).items():
        if name not in written and not (name == "pads" and "auto_pad" in written):
            node.attribute.append(onnx.helper.make_attribute(name, value))


def written(case, folder):
    """Writes one case; says why not where it is none for us."""
    model = case.model
    graph = model.graph
    if len(graph.node) != 1 or graph.node[0].op_type not in CLAIMED:
        return "another operator"
    inputs, outputs = case.data_sets[0]
    if not all(isinstance(value, numpy.ndarray) for value in (*inputs, *outputs)):
        return "no tensors"
    kinds = [onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type) for value in graph.input]
    if any(kind not in (numpy.float32, numpy.int64, numpy.int32, numpy.bool_) for kind in kinds):
        return "numbers of another kind"
    if any(value.dtype not in (numpy.float32, numpy.int64, numpy.int32, numpy.bool_) for value in outputs):
        return "numbers of another kind"
    first = next((n for n, kind in enumerate(kinds) if kind == numpy.float32), None)
    if first is None or len(kinds) != len(inputs) or inputs[first].size == 0:
        return "no floating-point input"
    filled(graph.node[0], inputs[first].ndim - 2)
    constants = [
        numpy_helper.from_array(value, graph.input[n].name) for n, value in enumerate(inputs) if n != first
    ]
    kept = onnx.ValueInfoProto()
    kept.CopyFrom(graph.input[first])
    del graph.input[:]
    graph.input.append(kept)
    graph.initializer.extend(constants)
    os.makedirs(os.path.join(folder, case.name), exist_ok=True)
    at = lambda name: os.path.join(folder, case.name, name)
    onnx.save(model, at("model.onnx"))
    inputs[first].astype("<f4").tofile(at("input"))
    for n, value in enumerate(outputs):
        value.astype("<f4").tofile(at(f"output{n}"))
    told = {
        "operator": graph.node[0].op_type, "shape": inputs[first].shape, "outputs": [value.shape for value in outputs],
        "rtol": case.rtol, "atol": case.atol,
    }
    with open(at("case.json"), "w", encoding="utf-8") as file:
        json.dump(told, file)
    return None


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    # Some cases divide by nothing on purpose, and numpy says so.
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    count, passed_over = 0, {}
    for case in collect_testcases():
        reason = written(case, folder)
        if reason is None:
            count += 1
        else:
            passed_over[reason] = passed_over.get(reason, 0) + 1
    print(f"{count} cases; passed over: {passed_over}")


if __name__ == "__main__":
    main()
