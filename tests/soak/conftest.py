"""Tests that try long and hard: short forms in `make test`, at full length by `make soak`."""

import dataclasses
from typing import TypeVar

import pytest

T = TypeVar("T")
_FIGURES = pytest.StashKey[list[tuple[str, str]]]()


@dataclasses.dataclass(frozen=True)
class Soak:
    """How hard a test is to try, and what it found."""

    is_long: bool
    figures: list[tuple[str, str]]

    def pick(self, short: T, long: T) -> T:
        """`long` under `make soak`."""
        return long if self.is_long else short

    def figure(self, name: str, value: object) -> None:
        """A row of the table that `make soak` prints."""
        self.figures.append((name, f"{value:,}" if isinstance(value, int) else str(value)))


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> Soak:
    figures = request.config.stash.setdefault(_FIGURES, [])
    return Soak(request.config.getoption("--soak"), figures)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    figures = config.stash.get(_FIGURES, [])
    if not (figures and config.getoption("--soak")):
        return
    terminalreporter.section("figures")
    wide = max(len(name) for name, _ in figures)
    for name, value in figures:
        terminalreporter.line(f"{name:{wide}}  {value}")
