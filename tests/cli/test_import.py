"""`ccfpse import`: arguments become one call, refusals one sentence."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from ccfpse.modelfile import load_model
from ccfpse.models import ConditionalGenerator
from ccfpse.published_names import generator_names
from ccfpse_cli.main import app

CASE = Path(__file__).resolve().parents[1] / "parity" / "cases" / "generator-coco-novae" / "case.json"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    entries = json.loads(CASE.read_text("utf-8"))["keys"]["G"]
    names = generator_names(entries)
    state = ConditionalGenerator(184, width=2, predictor_width=3, n_doublings=5).state_dict()
    path = tmp_path / "100_net_G.pth"
    torch.save({entry: state[ours] for entry, ours in names.items()}, path)
    return path


def test_a_published_generator_becomes_a_model_file(published: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.safetensors"
    arguments = ["import", "--generator", str(published), "--dataset", "coco-stuff", "--out", str(out)]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 0, ended.output
    assert f"wrote {out}: coco-stuff, 256x256" in ended.output
    model = load_model(out)
    assert (model.class_table.name, model.n_layout, model.model.style) == ("coco-stuff", 184, False)


@pytest.mark.parametrize("dataset", ["cityscapes", "camvid"])
def test_the_wrong_data_set_is_one_sentence_and_exit_code_2(
    published: Path, tmp_path: Path, dataset: str
) -> None:
    out = tmp_path / "model.safetensors"
    arguments = ["import", "--generator", str(published), "--dataset", dataset, "--out", str(out)]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert dataset in ended.stderr
    assert not out.exists()
