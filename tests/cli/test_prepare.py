"""`ccfpse prepare` and `ccfpse scan`: which settings, what is printed, and exit codes."""

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from ccfpse.config import preset_text
from ccfpse.prepared import open_store
from ccfpse_cli.main import app


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with ADE20K's raw data in `raw`: two photos for training, one for validation."""
    for split, names in (("training", ("a", "b")), ("validation", ("c",))):
        for kind in ("images", "annotations"):
            (tmp_path / "raw" / kind / split).mkdir(parents=True)
        for name in names:
            Image.new("RGB", (30, 30)).save(tmp_path / f"raw/images/{split}/{name}.jpg")
            Image.new("L", (30, 30), 1).save(tmp_path / f"raw/annotations/{split}/{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ccfpse(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_a_preset_prepares_what_the_options_name(folder: Path) -> None:
    ended = ccfpse("prepare", "ade20k", "--source", "raw", "--out", "store")
    assert ended.exit_code == 0
    assert "settings of ade20k from the preset ade20k, raw data in raw" in ended.stdout
    assert "store: 2 for train and 1 for val" in ended.stdout
    assert len(open_store(folder / "store").split("train")) == 2
    assert ccfpse("prepare", "ade20k", "--source", "raw", "--out", "store").stdout.endswith("verified\n")


def test_params_yaml_says_where_from_and_where_to(folder: Path) -> None:
    text = preset_text("ade20k").replace("data/raw/ade20k", "raw")
    (folder / "params.yaml").write_text(text)
    assert ccfpse("scan").exit_code == 0
    assert len(json.loads((folder / "outputs/ade20k/raw.json").read_text())["files"]) == 6
    ended = ccfpse("prepare")
    assert ended.exit_code == 0
    assert "from params.yaml" in ended.stdout
    assert open_store(folder / "data/prepared/ade20k").name == "ade20k"


def test_a_bad_file_ends_with_a_sentence_and_2(folder: Path) -> None:
    (folder / "raw/images/training/a.jpg").write_text("no picture")
    ended = ccfpse("prepare", "ade20k", "--source", "raw", "--out", "store")
    assert ended.exit_code == 2
    assert [line for line in ended.stderr.splitlines() if line.startswith("error: ")] == [
        "error: raw/images/training/a.jpg: is not a picture "
        "(JPEG, PNG, WebP, BMP, TIFF and PPM can be read); "
        "it must be put right, or left out with --skip-bad"
    ]
    assert not (folder / "store").exists()


def test_skip_bad_lists_what_it_leaves_out_and_ends_well(folder: Path) -> None:
    (folder / "raw/images/training/a.jpg").write_text("no picture")
    ended = ccfpse("prepare", "ade20k", "--source", "raw", "--out", "store", "--skip-bad")
    assert ended.exit_code == 0
    assert "1 file was left out:\n  images/training/a.jpg: is not a picture" in ended.stderr
    assert "store: 1 for train and 1 for val" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prepare", "mapillary"), "mapillary is not a data set"),
        (("prepare",), "params.yaml: cannot be read"),
        (("prepare", "ade20k", "--source", "nowhere"), "nowhere: there is no such folder or archive"),
        (("prepare", "camvid", "--source", "raw"), "raw: nothing of camvid's train split"),
        (("prepare", "ade20k", "--source", "raw", "--out", "raw"), "raw: holds files but no prepared store"),
        (("scan",), "params.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_2(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    ended = ccfpse(*arguments)
    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"error: {message}")
    assert len(ended.stderr.splitlines()) == 1
