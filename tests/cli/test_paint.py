"""`ccfpse paint`: how it begins and ends."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccfpse_cli.main import app

MakeModel = Callable[..., Path]


@pytest.mark.slow
def test_the_endpoints_alone_are_served_until_ctrl_c_and_it_ends_cleanly(make_model: MakeModel) -> None:
    command = [sys.executable, "-m", "ccfpse_cli", "paint", str(make_model()), "--port", "0", "--api"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        contextlib.ExitStack() as ending,
    ):
        ending.callback(process.kill)  # or a failure would wait for it without end
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.match(
            r"(http://127\.0\.0\.1:\d+/) (is for painting|answers requests); Ctrl-C ends\n", line
        )
        assert address, line
        with urllib.request.urlopen(address[1], timeout=30) as page:
            assert "HTTP endpoints" in page.read().decode()
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "ended\n")
    assert "Traceback" not in told


def test_a_taken_port_is_refused(make_model: MakeModel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = CliRunner().invoke(app, ["paint", str(make_model()), "--port", port])
    assert ended.exit_code == 2
    told = [line for line in ended.stderr.splitlines() if not line.startswith("note: ")]
    assert told == [
        f"error: 127.0.0.1:{port}: cannot be served (Address already in use); choose another --host or --port"
    ]


def test_a_host_that_no_machine_can_be_called_is_refused(make_model: MakeModel) -> None:
    ended = CliRunner().invoke(app, ["paint", str(make_model()), "--host", "a..b"])
    assert ended.exit_code == 2
    assert "a..b: is no name of a machine; choose another --host" in ended.stderr


@pytest.mark.parametrize("option", ["instances", "classes"])
def test_what_belongs_to_layouts_is_not_ignored_without_them(option: str, make_model: MakeModel) -> None:
    ended = CliRunner().invoke(app, ["paint", str(make_model()), f"--{option}", "somewhere"])
    assert ended.exit_code == 2
    assert f"--{option} says something about --layouts" in ended.stderr
