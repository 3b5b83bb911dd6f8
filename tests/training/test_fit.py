import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ccfpse
from ccfpse.config import Settings
from ccfpse.errors import DataError, ModelFileError, OutputError, TrainingError
from ccfpse.modelfile import load_model
from ccfpse.ops import choice
from ccfpse.outputlock import output_lock
from ccfpse.prepared import open_store
from ccfpse.training.checkpoint import checkpoints, write_checkpoint
from ccfpse.training.fit import fit
from ccfpse.training.inputs import Places
from ccfpse.training.trainer import Figures, Trainer
from tests.training.told import Told, contents

pytestmark = pytest.mark.slow


def _partial(places: Places) -> list[Path]:
    return list(places.out.parent.glob(f".{places.out.name}.partial-*"))


def test_a_run_leaves_its_model_log_and_strip_and_its_last_checkpoint(
    settings: Settings, places: Places
) -> None:
    fit(settings, places, Told())
    found = sorted(path.name for path in places.out.iterdir())
    assert found == ["log", "model.safetensors", "strip"]
    (folder,) = _partial(places)
    assert [path.name for path in checkpoints(folder)] == ["step-000000004.pt"]
    assert sorted(path.name for path in folder.iterdir()) == ["log", "run.json", "step-000000004.pt", "strip"]
    assert len(list((places.out / "strip").iterdir())) == 2
    assert {"generator", "discriminator"} <= {
        name
        for name in ("generator", "discriminator", "encoder")
        if load_model(places.out / "model.safetensors").has(name)
    }


