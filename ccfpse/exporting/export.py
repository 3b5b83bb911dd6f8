"""A model file becomes an ONNX file or a `torch.export` program, and is compared with the network."""

import dataclasses
import importlib.util
import io
import json
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from ccfpse.errors import ModelFileError, SettingsError
from ccfpse.exporting.deployed import INPUTS, OUTPUTS, Deployed, Shape, example
from ccfpse.files import replacing, sha256_file
from ccfpse.layout import make_layout
from ccfpse.modelfile import ModelFile, build_generator, load_model
from ccfpse.outputlock import output_lock
from ccfpse.trained import levels

METADATA = "ccfpse"
"""Name of what an exported file says of itself: a key of ONNX's metadata, or `ccfpse.json` in a program."""
TOLERANCE = 1e-3
"""Largest difference of an image's values, in [-1, 1], from the network's own."""
_MOST_ONNX_BYTES = 2**31 - 2**20
"""Protocol buffers hold no more, descriptions included."""
_LARGEST = 2**16
"""Batch of a program, and as many multiples its sides have."""
_ADVICE = "install it with `pip install 'ccfpse[export]'`"

Arrays = dict[str, npt.NDArray[Any]]
Run = Callable[[Arrays], tuple[npt.NDArray[Any], npt.NDArray[Any]]]
"""An exported model in use: `OUTPUTS` of `INPUTS`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Largest differences between an exported model and the network it was made from."""

    image: float
    """Of values in [-1, 1]."""
    levels: int
    """Of photos, of 255."""


@dataclasses.dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    form: str
    n_bytes: int
    shape: Shape
    inputs: tuple[str, ...]
    difference: Difference | None
    """None: not compared, since onnxruntime is not installed."""


def export_model(model: Path, out: Path) -> Exported:
    """Writes the generator of a model file as `out` says: `.onnx`, or `.pt2` for `torch.export`.

    The file is compared with the network at another batch, and at another size where sizes are free, before
    it takes its place.

    Raises:
        ModelFileError: the model file cannot be used, or the exported network differs from it.
        SettingsError: another ending; a package that is needed is not installed.
        OutputError: it cannot be written.
    """
    forms = {".onnx": _as_onnx, ".pt2": _as_program}
    if (make := forms.get(out.suffix)) is None:
        raise SettingsError(f"{out}: an exported model ends with {' or '.join(forms)}; choose one of these")
    if out.suffix == ".onnx" and not _is_installed("onnx"):
        raise SettingsError(f"{out}: the package onnx, which writes such files, is missing; {_ADVICE}")
    with output_lock(out):
        file = load_model(model)
        deployed = Deployed(file)
        shape = Shape.of(deployed, file)
        content, form = make(model, file, deployed, shape)
        run = _program(content) if out.suffix == ".pt2" else _session(content)
        difference = None if run is None else compare(model, file, shape, run)
        with replacing(out) as temporary:
            temporary.write_bytes(content)
    return Exported(form, len(content), shape, tuple(example(file, shape.smallest)), difference)


def compare(model: Path, file: ModelFile, shape: Shape, run: Run) -> Difference:
    """How far an exported model is from the network, over a batch of three of a size that was not traced.

    Raises:
        ModelFileError: by more than `TOLERANCE`.
    """
    inputs = example(file, shape.another, batch=3, seed=1)
    expected = _expected(file, inputs)
    photo, image = run({name: tensor.numpy() for name, tensor in inputs.items()})
    difference = float(np.abs(image - expected.numpy()).max())
    if not difference <= TOLERANCE:  # so that what is no number is refused, too
        raise ModelFileError(
            f"{model}: the exported network differs from it by {difference:.2g}, more than {TOLERANCE}; "
            "its weights are too large for it to be computed reliably"
        )
    apart = np.abs(photo.astype(np.int16) - levels(expected).numpy())
    return Difference(difference, int(apart.max()))


