"""docs/questions.md: what it quotes is what commands say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ccfpse_cli.main import app

QUESTIONS = (Path(__file__).parents[2] / "docs/questions.md").read_text("utf-8")


def odd_value(folder: Path) -> None:
    labels = np.full((32, 64), 10, np.uint8)
    labels[3, 4] = 77
    Image.fromarray(labels).save(folder / "a.png")


def odd_colour(folder: Path) -> None:
    labels = np.zeros((32, 64, 3), np.uint8)
    labels[:] = (50, 100, 200)
    labels[0, 0] = (127, 64, 128)
    Image.fromarray(labels).save(folder / "a.png")


def jpeg(folder: Path) -> None:
    Image.fromarray(np.zeros((32, 64), np.uint8)).save(folder / "a.jpg")


@pytest.mark.parametrize(
    ("spoil", "quoted"),
    [
        (odd_value, "value 77 (1 pixel) is not in the class table"),
        (odd_colour, "colour #7f4080 (1 pixel) is not in the class table"),
        (jpeg, "holds no label maps (.png, .bmp, .tif, .tiff)"),
    ],
)
def test_a_quoted_error_is_what_the_command_says(
    spoil: Callable[[Path], None], quoted: str, tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    spoil(folder)
    command = ["synthesize", str(folder), str(tmp_path / "out"), "--model", str(make_model())]
    ended = CliRunner().invoke(app, command)
    assert ended.exit_code == 2
    assert quoted in ended.stderr
    assert quoted in QUESTIONS


def test_a_gpu_that_is_not_there_is_told_in_one_sentence(
    tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    Image.fromarray(np.full((32, 64), 10, np.uint8)).save(folder / "a.png")
    command = ["synthesize", str(folder), str(tmp_path / "out"), "--model", str(make_model())]
    ended = CliRunner().invoke(app, [*command, "--device", "cuda:99"])
    assert (ended.exit_code, len(ended.stderr.splitlines())) == (2, 1)
    assert "device cuda:99 cannot be used here" in ended.stderr