def test_a_run_broken_off_ends_with_the_bytes_of_an_unbroken_one(settings: Settings, places: Places) -> None:
    fit(settings, places, Told())
    again = dataclasses.replace(places, out=places.out.with_name("again"))
    with pytest.raises(KeyboardInterrupt):
        fit(settings, again, Told(last=3))
    assert not again.out.exists()
    told = Told()
    fit(settings, again, told)
    assert told.first == 2
    assert told.steps == [3, 4]
    assert contents(again.out) == contents(places.out)
    series = (again.out / "log/plots/metrics/hinge.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in series[1:]] == ["1", "2", "3", "4"]


def _flipped(content: bytes) -> bytes:
    """With one bit changed in the middle, where weights are."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [lambda b: b[:1000], lambda b: bytes(len(b)), lambda b: b"", _flipped])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(
    settings: Settings, places: Places, damage: Callable[[bytes], bytes]
) -> None:
    settings = dataclasses.replace(
        settings, runtime=dataclasses.replace(settings.runtime, checkpoint_every=1)
    )
    with pytest.raises(KeyboardInterrupt):
        fit(settings, places, Told(last=3))
    (folder,) = _partial(places)
    newest = checkpoints(folder)[0]
    newest.write_bytes(damage(newest.read_bytes()))
    told = Told()
    fit(settings, places, told)
    assert told.first == 1
    assert any(newest.name in sentence and "damaged" in sentence for sentence in told.sentences)


def test_a_damaged_checkpoint_does_not_push_out_those_that_can_be_read(
    settings: Settings, places: Places
) -> None:
    settings = dataclasses.replace(settings, train=dataclasses.replace(settings.train, steps=8))
    with pytest.raises(KeyboardInterrupt):
        fit(settings, places, Told(last=7))
    (folder,) = _partial(places)
    newest = checkpoints(folder)[0]
    assert newest.name == "step-000000006.pt"
    newest.write_bytes(_flipped(newest.read_bytes()))
    often = dataclasses.replace(settings.runtime, checkpoint_every=1, keep_checkpoints=1)
    with pytest.raises(KeyboardInterrupt):
        fit(dataclasses.replace(settings, runtime=often), places, Told(last=6))
    told = Told()
    fit(settings, places, told)
    assert told.first == 5
    assert [path.name for path in folder.glob("*.pt")] == ["step-000000008.pt"]


@pytest.mark.parametrize("content", [{}, {"machines": [{}], "extends": []}, {"machines": [], "extends": [1]}])
def test_a_whole_checkpoint_of_something_else_is_refused(
    settings: Settings, places: Places, content: dict[str, Any]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(settings, places, Told(last=3))
    (folder,) = _partial(places)
    (path,) = checkpoints(folder)
    write_checkpoint(folder, 2, content)
    (folder / "step-x.pt").write_bytes(b"")
    with pytest.raises(ModelFileError, match=re.escape(str(folder))):
        fit(settings, places, Told())
    assert path.exists()


def test_other_settings_are_another_run(settings: Settings, places: Places) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(settings, places, Told(last=3))
    told = Told()
    fit(dataclasses.replace(settings, train=dataclasses.replace(settings.train, seed=9)), places, told)
    assert told.first == 0


def test_a_second_trainer_is_told_who_holds_the_run(settings: Settings, places: Places) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(settings, places, Told(last=3))
    with output_lock(places.out), pytest.raises(OutputError, match=f"process {os.getpid()}"):
        fit(settings, places, Told())


def test_a_loss_that_is_not_finite_ends_the_run(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def spoiled(self: Trainer, number: int, parts: list) -> Figures[torch.Tensor]:
        found = step(self, number, parts)
        spoil = {"features": found.losses["features"] / 0} if number == 2 else {}
        return dataclasses.replace(found, losses=found.losses | spoil)

    monkeypatch.setattr(Trainer, "step", spoiled)
    with pytest.raises(TrainingError, match=r"step 3: the loss features is .*step-000000002\.pt"):
        fit(settings, places, Told())
    assert not places.out.exists()


def test_weights_that_are_not_finite_are_not_saved(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def spoiling(self: Trainer, number: int, parts: list) -> Figures[torch.Tensor]:
        found = step(self, number, parts)
        if number == 3:
            torch.nn.init.constant_(self.networks.generator.to_rgb.bias, float("nan"))
        return found

    monkeypatch.setattr(Trainer, "step", spoiling)
    with pytest.raises(TrainingError, match=r"step 4: weights .*step-000000002\.pt"):
        fit(settings, places, Told())


def test_a_folder_with_other_files_is_not_replaced(settings: Settings, places: Places) -> None:
    places.out.mkdir()
    (places.out / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="holds files but no finished training"):
        fit(settings, places, Told())
    assert (places.out / "thesis.txt").read_text() == "years of work"


def test_data_prepared_otherwise_is_refused(settings: Settings, places: Places) -> None:
    other = dataclasses.replace(settings, data=dataclasses.replace(settings.data, load_size=(48, 96)))
    with pytest.raises(DataError, match="prepare"):
        fit(other, places, Told())


def test_accumulated_parts_see_every_photo_of_the_batch(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = dataclasses.replace(settings, train=dataclasses.replace(settings.train, accumulation=2))
    seen = []
    step = Trainer.step

    def watched(self: Trainer, number: int, parts: list) -> Figures[torch.Tensor]:
        seen.append([len(part["image"]) for part in parts])
        return step(self, number, parts)

    monkeypatch.setattr(Trainer, "step", watched)
    fit(split, places, Told())
    assert seen == [[1, 1]] * 4


def _first_losses(out: Path) -> dict[str, float]:
    series = {
        path.stem: path.read_text().splitlines()[1] for path in (out / "log/plots/metrics").glob("*.tsv")
    }
    return {name: float(line.split("\t")[-1]) for name, line in series.items() if name != "strip_miou"}


def test_two_processes_start_with_the_losses_of_one(settings: Settings, places: Places) -> None:
    fit(settings, places, Told())
    alone = _first_losses(places.out)
    assert len(alone) == 7
    two = dataclasses.replace(settings, runtime=dataclasses.replace(settings.runtime, processes=2))
    places = dataclasses.replace(places, out=places.out.with_name("two"))
    fit(two, places, Told())
    assert _first_losses(places.out) == pytest.approx(alone, rel=1e-3)
    (machine,) = load_model(places.out / "model.safetensors").provenance["machines"]
    assert machine["processes"] == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_the_step_and_says_how_to_go_on(
    settings: Settings, places: Places, params: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    import yaml

    long = yaml.safe_load(params.read_text())
    long["train"] |= {"steps": 100_000, "decay_start": 0}
    params.write_text(yaml.safe_dump(long))
    process = subprocess.Popen(
        [sys.executable, "-m", "ccfpse_cli", "train", "--params", str(params)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not list(tmp_path.glob(".training.partial-*/log/metrics.json")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert f"the same command goes on from there: ccfpse train --params {params}" in said
    assert list(tmp_path.glob(".training.partial-*/step-*.pt"))


def test_photos_in_bfloat16_are_close_to_those_in_float32(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In PyTorch; the compiled kernels compute in float32 anyway."""
    settings = dataclasses.replace(
        settings, train=dataclasses.replace(settings.train, steps=30, decay_start=30)
    )
    fit(settings, places, Told())
    monkeypatch.setattr(choice, "library", lambda: None)
    split = open_store(places.data).split("val")
    wide, narrow = (
        ccfpse.load(places.out / "model.safetensors", device="cpu", precision=precision).synthesize(
            [split.labels(i) for i in range(len(split))], coding="classes", as_arrays=True
        )
        for precision in ("float32", "bf16")
    )
    difference = np.abs(np.stack(wide).astype(float) - np.stack(narrow))
    assert 0 < difference.mean() < 2
