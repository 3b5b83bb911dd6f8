"""Two commands that would write the same output at once: the second is refused, whichever it is."""

import os
from pathlib import Path

import pytest

from ccfpse.outputlock import output_lock
from ccfpse_cli.main import app
from tests.cli.commands import COMMANDS
from tests.cli.desk import Desk, check_refused

WRITES_NO_OUTPUT = {"describe", "clean", "doctor", "paint"}


@pytest.mark.parametrize("name", COMMANDS)
def test_an_output_that_is_being_written_is_refused_to_others(
    name: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command, out = COMMANDS[name](Desk(tmp_path, request), tmp_path / "there")
    with output_lock(out):
        check_refused(command, f"{out.name}.* is in use by process {os.getpid()} on ", tmp_path)


def test_no_command_is_forgotten() -> None:
    names = {info.name or info.callback.__name__.replace("_", "-") for info in app.registered_commands}  # type: ignore[union-attr]
    tried = {name.split()[0] for name in COMMANDS} | {"loss-network", "compare"}  # `table` is compare's
    assert names - tried == WRITES_NO_OUTPUT
