"""The grid under DVC, in a copy of the project: killed it goes on where it was."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.examples import examples
from tests.pipeline import ENVIRONMENT, TINY, change, run

pytestmark = pytest.mark.slow

GRID = {"run": ["ccfpse-fpse"], "seeds": [1], "steps": 2, "pictures": 1}
VARIANTS = {
    "ccfpse-fpse": {"context": "local", "attention": False},
    "spade-patchgan": {"generator": "spade", "discriminator": "patchgan"},
}


def stages_run(printed: str) -> list[str]:
    return re.findall(r"^Running stage 'compare/dvc.yaml:(.+)':$", printed, re.MULTILINE)


def test_a_killed_grid_goes_on_and_one_variant_more_costs_its_own_cells(project: Path) -> None:
    run(project, "git", "init", "-q")
    run(project, "git", "add", ".")
    run(project, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "start")
    change(project, TINY)
    change(project, {"compare": GRID | {"variants": VARIANTS}})
    cells = project / "outputs/sample/compare"
    (example,) = examples("compare")  # of its help
    compare = [sys.executable, "-m", "ccfpse_cli", *example]

    with subprocess.Popen(compare, cwd=project, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 240
        while not (cells / "photos").exists():  # trained, and DVC knows it
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.kill()  # alone: what it runs ends with it

    assert stages_run(run(project, *compare)) == [
        "synthesize@ccfpse-fpse-1",
        "evaluate@ccfpse-fpse-1",
        "table",
    ]

    change(project, {"compare": {"run": [*GRID["run"], "spade-patchgan"]}})
    printed = run(project, *compare)
    new = "spade-patchgan-1"
    assert stages_run(printed) == [f"train@{new}", f"synthesize@{new}", f"evaluate@{new}", "table"]
    assert (cells / "table/pictures.png").is_file()
    for said in ("| ccfpse-fpse |", "| spade-patchgan |", "| real photos |", "2 steps of 2 photos"):
        assert said in printed
