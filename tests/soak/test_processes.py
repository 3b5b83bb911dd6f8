import os
import random
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from ccfpse.config import load_settings
from ccfpse.device import pick_device
from ccfpse.loss_network import prepare_loss_network
from ccfpse.modelfile import load_model
from ccfpse.prepared import open_store
from tests.soak.conftest import Soak
from tests.soak.running import (
    TRAIN,
    Command,
    all_end,
    checkpoints,
    torchrun,
    wait_for_new_checkpoint,
)

Weights = dict[str, torch.Tensor]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc"),
]


@pytest.fixture
def raw(raw: Path) -> Path:
    """Three photos for training: neither a batch nor the processes' shares come out even."""
    rng = np.random.default_rng(1)
    for kind, pixels in (
        ("images", rng.integers(0, 256, (32, 64, 3))),
        ("labels", 10 * (rng.integers(0, 3, (4, 8)).repeat(8, 0).repeat(8, 1) + 1)),
        ("instances", rng.integers(0, 9, (4, 8)).repeat(8, 0).repeat(8, 1)),
    ):
        Image.fromarray(pixels.astype(np.uint8)).save(raw / "train" / kind / "town/c.png")
    return raw


@pytest.fixture
def folder(params: Path, store: Path, tmp_path: Path) -> Path:
    """A folder in which two processes can train."""
    settings = load_settings(params)
    prepare_loss_network(
        open_store(store),
        settings.loss_network,
        Path(settings.paths.loss_network),
        pick_device("cpu"),
        lambda done, total: None,
    )
    _change(tmp_path, train={"batch": 4}, runtime={"processes": 2, "log_every": 1})
    return tmp_path


@pytest.fixture
def commands() -> Iterator[list[Command]]:
    """Commands that are killed at the end of a test that fails."""
    started: list[Command] = []
    yield started
    for command in started:
        command.kill()


def _change(folder: Path, **sections: dict[str, object]) -> None:
    path = folder / "params.yaml"
    settings = yaml.safe_load(path.read_text())
    for name, changed in sections.items():
        settings[name] |= changed
    path.write_text(yaml.safe_dump(settings))


def _trained(folder: Path) -> Weights:
    return load_model(folder / "training" / "model.safetensors").weights


@pytest.fixture(scope="module")
def weights_by_kills() -> dict[int, Weights]:
    """Of runs that nobody disturbed, by the number of kills that they are long enough for."""
    return {}


@pytest.fixture
def unbroken(folder: Path, soak: Soak, weights_by_kills: dict[int, Weights]) -> tuple[int, Weights]:
    """How many kills the test is to try, and the weights of a run without any."""
    n_kills = soak.pick(1, 10)
    _change(
        folder,
        train={"steps": 4 + 3 * n_kills, "decay_start": 4},
        runtime={"checkpoint_every": 2, "strip_every": 3},
    )
    if n_kills not in weights_by_kills:  # they depend on nothing else, where the folder is included
        command = Command([*TRAIN, "--out", "unbroken"], folder, "unbroken")
        assert command.ends() == 0, command.said
        weights_by_kills[n_kills] = load_model(folder / "unbroken" / "model.safetensors").weights
    return n_kills, weights_by_kills[n_kills]


def _n_equal(found: Weights, wanted: Weights) -> int:
    """Bytes compared, all of them equal."""
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor), name
    return sum(tensor.numel() * tensor.element_size() for tensor in wanted.values())


def test_a_killed_process_ends_the_others_and_the_run_goes_on(
    folder: Path, unbroken: tuple[int, Weights], soak: Soak, commands: list[Command]
) -> None:
    (n_kills, wanted), chance = unbroken, random.Random(0)
    for kill in range(n_kills):
        known = checkpoints(folder)
        commands.append(command := Command(TRAIN, folder))
        wait_for_new_checkpoint(command, folder, known)
        time.sleep(chance.uniform(0, 0.2))  # the moment of the step is anyone's guess
        workers = command.workers()
        assert len(workers) == 2
        rank = chance.randrange(2) if n_kills > 1 else 1
        os.kill(workers[rank], signal.SIGKILL)
        assert command.ends() == 2, (kill, command.said)
        (sentence,) = re.findall("^error: .*$", command.said, re.MULTILINE)
        assert f"training process {rank} was killed (SIGKILL" in sentence
        assert "the same command goes on" in sentence
        assert "Traceback" not in command.said
        assert all_end(workers)
    commands.append(command := Command(TRAIN, folder))
    assert command.ends() == 0, command.said
    assert "going on after step" in command.said
    soak.figure("own launcher: kills of a process survived", n_kills)
    soak.figure("own launcher: bytes of weights compared", _n_equal(_trained(folder), wanted))


