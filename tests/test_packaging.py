"""What is installed: every package, its data, and no module named `cli`."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_listed_packages_are_the_folders() -> None:
    files = [*(ROOT / "ccfpse").rglob("*.py")]
    folders = {".".join(file.parent.relative_to(ROOT).parts) for file in files}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders | {"ccfpse_cli"}


def test_every_package_has_an_init_file() -> None:
    folders = {file.parent for top in ("ccfpse", "cli") for file in (ROOT / top).rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def pinned(file: str) -> dict[str, str]:
    """Versions of a constraints file, by name."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def stated() -> list[Requirement]:
    """Everything that pyproject.toml asks for."""
    optional = PROJECT["project"]["optional-dependencies"].values()
    return [Requirement(text) for texts in (PROJECT["project"]["dependencies"], *optional) for text in texts]


def test_the_pinned_versions_satisfy_the_stated_ones() -> None:
    versions = pinned("constraints.txt")
    for requirement in stated():
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    versions = pinned("constraints-oldest.txt")
    for requirement in stated():
        (bound,) = [one.version for one in requirement.specifier if one.operator == ">="]
        assert Version(versions[canonicalize_name(requirement.name)]) == Version(bound), requirement


def test_nothing_of_ours_runs_at_installation() -> None:
    # With setuptools alone and no set-up file, cfg file or command class there is no code to run.
    assert PROJECT["build-system"].keys() == {"requires", "build-backend"}
    assert [Requirement(text).name for text in PROJECT["build-system"]["requires"]] == ["setuptools"]
    assert PROJECT["build-system"]["build-backend"] == "setuptools.build_meta"
    assert PROJECT["tool"]["setuptools"].keys() == {
        "packages",
        "package-dir",
        "include-package-data",
        "package-data",
    }
    assert "dynamic" not in PROJECT["project"]
    assert "entry-points" not in PROJECT["project"]  # setuptools loads some of them when it builds


@pytest.mark.slow
def test_the_wheel_holds_packages_and_their_data_but_no_cli(project: Path, tmp_path: Path) -> None:
    # The wheel of the source distribution, as `python -m build` makes it: what the one lacks the other shows.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(project)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    with tarfile.open(source) as archive:
        outside = {Path(name).name for name in archive.getnames() if len(Path(name).parts) == 2}
    assert outside & {"setup.py", "conftest.py", "setuptools.py"} == set()
    assert not any(name.endswith((".pth", "setup.py")) or ".data/" in name for name in names)
    kept = (".py", ".yaml", ".tsv", ".cpp", ".h", ".html", ".css", ".js", ".typed")
    expected = {p.relative_to(ROOT).as_posix() for p in (ROOT / "ccfpse").rglob("*") if p.suffix in kept}
    expected |= {f"ccfpse_cli/{p.name}" for p in (ROOT / "cli").glob("*.py")}
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert any(name.endswith("licenses/NOTICE") for name in names)
