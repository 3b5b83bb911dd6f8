"""Exported programs: opened only with trust, refused where they are no segmenters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from ccfpse.errors import ModelFileError
from ccfpse.files import sha256_file
from ccfpse.labelspace import ClassTable
from ccfpse.segmenters.program import ProgramSegmenter

CPU = torch.device("cpu")
HALVES = ({2: 2 * Dim("rows", min=2, max=512), 3: 2 * Dim("columns", min=2, max=512)},)
DYNAMIC = ({2: Dim("height", min=4, max=1024), 3: Dim("width", min=4, max=1024)},)


class BrightestChannel(nn.Module):
    """The class of a pixel is its brightest colour, seen at half the size."""

    def forward(self, pixels: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(pixels.float(), 2)


class Shifted(nn.Module):
    """Weights, buffers and a tensor made on the way, as networks have."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 3, padding=1)
        self.register_buffer("mean", torch.ones(3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        scores: Tensor = self.mix(pixels / 255 - self.mean)
        return scores + torch.ones(3, 1, 1, device=pixels.device)


class Flat(nn.Module):
    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.float().mean((2, 3))


class TwoOutputs(nn.Module):
    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return pixels.float(), pixels.float()


def export(path: Path, network: nn.Module, example: Tensor, dynamic_shapes: Any = None) -> Path:
    torch.export.save(torch.export.export(network, (example,), dynamic_shapes=dynamic_shapes), path)
    return path


def photo(height: int, width: int, n: int = 1) -> Tensor:
    """Left half green, right half red."""
    pixels = torch.zeros(n, 3, height, width, dtype=torch.uint8)
    pixels[:, 1, :, : width // 2] = 200
    pixels[:, 0, :, width // 2 :] = 200
    return pixels


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return export(tmp_path / "net.pt2", BrightestChannel(), photo(8, 8), HALVES)


def test_without_trust_nothing_is_opened(tmp_path: Path, table: ClassTable) -> None:
    with pytest.raises(ModelFileError, match=r"runs its author's code .*--trust-program"):
        ProgramSegmenter(tmp_path / "absent.pt2", table, CPU, trust_program=False)


def test_photos_of_any_size_and_number_are_read(program: Path, table: ClassTable) -> None:
    segmenter = ProgramSegmenter(program, table, CPU, trust_program=True)
    for height, width in ((8, 8), (12, 20)):
        ids = segmenter.read(photo(height, width, n=2))
        assert (ids.shape, ids.dtype) == ((2, height, width), torch.int64)
        assert (ids[:, :, : width // 2 - 1] == 1).all()
        assert (ids[:, :, width // 2 + 1 :] == 0).all()


def test_a_program_runs_on_another_device_than_the_one_it_was_exported_on(
    tmp_path: Path, table: ClassTable
) -> None:
    path = export(tmp_path / "net.pt2", Shifted().eval(), photo(8, 8), DYNAMIC)
    segmenter = ProgramSegmenter(path, table, torch.device("meta"), trust_program=True)
    ids = segmenter.read(photo(8, 12))  # the meta device computes shapes, and is there on every machine
    assert (ids.device.type, ids.shape) == ("meta", (1, 8, 12))


def test_classes_are_those_of_the_data_set_unless_listed(program: Path, table: ClassTable) -> None:
    segmenter = ProgramSegmenter(program, table, CPU, trust_program=True)
    assert segmenter.class_names == ("class 0", "class 1", "class 2")
    assert [(file.name, file.sha256) for file in segmenter.files] == [("net.pt2", sha256_file(program))]
    (program.parent / "net.classes.txt").write_text("sky\n tree\nroad\n\n", "utf-8")
    segmenter = ProgramSegmenter(program, table, CPU, trust_program=True)
    assert segmenter.class_names == ("sky", "tree", "road")
    assert [file.name for file in segmenter.files] == ["net.pt2", "net.classes.txt"]


def test_another_number_of_classes_is_refused(program: Path, table: ClassTable) -> None:
    (program.parent / "net.classes.txt").write_text("sky\ntree\n", "utf-8")
    with pytest.raises(ModelFileError, match=r"scores 3 classes, but .*net\.classes\.txt has 2"):
        ProgramSegmenter(program, table, CPU, trust_program=True)
    (program.parent / "net.classes.txt").unlink()
    less = ClassTable("less", table.classes[:2], False, (), ())
    with pytest.raises(ModelFileError, match=r"scores 3 classes, but less, .* has 2; name its classes"):
        ProgramSegmenter(program, less, CPU, trust_program=True)


def test_a_program_of_one_size_refuses_photos_of_another(tmp_path: Path, table: ClassTable) -> None:
    path = export(tmp_path / "net.pt2", BrightestChannel(), photo(8, 12))
    segmenter = ProgramSegmenter(path, table, CPU, trust_program=True)
    assert segmenter.read(photo(8, 12, n=2)).shape == (2, 8, 12)
    with pytest.raises(ModelFileError, match="was exported for photos of 8x12 and fails on one of 16x16"):
        segmenter.read(photo(16, 16))


def test_a_size_beyond_the_exported_range_is_refused(program: Path, table: ClassTable) -> None:
    segmenter = ProgramSegmenter(program, table, CPU, trust_program=True)
    with pytest.raises(
        ModelFileError, match=r"for photos of a range of sizes and fails on one of 2x2 \(\w+\); export it"
    ):
        segmenter.read(photo(2, 2))


def wrong(path: Path, what: str) -> Path:
    examples: dict[str, tuple[nn.Module, Tensor]] = {
        "float": (BrightestChannel(), photo(8, 8).float()),
        "one channel": (BrightestChannel(), photo(8, 8)[:, :1]),
        "fixed batch": (BrightestChannel(), photo(8, 8, n=2)),
        "flat": (Flat(), photo(8, 8)),
        "two outputs": (TwoOutputs(), photo(8, 8)),
    }
    return export(path, *examples[what])


@pytest.mark.parametrize("what", ["float", "one channel", "fixed batch", "flat", "two outputs"])
def test_programs_that_take_or_return_something_else_are_refused(
    what: str, tmp_path: Path, table: ClassTable
) -> None:
    with pytest.raises(ModelFileError, match="is not a segmenter; a program takes one tensor, photos as RGB"):
        ProgramSegmenter(wrong(tmp_path / "net.pt2", what), table, CPU, trust_program=True)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:300]),
    "text": lambda path: path.write_text("program"),
    "weights": lambda path: torch.save({"a": torch.zeros(1)}, path),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_files_that_are_no_programs_are_refused(damage: str, program: Path, table: ClassTable) -> None:
    DAMAGES[damage](program)
    with pytest.raises(ModelFileError, match=r"net\.pt2: is not a program of torch\.export") as caught:
        ProgramSegmenter(program, table, CPU, trust_program=True)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path, table: ClassTable) -> None:
    with pytest.raises(ModelFileError, match=r"net\.pt2: cannot be opened"):
        ProgramSegmenter(tmp_path / "net.pt2", table, CPU, trust_program=True)
