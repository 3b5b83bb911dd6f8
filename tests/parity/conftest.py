"""Finds parity cases in the folder given by ``--cases``, one test for each."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
UNKNOWN_KIND = "no check for kind"


@dataclass(frozen=True)
class Case:
    """One case folder: its description and its arrays."""

    folder: Path
    description: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.description["kind"])

    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "case.npz") as arrays:
            return dict(arrays)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=Path, help="folder of parity cases (default: tests/parity/cases)")


def _cases(config: pytest.Config) -> list[Case]:
    folder = config.getoption("--cases", default=None) or HERE / "cases"
    if not folder.is_dir():
        raise pytest.UsageError(f"--cases {folder} is not a folder")
    return [
        Case(file.parent, json.loads(file.read_text("utf-8"))) for file in sorted(folder.glob("*/case.json"))
    ]


def _marks(case: Case) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] if case.kind in ("training", "segmenter") else []


@pytest.fixture(scope="session")
def cases(pytestconfig: pytest.Config) -> list[Case]:
    return _cases(pytestconfig)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        cases = _cases(metafunc.config)
        metafunc.parametrize(
            "case", [pytest.param(case, id=case.folder.name, marks=_marks(case)) for case in cases]
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    kinds = Counter(
        reason.split(UNKNOWN_KIND)[1].strip(" '\")") for reason in reasons if UNKNOWN_KIND in reason
    )
    if kinds:
        listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items()))
        terminalreporter.write_line(
            f"parity: {kinds.total()} cases skipped, of kinds not known yet: {listed}"
        )
