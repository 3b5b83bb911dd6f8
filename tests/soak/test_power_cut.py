"""A process ended before any of its changes to files: what is read then is the old or the new, whole."""

import contextlib
import ctypes
import dataclasses
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch

import ccfpse
from ccfpse import loss_network
from ccfpse.config import Settings, load_settings
from ccfpse.errors import OutputError
from ccfpse.evaluation.evaluate import METRICS, evaluate
from ccfpse.evaluation.inputs import Places
from ccfpse.files import read_json, write_json
from ccfpse.layoutfiles import find_layouts
from ccfpse.loss_network import load_loss_network, prepare_loss_network
from ccfpse.outputlock import leftovers, output_lock
from ccfpse.prepared import open_store
from ccfpse.preparing.store import prepare, silent
from ccfpse.report.evaluation import read_evaluation
from ccfpse.small_loss_network import train_small_network
from ccfpse.study.key import PAGE, load_key
from ccfpse.synthesis import synthesize_files
from ccfpse.synthesisplan import Output
from tests.evaluation.photos import make_places, no_progress
from tests.soak.conftest import Soak
from tests.soak.cutting import count_changes, cut_before
from tests.study.photos import Folders

CPU = torch.device("cpu")
Content = dict[str, bytes]


def content(path: Path) -> Content:
    """All files of an output, hidden ones too."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {f.relative_to(path).as_posix(): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}


def beside(path: Path) -> list[str]:
    return sorted(
        f.name for f in path.parent.glob(f".{path.stem}*") if not f.name.endswith((".work", ".yaml"))
    )


def all_of(count: int) -> Iterable[int]:
    return range(1, count + 1)


def towards_the_end(last: int, step: int) -> Callable[[int], Iterable[int]]:
    """Every so many of the last changes, in which the new takes the old one's place."""
    return lambda count: range(count, max(0, count - last), -step)


@dataclasses.dataclass(frozen=True)
class Replacement:
    """An output that one command made, another is to replace, and a third one reads."""

    path: Path
    write_old: Callable[[], object]
    write_new: Callable[[], object]
    read: Callable[[], object]
    """Anything that opens the output, or says that it is unfinished."""

    def try_cuts(self, choose: Callable[[int], Iterable[int]], is_mixed: bool = False) -> int:
        """Cuts `write_new` before some of its changes, each time from the old output.

        Args:
            choose: which, of so many.
            is_mixed: every file by itself is old or new, not all together.

        Returns:
            How often it was cut off.
        """
        self.write_old()
        old = content(self.path)
        count = count_changes(self.write_new, self.path.parent)
        new = content(self.path)
        assert old != new
        assert old.keys() == new.keys()
        cuts = 0
        for number in choose(count):
            self.write_old()
            assert content(self.path) == old
            cut_before(number, self.write_new, self.path.parent)
            cuts += 1
            self._read_or_go_on()
            found = {name: b for name, b in content(self.path).items() if not re.search(r"(^|/)\.", name)}
            if is_mixed:
                assert all(found[name] in (old[name], new[name]) for name in old), number
            else:
                assert found in (old, new), number
            left = leftovers(self.path)
            assert {p.name for p in left if p.parent == self.path.parent} >= set(beside(self.path)), number
            self.write_new()
            assert content(self.path) == new, number
            assert leftovers(self.path) == [], number
            assert beside(self.path) == [], number
        return cuts

    def _read_or_go_on(self) -> None:
        try:
            self.read()
        except OutputError:
            with output_lock(self.path):  # as the command that writes it begins
                self.read()


