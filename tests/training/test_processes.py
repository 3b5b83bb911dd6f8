import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from torch.distributed import FileStore

from ccfpse.errors import DataError, ProcessLost, TrainingError
from ccfpse.training import launch as launching
from ccfpse.training.launch import launch
from ccfpse.training.meeting import fresh_store
from tests.training.working import share

_CHILD = """
import sys, time
from ccfpse.training.parent import end_with_parent
end_with_parent(interval_seconds=0.1)
print("up", flush=True)
time.sleep(600)
"""
_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


_HIDDEN = "from ccfpse.training import parent; parent._stat = lambda process: None\n"


def _outlives_its_parent(child: str, variables: dict[str, str], patience_seconds: float) -> bool:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, child],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    ) as parent:
        process = int(parent.stdout.readline())
        assert _is_alive(process)
        parent.kill()
    deadline = time.monotonic() + patience_seconds
    while _is_alive(process):
        if time.monotonic() > deadline:
            os.kill(process, 9)
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("variable", ["DVC_STAGE", "TORCHELASTIC_RUN_ID"])
@pytest.mark.parametrize("child", [_CHILD, _HIDDEN + _CHILD], ids=["seen", "hidden"])
def test_a_trainer_ends_when_what_started_it_is_killed(variable: str, child: str) -> None:
    """Also where the system does not show it the processes of others, such as without /proc."""
    assert not _outlives_its_parent(child, {variable: "here"}, 60)


@pytest.mark.slow
def test_a_trainer_started_in_a_shell_outlives_it() -> None:
    assert _outlives_its_parent(_CHILD, {}, 1)


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("failing", "kind", "sentence"),
    [
        ("data", DataError, "photo.png: is no photo"),
        ("bug", RuntimeError, "training process 1 failed: ZeroDivisionError: by zero"),
        ("exit", RuntimeError, "training process 1 ended with exit code 7"),
        ("differ", TrainingError, "process 0 is at step 0, process 1 at step 1"),
    ],
)
def test_what_a_process_raises_is_raised_by_the_launcher(
    failing: str, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence) as raised:
        launch(2, share, failing)
    assert type(raised.value) is kind


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_process_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "_ENDING_SECONDS", 1.0)
    with pytest.raises(ProcessLost, match="a training process has not answered"):
        launch(2, share, "pause")


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_figure_that_is_not_finite_leaves_the_main_process_time_to_write_its_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launching, "_ENDING_SECONDS", 0.1)
    with pytest.raises(TrainingError, match="go on from here"):
        launch(2, share, "not finite")


def test_processes_of_a_new_attempt_do_not_meet_those_of_the_one_before(tmp_path: Path) -> None:
    """Process 1 is there before process 0, and finds what the first attempt left."""
    path, patience = str(tmp_path / "store"), timedelta(seconds=30)
    met: list[list[str]] = []

    def meet(rank: int, found: list[str]) -> None:
        store = fresh_store(FileStore(path, 2), rank, 2, patience)
        found.append("kept" if store.check([f"address of {rank}"]) else "new")
        store.set(f"address of {rank}", "here")

    held = FileStore(path, 2)  # as torchrun holds it through all attempts
    for _ in range(3):
        met.append([])
        both = [threading.Thread(target=meet, args=(rank, met[-1])) for rank in (1, 0)]
        for thread in both:
            thread.start()
            time.sleep(0.2)
        for thread in both:
            thread.join()
    del held
    assert met == [["new", "new"]] * 3


def test_processes_that_never_come_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not all 2 are there"):
        fresh_store(FileStore(str(tmp_path / "store"), 2), 0, 2, timedelta(seconds=0.1))