def _expected(file: ModelFile, inputs: Mapping[str, Tensor]) -> Tensor:
    layout = make_layout(inputs["labels"].long(), file.class_table.n_labels, inputs.get("instances"))
    with torch.inference_mode():
        image: Tensor = build_generator(file)(layout, inputs.get("style"))
    return image


def _as_onnx(model: Path, file: ModelFile, deployed: Deployed, shape: Shape) -> tuple[bytes, str]:
    from ccfpse.exporting.onnx_graph import OPSET, to_onnx

    n_bytes = sum(tensor.numel() * 4 for tensor in deployed.state_dict().values())
    if n_bytes > _MOST_ONNX_BYTES:
        raise ModelFileError(
            f"{model}: has {n_bytes / 2**30:.1f} GiB of weights, ONNX files hold 2; export to .pt2"
        )
    sides: list[int | str] = ["height", "width"] if shape.multiple else list(shape.size)
    maps: list[int | str] = ["batch", *sides]
    shapes: dict[str, list[int | str]] = {
        "labels": maps,
        "instances": maps,
        "style": ["batch", file.style_dim or 0],
        "photo": [*maps, 3],
        "image": ["batch", 3, *sides],
    }
    made = to_onnx(_traced(deployed, file, shape), OUTPUTS, shapes, description(model, file, shape))
    return made.SerializeToString(deterministic=True), f"ONNX, opset {OPSET}"


def _as_program(model: Path, file: ModelFile, deployed: Deployed, shape: Shape) -> tuple[bytes, str]:
    # Upper bounds, since older versions of PyTorch suspect every guard of the largest number there is.
    batch = Dim("batch", min=1, max=_LARGEST)
    free: dict[int, Any] = {0: batch}
    if shape.multiple:
        least = shape.smallest_side // shape.multiple
        rows, columns = (Dim(name, min=least, max=_LARGEST) for name in ("rows", "columns"))
        free |= {1: shape.multiple * rows, 2: shape.multiple * columns}
    inputs = example(file, shape.smallest)
    dynamic = {name: {0: batch} if name == "style" else free for name in inputs}
    buffer = io.BytesIO()
    described = {f"{METADATA}.json": json.dumps(description(model, file, shape))}
    torch.export.save(_traced(deployed, file, shape, dynamic), buffer, extra_files=described)
    return buffer.getvalue(), f"torch.export program of torch {torch.__version__}"


def _traced(
    deployed: Deployed, file: ModelFile, shape: Shape, dynamic: dict[str, Any] | None = None
) -> ExportedProgram:
    with torch.no_grad():
        return torch.export.export(
            deployed, (), kwargs=example(file, shape.smallest), dynamic_shapes=dynamic, strict=False
        )


def description(model: Path, file: ModelFile, shape: Shape) -> dict[str, Any]:
    """What an exported file says of itself: plain lists, numbers and text."""
    inputs = example(file, shape.smallest)
    return {
        "made_by": f"ccfpse {metadata.version('ccfpse')}",
        "model_sha256": sha256_file(model),
        "generator": file.model.generator,
        "size": list(file.size),
        "other_sizes": {"multiples_of": shape.multiple, "at_least": shape.smallest_side}
        if shape.multiple
        else None,
        "inputs": {name: INPUTS[name] for name in inputs},
        "outputs": OUTPUTS,
        "classes": list(file.class_table.names),
        "class_table": file.class_table.to_dict(),
    }


def _session(content: bytes) -> Run | None:
    """An ONNX model in onnxruntime, where that is installed."""
    if not _is_installed("onnxruntime"):
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(inputs: Arrays) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        photo, image = session.run(list(OUTPUTS), inputs)
        return photo, image

    return run


def _program(content: bytes) -> Run:
    """A program that we have just made; one from elsewhere would be code from a stranger."""
    module = torch.export.load(io.BytesIO(content)).module()

    def run(inputs: Arrays) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        with torch.inference_mode():
            photo, image = module(**{name: torch.from_numpy(array) for name, array in inputs.items()})
        return photo.numpy(), image.numpy()

    return run


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
