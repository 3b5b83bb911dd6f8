"""The table of a grid: figures, files, and what is said about their conditions."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from ccfpse.compare.collect import as_cells, collect
from ccfpse.compare.grid import Cell
from ccfpse.compare.timing import seconds_per_step
from ccfpse.config import Settings, load_settings
from ccfpse.errors import DataError
from ccfpse.variants import cell_settings, variant_model
from ccfpse_cli.main import app

SCORES = {
    ("ccfpse-fpse", 1): 0.4,
    ("ccfpse-fpse", 2): 0.6,
    ("spade-patchgan", 1): 0.3,
    ("spade-patchgan", 2): 0.3,
}


@pytest.fixture
def grid(params: Path, store: Path) -> Settings:
    """Settings of a grid of two variants and two seeds, and what its cells left."""
    assert CliRunner().invoke(app, ["loss-network", "--params", str(params)]).exit_code == 0
    settings = load_settings(params)
    compare = dataclasses.replace(
        settings.compare, run=("ccfpse-fpse", "spade-patchgan"), seeds=(1, 2), steps=7, pictures=2
    )
    settings = dataclasses.replace(settings, compare=compare)
    for (variant, seed), miou in SCORES.items():
        cell = Cell(variant, seed)
        metrics = {
            "miou": miou,
            "accuracy": miou + 0.2,
            "frechet_judge_features": 2 - miou,
            "fid": None,
            "photos": 2,
            "protocol": "judge",
            "real": {"miou": 0.7, "accuracy": 0.9},
            "judge_too_weak": False,
            "judge_floor": 0.5,
        }
        folder = cell.folder(settings, "evaluation")
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        for name in ("town/a", "town/b"):
            path = cell.folder(settings, "photos") / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 32), (seed * 60, 0, 0)).save(path)
    return settings


def quiet(done: int, total: int, note: str = "") -> None:
    pass


def test_means_deviations_and_real_photos(grid: Settings) -> None:
    table = collect(grid, quiet)
    ours, theirs = table.rows
    assert (ours.variant, theirs.variant) == ("ccfpse-fpse", "spade-patchgan")
    assert ours.mean("miou") == pytest.approx(0.5)
    assert ours.deviation("miou") == pytest.approx(0.02**0.5)
    assert theirs.deviation("miou") == pytest.approx(0)
    assert table.scores == ["miou", "accuracy", "frechet_judge_features"]  # no FID without its weights
    assert table.real == {"miou": 0.7, "accuracy": 0.9}
    assert ours.parameters != theirs.parameters
    assert min(ours.seconds_per_step, theirs.seconds_per_step) > 0

    out = Path(grid.paths.compare) / "table"
    with (out / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["variant"] for row in rows] == ["ccfpse-fpse", "spade-patchgan", "real photos"]
    assert float(rows[0]["miou"]) == pytest.approx(0.5)
    assert float(rows[2]["miou"]) == pytest.approx(0.7)
    assert rows[2]["frechet_judge_features"] == ""
    markdown = (out / "table.md").read_text("utf-8")
    assert "| ccfpse-fpse | 0.500 ± 0.141 |" in markdown
    for said in ("7 steps of 2 photos", "seeds 1, 2", "2 validation photos", "several times the spread"):
        assert said in markdown
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    assert metrics["spade-patchgan"]["miou"] == {"mean": pytest.approx(0.3), "deviation": pytest.approx(0)}
    for name in ("table.png", "pictures.png"):
        with Image.open(out / name) as picture:
            picture.load()


def test_one_seed_has_no_deviation(grid: Settings) -> None:
    one = dataclasses.replace(grid, compare=dataclasses.replace(grid.compare, seeds=(1,)))
    table = collect(one, quiet)
    assert table.rows[0].deviation("miou") is None
    assert as_cells(table)[1][1] == "0.400"


def test_a_cell_that_has_not_run_is_named(grid: Settings) -> None:
    folder = Cell("spade-patchgan", 2).folder(grid, "evaluation")
    shutil.rmtree(folder)
    with pytest.raises(DataError, match=r"spade-patchgan-2/metrics\.json: cannot be read.*`ccfpse compare`"):
        collect(grid, quiet)
    assert not (Path(grid.paths.compare) / "table").exists()


def test_every_variant_is_timed(grid: Settings) -> None:
    seen = []
    found = seconds_per_step(grid, lambda done, total, note="": seen.append((done, total)))
    assert list(found) == ["ccfpse-fpse", "spade-patchgan"]
    assert seen == [(i, 6) for i in range(7)]


def test_a_cell_has_its_own_budget_and_seed(grid: Settings) -> None:
    cell = cell_settings(grid, "spade-patchgan", 5)
    assert (cell.model.generator, cell.model.discriminator) == ("spade", "patchgan")
    assert (cell.train.seed, cell.train.steps, cell.train.decay_start) == (5, 7, 4)
    assert dataclasses.replace(cell, model=grid.model, train=grid.train) == grid


def test_a_variant_leaves_switches_that_its_generator_has_not(grid: Settings) -> None:
    local = dataclasses.replace(grid, model=dataclasses.replace(grid.model, context="local"))
    assert variant_model(local, "spade-fpse").context == "pyramid"
    assert variant_model(local, "ccfpse-fpse").context == "local"
    assert variant_model(local, "no-attention").attention is False
