"""Every command's help ends with an example, and what stands there works."""

import contextlib
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.cli.examples import TERMINAL, commands, environment, examples, help_text, make_ready
from tests.hostile.bench import Bench

ENDLESS = {
    ("study", "serve"): ("--host", "127.0.0.1", "--port", "0"),
    ("paint",): ("--port", "0"),
}
"""Commands that answer until Ctrl-C, and what the tests add, so that no port is taken."""
ELSEWHERE = {("compare",), ("compile",)}
"""tests/compare/test_grid.py and tests/cli/test_compile.py run theirs, which takes long."""
SLOW = {("describe",), ("train",)}
COMMANDS = list(commands())
RUN = [
    pytest.param(command, id=" ".join(command), marks=[pytest.mark.slow] * (command in SLOW))
    for command in COMMANDS
    if command not in ENDLESS and command not in ELSEWHERE
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_ends_with_an_example_that_a_terminal_shows_whole(command: tuple[str, ...]) -> None:
    shown = help_text(*command)
    assert max(map(len, shown.splitlines())) <= TERMINAL
    for words in examples(*command):
        assert "…" not in words
        assert f" ccfpse {' '.join(words)}" in shown, "on one line, or it cannot be copied"


@pytest.mark.parametrize("command", RUN)
def test_the_example_works(command: tuple[str, ...], bench: Bench) -> None:
    make_ready(bench, *command)
    for words in examples(*command):
        ended = CliRunner().invoke(app, words)
        assert ended.exit_code == 0, ended.output
        assert ended.output.strip()


@pytest.mark.parametrize("command", ENDLESS, ids=" ".join)
def test_the_example_of_a_server_answers_until_it_is_interrupted(
    command: tuple[str, ...], bench: Bench, tmp_path: Path
) -> None:
    make_ready(bench, *command)
    (words,) = examples(*command)
    line = [sys.executable, "-m", "ccfpse_cli", *words, *ENDLESS[command]]
    with (
        subprocess.Popen(
            line,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(tmp_path / "cache"),
        ) as serving,
        contextlib.ExitStack() as ending,
    ):
        ending.callback(serving.kill)  # or a failure would wait for it without end
        assert serving.stdout is not None
        said = next(line for line in serving.stdout if "http://" in line)
        address = re.search(r"http://[\w.:]+/", said)
        assert address is not None, said
        with urllib.request.urlopen(address.group(), timeout=30) as answer:
            assert answer.status == 200
        serving.send_signal(signal.SIGINT)
        assert serving.wait(timeout=30) == 0


def test_every_command_is_run_here_or_named_with_the_test_that_does() -> None:
    assert set(COMMANDS) >= ENDLESS.keys() | ELSEWHERE | SLOW