@pytest.fixture(params=["exchanged", "renamed twice"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How folders take each other's place: where the system cannot exchange names, in two steps."""
    if request.param != "exchanged":
        monkeypatch.setattr(ctypes, "CDLL", lambda *arguments, **options: object())  # has no renameat2
    return str(request.param)


def test_a_prepared_store_that_replaces_another(params: Path, way: str, soak: Soak) -> None:
    settings = load_settings(params)
    out = Path(settings.paths.prepared)
    other = dataclasses.replace(settings.data, fit="crop", size=(64, 32), load_size=(64, 32))

    def write(data: object) -> Callable[[], object]:
        return lambda: prepare(data, out, skip_bad=False, workers=0)  # type: ignore[arg-type]

    store = Replacement(out, write(settings.data), write(other), lambda: open_store(out))
    cuts = store.try_cuts(soak.pick(towards_the_end(16, 1), all_of))
    assert cuts >= soak.pick(16, 30)
    soak.figure(f"cuts of a store's replacement ({way})", cuts)


def test_a_file_that_replaces_another(tmp_path: Path, soak: Soak) -> None:
    path = tmp_path / "out" / "a.json"
    file = Replacement(
        path, lambda: write_json(path, ["old"]), lambda: write_json(path, ["new"]), lambda: None
    )
    cuts = file.try_cuts(all_of)
    assert cuts >= 4
    soak.figure("cuts of a file's replacement", cuts)


@pytest.fixture
def settings(params: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return load_settings(params)


@pytest.fixture
def places(settings: Settings, store: Path) -> Places:
    return make_places(settings, store, lambda split, i: split.image(i)[::-1].copy())


@pytest.mark.slow
def test_an_evaluation_that_replaces_another(settings: Settings, places: Places, soak: Soak) -> None:
    others = places.synthesized.with_name("others")
    shutil.copytree(places.prepared.parent / "raw/val/images", others)
    out = places.out / "evaluation"

    def write(photos: Path) -> Callable[[], object]:
        chosen = dataclasses.replace(places, out=out, synthesized=photos)
        return lambda: evaluate(settings, chosen, CPU, no_progress)

    evaluation = Replacement(out, write(places.synthesized), write(others), lambda: read_evaluation(out))
    cuts = evaluation.try_cuts(soak.pick(towards_the_end(24, 5), all_of))
    assert cuts >= soak.pick(4, 40)
    assert read_json(out / METRICS, ValueError, "")  # type: ignore[arg-type]
    soak.figure("cuts of an evaluation's replacement", cuts)


def test_a_loss_network_that_replaces_another(
    settings: Settings, store: Path, way: str, soak: Soak, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, prepared = Path(settings.paths.loss_network), open_store(store)
    old = settings.loss_network
    assert old.small is not None
    new = dataclasses.replace(old, small=dataclasses.replace(old.small, seed=5))
    # Trained here: what is forked off cannot compute gradients if this process has begun to.
    trained = {
        chosen: train_small_network(prepared, chosen, CPU, no_progress) for chosen in (old.small, new.small)
    }
    monkeypatch.setattr(loss_network, "train_small_network", lambda _, chosen, *others: trained[chosen])

    def write(kind: str) -> Callable[[], object]:
        chosen = old if kind == "old" else new
        return lambda: prepare_loss_network(prepared, chosen, out, CPU, no_progress)

    network = Replacement(out, write("old"), write("new"), lambda: load_loss_network(out))
    cuts = network.try_cuts(soak.pick(towards_the_end(9, 4), all_of))
    assert cuts >= soak.pick(2, 12)
    soak.figure(f"cuts of a loss network's replacement ({way})", cuts)


def test_a_study_is_whole_or_not_there(folders: Folders, soak: Soak) -> None:
    out = folders.out
    count = count_changes(folders.make, out.parent)
    cuts = list(soak.pick(towards_the_end(14, 2), all_of)(count))
    for number in cuts:
        shutil.rmtree(out)
        cut_before(number, folders.make, out.parent)
        with contextlib.suppress(OutputError):  # it holds a study: the one that was cut off
            folders.make()
        assert {name for name in content(out) if not name.startswith(".")} == {"key.json", "page/index.html"}
        assert load_key(out).study in (out / PAGE).read_text("utf-8")
        assert leftovers(out) == [], number
    assert len(cuts) >= soak.pick(7, 14)
    soak.figure("cuts of a study's making", len(cuts))


def test_photos_that_replace_others(
    make_model: Callable[..., Path], tmp_path: Path, store: Path, soak: Soak
) -> None:
    model = ccfpse.load(make_model(style=True), device="cpu")
    layouts = find_layouts(store, None, model, None, "auto")
    out = tmp_path / "photos" / "out"

    def write(seed: int) -> Callable[[], object]:
        return lambda: synthesize_files(
            model,
            layouts,
            Output(folder=out, format="png", size="input", overwrite=True),
            style="prior",
            seed=seed,
            batch=1,
            skip_bad=False,
            progress=silent,
            warn=lambda text: None,
        )

    photos = Replacement(out, write(0), write(1), lambda: None)
    cuts = photos.try_cuts(soak.pick(towards_the_end(8, 2), all_of), is_mixed=True)
    assert cuts >= soak.pick(4, 8)
    soak.figure("cuts of photos' replacement", cuts)


def test_a_process_can_be_cut_before_each_of_its_changes(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "a").write_text("")
        os.rename(tmp_path / "a", tmp_path / "b")  # noqa: PTH104
        (tmp_path / "b").unlink()

    assert count_changes(work, tmp_path) == 3
    found = []
    for number in range(1, 4):
        cut_before(number, work, tmp_path)
        found.append(sorted(f.name for f in tmp_path.iterdir()))
    assert found == [[], ["a"], ["b"]]
