"""Exported models against the networks they were made from."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch

import ccfpse
from ccfpse.errors import ModelFileError, SettingsError
from ccfpse.exporting import export as exporting
from ccfpse.exporting.deployed import Deployed, Shape, example
from ccfpse.exporting.export import export_model
from ccfpse.layout import make_layout
from ccfpse.modelfile import load_model
from tests.exporting.models import KINDS, write_model

QUICK = ("pix2pixhd", "spade with style", "learned kernels")
LONG = ("large kernels", "ccfpse with style", "ccfpse with six doublings", "spade")
"""They differ from others only in sizes: tests/soak/test_export.py has them."""


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs_of(path: Path, batch: int, size: tuple[int, int]) -> dict[str, npt.NDArray[Any]]:
    return {name: t.numpy() for name, t in example(load_model(path), size, batch, seed=7).items()}


def photos(path: Path, inputs: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
    """By the model itself."""
    model = ccfpse.load(path, device="cpu")
    instances = inputs.get("instances", inputs["labels"].astype(np.int32))
    return model.generate(inputs["labels"], instances, inputs.get("style"))


def check(expected: npt.NDArray[np.uint8], photo: npt.NDArray[np.uint8], image: npt.NDArray[Any]) -> None:
    assert expected.std() > 10  # or anything would be near
    assert photo.dtype == np.uint8
    assert photo.shape == expected.shape
    assert np.abs(photo.astype(int) - expected).max() <= 1
    # Rounding to levels hides half a level.
    assert np.abs((image.transpose(0, 2, 3, 1) + 1) * 127.5 - expected).max() <= 0.5 + 1e-3 * 127.5


def free_size(path: Path) -> tuple[int, int]:
    """Another one than was traced and than export compares, where sizes are free."""
    file = load_model(path)
    shape = Shape.of(Deployed(file), file)
    return file.size if shape.multiple is None else (shape.multiple * 2, shape.multiple * 4)


@pytest.mark.parametrize(
    "kind",
    [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in KINDS if k not in LONG],
)
def test_onnx_gives_the_photos_of_every_kind_of_generator(kind: str, tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", **KINDS[kind])
    made = export_model(path, tmp_path / "photos.onnx")
    assert made.difference is not None
    assert made.difference.image <= 1e-3
    for batch in (1, 3):
        inputs = inputs_of(path, batch, free_size(path))
        photo, image = session(tmp_path / "photos.onnx").run(["photo", "image"], inputs)
        check(photos(path, inputs), photo, image)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["small kernels", "spade with style"])
def test_a_program_gives_the_photos_when_it_is_loaded_again(kind: str, tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", **KINDS[kind])
    export_model(path, tmp_path / "photos.pt2")
    extra = {"ccfpse.json": ""}
    program = torch.export.load(tmp_path / "photos.pt2", extra_files=extra).module()
    for batch in (1, 3):
        inputs = inputs_of(path, batch, free_size(path))
        photo, image = program(**{name: torch.from_numpy(array) for name, array in inputs.items()})
        check(photos(path, inputs), photo.numpy(), image.numpy())
    assert json.loads(extra["ccfpse.json"])["classes"] == ["class 0", "class 1", "class 2", "don't care"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the smallest of them."""
    folder = tmp_path_factory.mktemp("exported")
    path = write_model(folder / "model.safetensors", **KINDS["learned kernels"])
    export_model(path, folder / "photos.onnx")
    return folder


def test_the_file_says_what_goes_in_and_what_comes_out(exported: Path) -> None:
    model = onnx.load(exported / "photos.onnx")
    (said,) = [json.loads(prop.value) for prop in model.metadata_props if prop.key == "ccfpse"]
    assert said["size"] == [64, 96]
    assert said["other_sizes"] == {"multiples_of": 32, "at_least": 32}
    assert said["class_table"]["classes"][1]["raw"] == 10
    assert said["inputs"].keys() == {"labels", "instances"}
    shapes = {i.name: (i.type, i.shape) for i in session(exported / "photos.onnx").get_inputs()}
    maps = ["batch", "height", "width"]
    assert shapes == {"labels": ("tensor(uint8)", maps), "instances": ("tensor(int32)", maps)}


def test_the_operations_are_standard_ones(exported: Path) -> None:
    model = onnx.load(exported / "photos.onnx")
    assert {node.domain for node in model.graph.node} == {""}
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert not model.functions


def test_the_same_model_gives_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    export_model(exported / "model.safetensors", tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == (exported / "photos.onnx").read_bytes()


def test_a_class_id_that_the_model_does_not_have_is_refused(exported: Path) -> None:
    inputs = inputs_of(exported / "model.safetensors", 1, (64, 64))
    inputs["labels"][0, 5, 5] = 4
    with pytest.raises(Exception, match="idx=4 must be within"):
        session(exported / "photos.onnx").run(["photo"], inputs)


def test_boundaries_are_those_of_training(exported: Path) -> None:
    file = load_model(exported / "model.safetensors")
    seen: list[torch.Tensor] = []
    deployed = Deployed(file)
    deployed.generator.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    inputs = example(file, (64, 64))
    deployed(**inputs)
    expected = make_layout(inputs["labels"].long(), file.class_table.n_labels, inputs["instances"])
    assert 0 < expected[:, -1].mean() < 1
    assert torch.equal(seen[0], expected)


def test_weights_that_cannot_be_computed_with_leave_no_file(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", **KINDS["learned kernels"])
    file = load_model(path)
    file.weights["generator.to_rgb.bias"] += torch.nan
    from ccfpse.modelfile import save_model

    save_model(path, file)
    with pytest.raises(ModelFileError, match="exported network differs"):
        export_model(path, tmp_path / "photos.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_another_ending_is_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ends with \.onnx or \.pt2"):
        export_model(exported / "model.safetensors", tmp_path / "photos.pb")


def test_without_onnx_it_says_what_to_install(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_is_installed", lambda package: False)
    with pytest.raises(SettingsError, match=r"pip install 'ccfpse\[export\]'"):
        export_model(exported / "model.safetensors", tmp_path / "photos.onnx")


def test_without_onnxruntime_nothing_is_claimed(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_is_installed", lambda package: package != "onnxruntime")
    assert export_model(exported / "model.safetensors", tmp_path / "photos.onnx").difference is None


def test_the_documents_fifteen_lines_work(exported: Path, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/deployment.md").read_text("utf-8")
    (code,) = [block.split("```")[0] for block in text.split("```python\n")[1:] if "onnxruntime" in block]
    assert len(code.splitlines()) <= 15
    (tmp_path / "photos.onnx").write_bytes((exported / "photos.onnx").read_bytes())
    ids = np.repeat(np.repeat(np.array([[0, 10], [20, 255]], np.uint8), 32, 0), 48, 1)
    from PIL import Image

    Image.fromarray(ids).save(tmp_path / "layout.png")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    expected = ccfpse.load(exported / "model.safetensors").synthesize(ids, as_arrays=True)
    found = np.asarray(Image.open(io.BytesIO((tmp_path / "photo.png").read_bytes())))
    assert np.abs(found.astype(int) - expected).max() <= 1