@pytest.mark.soak  # two nodes, the next test, restart through torchrun as well
def test_torchrun_starts_all_again_after_a_kill(
    folder: Path, unbroken: tuple[int, Weights], soak: Soak, commands: list[Command]
) -> None:
    (n_kills, wanted), chance = unbroken, random.Random(1)
    options = ("--nproc-per-node", "2", f"--max-restarts={n_kills}")
    commands.append(command := Command(torchrun(*options), folder))
    killed: set[int] = set()
    for _ in range(n_kills):
        workers = _new_workers(command, killed, 2)
        wait_for_new_checkpoint(command, folder, checkpoints(folder))
        time.sleep(chance.uniform(0, 0.2))
        os.kill(workers[chance.randrange(2)], signal.SIGKILL)
        killed |= set(workers)
    assert command.ends() == 0, command.said
    assert command.said.count("going on after step") == n_kills
    soak.figure("torchrun: kills of a process survived", n_kills)
    soak.figure("torchrun: bytes of weights compared", _n_equal(_trained(folder), wanted))


def test_two_nodes_train_as_one_and_survive_a_kill(
    folder: Path, unbroken: tuple[int, Weights], soak: Soak, commands: list[Command]
) -> None:
    """Two of torchrun's agents on this machine, one process each."""
    (n_kills, wanted), chance = unbroken, random.Random(2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d", "--rdzv-id", "run")
    nodes = [
        Command(
            torchrun(
                *options,
                "--rdzv-endpoint",
                f"127.0.0.1:{port}",
                f"--max-restarts={n_kills}",
                "--node-rank",
                rank,
            ),
            folder,
            f"node {rank}",
        )
        for rank in ("0", "1")
    ]
    commands += nodes
    killed: set[int] = set()
    for _ in range(n_kills):
        workers = [worker for node in nodes for worker in _new_workers(node, killed, 1)]
        wait_for_new_checkpoint(nodes[0], folder, checkpoints(folder))
        time.sleep(chance.uniform(0, 0.2))
        os.kill(workers[chance.randrange(2)], signal.SIGKILL)
        killed |= set(workers)
    for node in nodes:
        assert node.ends() == 0, node.said
    assert "".join(node.said for node in nodes).count("going on after step") == n_kills
    soak.figure("two nodes: kills of a process survived", n_kills)
    soak.figure("two nodes: bytes of weights compared", _n_equal(_trained(folder), wanted))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.soak)]
)
def test_a_signal_to_the_launcher_lets_all_finish_the_step_and_save_once(
    number: signal.Signals, code: int, folder: Path, commands: list[Command]
) -> None:
    _change(folder, train={"steps": 100_000, "decay_start": 0}, runtime={"checkpoint_every": 100_000})
    commands.append(command := Command(TRAIN, folder))
    _wait_for_a_step(command, folder)
    workers = command.workers()
    command.started.send_signal(number)
    assert command.ends() == code
    (sentence,) = re.findall("^error: .*$", command.said, re.MULTILINE)
    (step,) = re.findall(r"stopped after step (\d+); the same command goes on from there", sentence)
    assert checkpoints(folder) == {f"step-{int(step):09d}.pt"}
    assert "Traceback" not in command.said
    assert all_end(workers)


@pytest.mark.parametrize("processes", [pytest.param(1, marks=pytest.mark.soak), 2])
def test_a_signal_to_the_whole_group_lets_it_finish_the_step_and_save(
    processes: int, folder: Path, commands: list[Command]
) -> None:
    """As `timeout`, systemd and Slurm send it: the processes that read data get it too."""
    _change(
        folder,
        train={"steps": 100_000, "decay_start": 0},
        runtime={"checkpoint_every": 100_000, "processes": processes, "workers": 1},
    )
    commands.append(command := Command(TRAIN, folder))
    _wait_for_a_step(command, folder)
    os.killpg(command.started.pid, signal.SIGTERM)
    assert command.ends() == 143, command.said
    assert "the same command goes on" in command.said
    assert len(checkpoints(folder)) == 1


@pytest.mark.parametrize("launcher", ["own", pytest.param("torchrun", marks=pytest.mark.soak)])
def test_processes_save_and_end_when_their_launcher_is_killed(
    launcher: str, folder: Path, commands: list[Command]
) -> None:
    _change(folder, train={"steps": 100_000, "decay_start": 0}, runtime={"checkpoint_every": 100_000})
    arguments = TRAIN if launcher == "own" else torchrun("--nproc-per-node", "2")
    commands.append(command := Command(arguments, folder))
    _wait_for_a_step(command, folder)
    workers = command.workers()
    assert len(workers) == 2
    command.started.kill()
    assert all_end(workers)
    assert len(checkpoints(folder)) == 1


def _new_workers(command: Command, known: set[int], count: int) -> list[int]:
    """Waits until it has started as many again; then those of the last attempt are gone."""
    while len(found := [worker for worker in command.workers() if worker not in known]) < count:
        assert command.started.poll() is None, command.said
        time.sleep(0.02)
    return found


def _wait_for_a_step(command: Command, folder: Path) -> None:
    while not list(folder.glob(".training.partial-*/log/metrics.json")):
        assert command.started.poll() is None, command.said
        time.sleep(0.02)
