"""What is installed: every package, its data, and no module named `cli`."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_listed_packages_are_the_folders() -> None:
    files = [*(ROOT / "ccfpse").rglob("*.py")]
    folders = {".".join(file.parent.relative_to(ROOT).parts) for file in files}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders | {"ccfpse_cli"}


def test_every_package_has_an_init_file() -> None:
    folders = {file.parent for top in ("ccfpse", "cli") for file in (ROOT / top).rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_the_pinned_versions_satisfy_the_stated_ones() -> None:
    from packaging.requirements import Requirement

    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    versions = {pin.name.lower(): str(pin.specifier).removeprefix("==") for pin in pins}
    stated = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    for requirement in map(Requirement, stated):
        assert requirement.specifier.contains(versions[requirement.name.lower()]), requirement


@pytest.mark.slow
def test_the_wheel_holds_packages_and_their_data_but_no_cli(project: Path, tmp_path: Path) -> None:
    # The wheel of the source distribution, as `python -m build` makes it: what the one lacks the other shows.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(project)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    kept = (".py", ".yaml", ".tsv", ".cpp", ".h", ".html", ".css", ".typed")
    expected = {p.relative_to(ROOT).as_posix() for p in (ROOT / "ccfpse").rglob("*") if p.suffix in kept}
    expected |= {f"ccfpse_cli/{p.name}" for p in (ROOT / "cli").glob("*.py")}
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert any(name.endswith("licenses/NOTICE") for name in names)
