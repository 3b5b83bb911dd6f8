"""The pipeline of a project: the repository's, with checksums in the place of source files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ccfpse import files
from ccfpse.errors import OutputError
from ccfpse.projects.contents import DVC_CONFIG
from ccfpse.projects.stages import CODE, pipelines, stage_sources, write_checksums

ROOT = Path(__file__).parents[2]
TEMPLATES = {"dvc.yaml": "pipeline.yaml", "compare/dvc.yaml": "grid.yaml"}


@pytest.mark.parametrize("file", TEMPLATES)
def test_the_shipped_pipeline_is_the_repositorys(file: str) -> None:
    shipped = ROOT / "ccfpse/projects" / TEMPLATES[file]
    assert shipped.read_text("utf-8") == (ROOT / file).read_text("utf-8"), f"cp {file} {shipped}"


def test_dvc_is_set_up_as_in_the_repository() -> None:
    assert (ROOT / ".dvc/config").read_text("utf-8") == DVC_CONFIG


def is_source(dep: str) -> bool:
    return dep.split("/")[0] == "ccfpse"


@pytest.mark.parametrize("file", TEMPLATES)
def test_stages_differ_by_their_source_alone(file: str) -> None:
    ours = yaml.safe_load((ROOT / file).read_text("utf-8"))
    theirs = yaml.safe_load(pipelines()[file])
    assert ours["stages"].keys() == theirs["stages"].keys()
    for name, stage in ours["stages"].items():
        other: dict[str, Any] = theirs["stages"][name]
        deps = stage.pop("deps", [])
        known = f"{CODE}/{name if file == 'dvc.yaml' else f'compare-{name}'}.json"
        expected = [dep for dep in deps if not is_source(dep)] + [known] * any(map(is_source, deps))
        assert other.pop("deps", []) == expected
        if name == "scan":
            stage["cmd"] += f" --code {CODE}"
            stage["outs"].append(CODE)
        assert other == stage
    assert ours.get("plots") == theirs.get("plots")


def test_every_checksum_that_a_stage_depends_on_is_written(tmp_path: Path) -> None:
    write_checksums(tmp_path / "code")
    written = {path.name for path in (tmp_path / "code").iterdir()}
    asked = {
        Path(dep).name
        for text in pipelines().values()
        for stage in yaml.safe_load(text)["stages"].values()
        for dep in stage.get("deps", [])
        if dep.startswith(CODE)
    }
    assert asked == written


def checksums(folder: Path) -> dict[str, str]:
    write_checksums(folder)
    return {path.stem: json.loads(path.read_text())["sha256"] for path in folder.iterdir()}


def test_a_change_of_a_source_file_changes_the_stages_that_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "ccfpse"
    for part in {part for parts in stage_sources().values() for part in parts}:
        source = ROOT / "ccfpse" / part
        inside = [source] if source.is_file() else source.rglob("*")
        for path in (path for path in inside if path.is_file() and path.suffix != ".pyc"):
            copy = package / path.relative_to(ROOT / "ccfpse")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    before = checksums(tmp_path / "code")
    assert checksums(tmp_path / "code") == before
    with (package / "losses.py").open("a") as file:
        file.write("# another\n")
    after = checksums(tmp_path / "code")
    assert {name for name in after if after[name] != before[name]} == {
        *("train", "report", "compare-train", "compare-table")
    }


def test_checksums_replace_no_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match="holds files but no checksums of code"):
        write_checksums(tmp_path)
