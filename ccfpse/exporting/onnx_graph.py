"""A traced network as an ONNX model.

PyTorch's own exporter takes minutes for these graphs, and its result holds the sizes that were traced. Here
the trace is made at one small size, and no operation mentions it: resizing is by factors.
"""

import json
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, fx
from torch.export import ExportedProgram

from ccfpse.exporting.onnx_nodes import OPERATIONS, Call

OPSET = 17
_IR_VERSION = 8  # the one that came with the opset: older runtimes read it
_TYPES = {torch.uint8: TensorProto.UINT8, torch.int32: TensorProto.INT32, torch.float32: TensorProto.FLOAT}


class _Graph:
    """An ONNX graph that grows."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self._names: dict[int, tuple[str, Any]] = {}

    def __call__(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """As in `ccfpse.exporting.onnx_nodes.Emitter`."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        while inputs and inputs[-1] is None:
            inputs = inputs[:-1]
        names = [self.named(value) for value in inputs]
        self.nodes.append(helper.make_node(kind, names, [name], name=name, **attributes))
        return name

    def named(self, value: Any, name: str | None = None) -> str:
        """The name of a value, which becomes an initializer where it is a constant; "": not given."""
        if value is None or isinstance(value, str):
            return value or ""
        if id(value) not in self._names:
            name = name or f"constant_{len(self.initializers)}"
            array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
            self._names[id(value)] = name, value  # kept alive, or its id would be another's
        return self._names[id(value)][0]


def to_onnx(
    program: ExportedProgram,
    outputs: Mapping[str, str],
    shapes: Mapping[str, list[int | str]],
    described: Mapping[str, Any],
) -> onnx.ModelProto:
    """An ONNX model of a program that was traced at fixed sizes.

    Args:
        program: by `torch.export`; its inputs have the names of `shapes`.
        outputs: what they are, by name, in their order.
        shapes: of inputs and outputs, by name; texts are free dimensions.
        described: goes into the model's metadata, as JSON under "ccfpse".

    Raises:
        ValueError: the program has an operation that is not known here.
    """
    graph, values = _Graph(), _placeholders(program)
    for node in program.graph.nodes:
        if node.op == "call_function":
            values[node] = _converted(graph, node, values)
    (returned,) = (node.args[0] for node in program.graph.nodes if node.op == "output")
    for name, node in zip(outputs, returned, strict=True):
        graph.nodes.append(helper.make_node("Identity", [graph.named(values[node])], [name], name=name))
    inputs = [node for node in program.graph.nodes if node.op == "placeholder" and values[node] in shapes]
    made = helper.make_graph(
        graph.nodes,
        "ccfpse",
        [_described(str(values[node]), node, shapes) for node in inputs],
        [_described(name, node, shapes) for name, node in zip(outputs, returned, strict=True)],
        list(graph.initializers.values()),
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="ccfpse",
        producer_version=metadata.version("ccfpse"),
    )
    helper.set_model_props(model, {"ccfpse": json.dumps(described)})
    onnx.checker.check_model(model)
    return model


def _placeholders(program: ExportedProgram) -> dict[fx.Node, Any]:
    """Constants of the network as tensors, inputs as their names."""
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    constants = {**program.state_dict, **program.constants}
    return {
        node: constants[names[node.name]] if node.name in names else node.name
        for node in program.graph.nodes
        if node.op == "placeholder"
    }


def _converted(graph: _Graph, node: fx.Node, values: Mapping[fx.Node, Any]) -> Any:
    """The value of a node: computed here where all that it depends on is constant."""
    arguments, named = fx.node.map_arg((node.args, node.kwargs), lambda other: values[other])
    target: Any = node.target
    inputs = [values[other] for other in node.all_input_nodes]
    if not any(isinstance(value, str) for value in inputs):
        return target(*arguments, **named)
    if not isinstance(target, torch._ops.OpOverload):
        raise ValueError(f"{target}: an operation that cannot be exported")
    name = target._schema.name.removeprefix("aten::").removesuffix("_")
    if name == "_assert_tensor_metadata":
        return None
    if name not in OPERATIONS:
        raise ValueError(f"{target}: an operation that cannot be exported")
    given = _bound(target, arguments, named)
    before = tuple(node.all_input_nodes[0].meta["val"].shape)
    return OPERATIONS[name](Call(graph, given, before, tuple(node.meta["val"].shape)))


def _bound(target: torch._ops.OpOverload, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """The operation's arguments by name, defaults filled in."""
    declared = target._schema.arguments
    bound = {argument.name: argument.default_value for argument in declared if argument.has_default_value()}
    return bound | dict(zip((argument.name for argument in declared), given, strict=False)) | dict(named)


def _described(name: str, node: fx.Node, shapes: Mapping[str, list[int | str]]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, _TYPES[node.meta["val"].dtype], shapes[name])
