"""The pipeline of a project that has no checkout of this package around it.

In the repository a stage of `dvc.yaml` depends on source files. A project cannot name those of an installed
package, so its stages depend on checksums of the same files instead, which its stage `scan` writes anew every
time: a newer version of the package runs again what it changes, and no more. `pipeline.yaml` and `grid.yaml`
are the repository's `dvc.yaml` and `compare/dvc.yaml` to the byte; everything here is made of them.
"""

import re
from importlib import resources
from pathlib import Path

import yaml

from ccfpse.files import code_checksum, refuse_foreign, replacing_folder, write_json
from ccfpse.outputlock import output_lock

CODE = "outputs/code"
"""Folder of the checksums in a project."""

_TEMPLATES = {"dvc.yaml": "pipeline.yaml", "compare/dvc.yaml": "grid.yaml"}
_SCAN = "ccfpse scan"
_SOURCE = re.compile(r"      - ccfpse(?P<part>/\S+)?( +#.*)?\n")
_STAGE = re.compile(r"  (?P<name>[a-z-]+):\n")
_HEAD = """\
# The pipeline of params.yaml, as `ccfpse init` wrote it: `dvc repro` runs what changed.
# A stage runs again when its params sections, the outputs it reads, or the code that decides its result
# change. {code}/ holds a checksum of that code for every stage; `scan` writes it, so that a newer
# ccfpse repeats what it does differently. `runtime` is in no stage: it says how the work is done.
"""


def stage_sources() -> dict[str, tuple[str, ...]]:
    """Files and folders of this package that decide a stage's result, by the name of its checksum.

    Paths below the package; "" is all of it. Stages of the grid are called `compare-…`.
    """
    found: dict[str, tuple[str, ...]] = {}
    for file, template in _TEMPLATES.items():
        for name, stage in yaml.safe_load(_text(template))["stages"].items():
            paths = [dep for dep in stage.get("deps", ()) if dep.split("/")[0] == "ccfpse"]
            if paths:
                found[_checksum_name(file, name)] = tuple(p.removeprefix("ccfpse").strip("/") for p in paths)
    return found


def pipelines() -> dict[str, str]:
    """The pipeline files of a project, by their path in it: the repository's, with checksums for sources."""
    return {file: _for_project(file, _text(template)) for file, template in _TEMPLATES.items()}


def write_checksums(folder: Path) -> None:
    """Writes NAME.json for every stage: which source files decide its result, and their SHA-256.

    Raises:
        OutputError: `folder` holds something else, or cannot be written.
    """
    sources = stage_sources()
    with output_lock(folder):
        refuse_foreign(folder, f"{next(iter(sources))}.json", "checksums of code")
        with replacing_folder(folder) as temporary:
            for name, parts in sources.items():
                listed = [f"ccfpse/{part}".rstrip("/") for part in parts]
                write_json(temporary / f"{name}.json", {"sources": listed, "sha256": code_checksum(*parts)})


def _text(template: str) -> str:
    return resources.files("ccfpse").joinpath("projects", template).read_text("utf-8")


def _checksum_name(file: str, stage: str) -> str:
    return stage if file == "dvc.yaml" else f"compare-{stage}"


def _for_project(file: str, text: str) -> str:
    """Line by line, so that comments stay: the first source of a stage becomes its checksum, others go."""
    lines: list[str] = []
    stage, named = "", False
    for line in text.splitlines(keepends=True):
        if head := _STAGE.fullmatch(line):
            stage, named = head["name"], False
        if _SOURCE.fullmatch(line):
            if not named:
                lines.append(f"      - {CODE}/{_checksum_name(file, stage)}.json\n")
            named = True
            continue
        lines.append(line)
    if file == "dvc.yaml":
        first = next(i for i, line in enumerate(lines) if not line.startswith("#"))
        lines[:first] = [_HEAD.format(code=CODE)]
        scan = lines.index(f"    cmd: {_SCAN}\n")
        lines[scan] = f"    cmd: {_SCAN} --code {CODE}\n"
        output = lines.index("      - ${paths.raw_list}\n", scan)
        lines.insert(output + 1, f"      - {CODE}\n")
    return "".join(lines)
