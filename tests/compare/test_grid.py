"""The grid under DVC, in a copy of the project: killed half way it redoes no finished cell."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.examples import examples
from tests.pipeline import ENVIRONMENT, TINY, change, run

pytestmark = pytest.mark.slow

GRID = {"run": ["ccfpse-fpse", "spade-patchgan"], "seeds": [1], "steps": 2, "pictures": 1}
VARIANTS = {
    "ccfpse-fpse": {"context": "local", "attention": False},
    "spade-patchgan": {"generator": "spade", "discriminator": "patchgan"},
}


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
        while not list((cells / "training").glob(".spade-patchgan-1.*")):  # the second cell has begun
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.kill()  # alone: what it runs ends with it

    printed = run(project, *compare)
    trained = re.findall(r"^Running stage 'compare/dvc.yaml:train@(.+)':$", printed, re.MULTILINE)
    assert "ccfpse-fpse-1" not in trained
    assert "spade-patchgan-1" in trained
    for said in ("| ccfpse-fpse |", "| spade-patchgan |", "| real photos |", "2 steps of 2 photos"):
        assert said in printed
    assert (cells / "table/pictures.png").is_file()

    printed = run(project, *compare)
    assert "Running stage 'compare/dvc.yaml:" not in printed

    more = VARIANTS | {"learned": {"kernels": "none", "kernel_size": 5}}
    change(project, {"compare": {"run": [*GRID["run"], "learned"], "variants": more}})
    printed = run(project, *compare)
    ran = re.findall(r"^Running stage 'compare/dvc.yaml:(.+)':$", printed, re.MULTILINE)
    assert ran == ["train@learned-1", "synthesize@learned-1", "evaluate@learned-1", "table"]
