"""`dvc.yaml` against the code and the settings: what decides a stage's result is among its dependencies."""

import dataclasses
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from ccfpse.config import Settings
from ccfpse.evaluation.inputs import CODE as EVALUATING
from ccfpse.sections import PathSettings
from ccfpse.training.runs import CODE

ROOT = Path(__file__).parents[1]
FILES = ("dvc.yaml", "compare/dvc.yaml")
STAGES: dict[str, dict[str, Any]] = {
    f"{file.removesuffix('dvc.yaml')}{name}": stage
    for file in FILES
    for name, stage in yaml.safe_load((ROOT / file).read_text("utf-8"))["stages"].items()
}

# Where the library's work of a stage begins. `scan` always runs.
BEGINS = {
    "prepare": "ccfpse.preparing",
    "judge": "ccfpse.judge",
    "loss-network": "ccfpse.loss_network",
    "train": "ccfpse.training",
    "synthesize": "ccfpse.synthesis",
    "evaluate": "ccfpse.evaluation",
    "report": "ccfpse.report",
    "compare/train": ("ccfpse.training", "ccfpse.variants"),
    "compare/synthesize": "ccfpse.synthesis",
    "compare/evaluate": "ccfpse.evaluation",
    "compare/table": "ccfpse.compare",
}

# They carry values, files and messages, and decide nothing about a result.
CARRIERS = (
    *("config", "sections", "strict", "errors", "caches", "workers", "device"),
    *("files", "flock", "lockfile", "placing", "outputlock", "opening", "yamltext", "notebook"),
)


def carries(module: str) -> bool:
    return module == "ccfpse" or module.split(".")[1] in CARRIERS


def modules(path: Path) -> set[str]:
    files = path.rglob("*.py") if path.is_dir() else [path]
    dotted = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files if file.suffix == ".py"
    }
    return {name.removesuffix(".__init__") for name in dotted}


def test_a_run_goes_on_from_the_work_of_no_other_code() -> None:
    """Only what scores the curves and what makes the loss network, an input, may change."""
    listed = {path.removeprefix("ccfpse/") for path in STAGES["train"]["deps"] if path.startswith("ccfpse/")}
    scores = {"judge.py", "judge_network.py", "scores.py", "segmentation.py", "pictures.py"}
    loss = {"loss_network.py", "small_loss_network.py", "weightsfile.py"}
    assert listed - set(CODE) == scores | loss
    assert set(CODE) <= listed


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("ccfpse", exclude_type_checking_imports=True, cache_dir=None)


@pytest.mark.parametrize("stage", BEGINS)
def test_all_source_that_a_stage_uses_is_among_its_dependencies(
    stage: str, imports: grimp.ImportGraph
) -> None:
    begins = (BEGINS[stage],) if isinstance(BEGINS[stage], str) else BEGINS[stage]
    inside = {module for begin in begins for module in (begin, *imports.find_descendants(begin))}
    used = inside | {m for one in inside for m in imports.find_upstream_modules(one)}
    listed = {m for path in STAGES[stage]["deps"] if "${" not in path for m in modules(ROOT / path)}
    assert sorted(module for module in used - listed if not carries(module)) == []


def test_source_dependencies_exist() -> None:
    paths = {path for stage in STAGES.values() for path in stage.get("deps", []) if "${" not in path}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_section_but_paths_and_runtime_is_tracked_as_a_whole() -> None:
    tracked = {
        section for stage in STAGES.values() for section in stage.get("params", []) if "." not in section
    }
    assert tracked == {field.name for field in dataclasses.fields(Settings)} - {"paths", "runtime"}


def test_every_path_of_the_settings_is_an_output() -> None:
    outputs = str([stage.get(kind) for stage in STAGES.values() for kind in ("outs", "metrics", "plots")])
    assert [f.name for f in dataclasses.fields(PathSettings) if f"${{paths.{f.name}}}" not in outputs] == []


def test_a_cell_of_the_grid_depends_on_its_own_variant() -> None:
    params = STAGES["compare/train"]["params"]
    assert {"compare.variants.${item.variant}", "compare.steps"} <= set(params)
    assert "compare" not in params  # or another variant's would count, too


def test_no_output_is_persistent() -> None:
    assert "persist" not in str(STAGES)


def test_all_source_that_decides_what_is_measured_of_a_photo_is_in_the_key(
    imports: grimp.ImportGraph,
) -> None:
    measured = [f"ccfpse.evaluation.{name}" for name in ("measure", "photos", "reading", "truths")]
    used = {module for one in measured for module in (one, *imports.find_upstream_modules(one))}
    listed = {module for path in EVALUATING for module in modules(ROOT / "ccfpse" / path)}
    assert sorted(module for module in used - listed if not carries(module)) == []
