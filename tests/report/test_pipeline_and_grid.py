"""The pages that `params.yaml` names: of the pipeline, with curves and settings, and of the grid."""

import dataclasses
from pathlib import Path

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from ccfpse.compare.grid import cells_of
from ccfpse.config import Settings, load_settings
from ccfpse.errors import DataError
from ccfpse.report.curves import POINTS, read_panels, thin
from ccfpse_cli.main import app
from tests.report.evaluations import write_evaluation
from tests.report.test_page import Seen


def write_log(folder: Path, name: str, values: list[float]) -> None:
    path = folder / "plots" / "metrics" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{10 * (i + 1)}\t{value}" for i, value in enumerate(values)]
    path.write_text("\n".join([f"step\t{name}", *rows]) + "\n")


@pytest.fixture
def settings(params: Path) -> Settings:
    content = yaml.safe_load(params.read_text("utf-8"))
    content["compare"] |= {"run": ["ccfpse-fpse", "spade-fpse"], "seeds": [1, 2]}
    params.write_text(yaml.safe_dump(content))
    return load_settings(params)


def test_the_pipelines_page_has_curves_and_settings(settings: Settings, params: Path) -> None:
    write_evaluation(Path(settings.paths.evaluation))
    write_log(Path(settings.paths.training) / "log", "hinge", [3.0, 2.0, float("nan"), 1.0])
    ended = CliRunner().invoke(app, ["report", "--params", str(params)])
    assert ended.exit_code == 0, ended.output
    page = (Path(settings.paths.report) / "index.html").read_text("utf-8")
    seen = Seen(page)
    assert seen.text.count("ccfpse-fpse") >= 1
    [line] = seen.tags("polyline")
    assert len((line["points"] or "").split()) == 3
    assert "hinge last 1.00" in seen.text
    assert "discriminator_width: 2" in seen.text
    assert [a for a in seen.tags("details") if "open" in a] == []
    assert "runtime:" not in seen.text
    assert "prepared:" not in seen.text


def test_without_a_log_the_page_says_so(settings: Settings, params: Path) -> None:
    write_evaluation(Path(settings.paths.evaluation))
    assert CliRunner().invoke(app, ["report", "--params", str(params)]).exit_code == 0
    page = (Path(settings.paths.report) / "index.html").read_text("utf-8")
    assert "There is no log of a training." in page


def test_the_grids_page_has_all_cells_and_the_table(settings: Settings, params: Path) -> None:
    for variant in settings.compare.run:
        for cell in cells_of(settings, variant):
            miou = 0.5 if variant == "ccfpse-fpse" else 0.4
            write_evaluation(cell.folder(settings, "evaluation"), miou=miou, seed=cell.seed)
            write_log(cell.folder(settings, "training") / "log", "hinge", [1.0, 2.0])
    table = Path(settings.paths.compare) / "table"
    refused = CliRunner().invoke(app, ["report", "--grid", "--params", str(params)])
    assert (refused.exit_code, "`ccfpse compare` makes it" in refused.output) == (2, True)
    table.mkdir()
    (table / "table.md").write_text("| variant | mIoU |\n| --- | --- |\n| real photos |  |\n\n- Two seeds.\n")
    for name in ("table.png", "pictures.png"):
        Image.new("RGB", (60, 40)).save(table / name)
    ended = CliRunner().invoke(app, ["report", "--grid", "--params", str(params)])
    assert ended.exit_code == 0, ended.output
    seen = Seen((Path(settings.paths.compare) / "report" / "index.html").read_text("utf-8"))
    for run in ("ccfpse-fpse-1", "ccfpse-fpse-2", "spade-fpse-1", "spade-fpse-2"):
        assert run in seen.text
    assert "variant mIoU real photos Two seeds." in seen.text
    assert len(seen.tags("img")) == 5
    lines = [line.get("class") for line in seen.tags("polyline")]
    assert lines == [None, None, None, "first"]  # the first run's on top


def test_long_series_are_thinned_to_means(tmp_path: Path) -> None:
    points = [(float(i), float(i % 2)) for i in range(1000)]
    thinned = thin(points)
    assert len(thinned) == POINTS
    assert thinned[0] == (2.0, 0.4)
    assert thin(points[:POINTS]) == points[:POINTS]


@pytest.mark.parametrize("text", ["", "step\tother\n1\t2\n", "step\thinge\n1\n", "step\thinge\n1\tx\n"])
def test_a_damaged_series_is_named(tmp_path: Path, text: str) -> None:
    write_log(tmp_path, "hinge", [])
    (tmp_path / "plots/metrics/hinge.tsv").write_text(text)
    with pytest.raises(DataError, match=r"hinge\.tsv: is no series of a training log"):
        read_panels({"run": tmp_path})


def test_a_constant_series_is_a_level_line(tmp_path: Path) -> None:
    write_log(tmp_path, "hinge", [1.0, 1.0])
    [panel] = read_panels({"run": tmp_path})
    assert {point.split(",")[1] for point in panel.lines[0].points.split()} == {"60.0"}
    assert dataclasses.astuple(panel)[2:] == (1.0, 1.0, 20)
