"""Evaluations that are stopped, repeated, or run beside each other."""

import dataclasses
import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from ccfpse.config import Settings
from ccfpse.errors import OutputError
from ccfpse.evaluation.evaluate import evaluate
from ccfpse.evaluation.inputs import Places
from ccfpse.prepared import open_store
from tests.evaluation.photos import no_progress

CPU = torch.device("cpu")


def test_a_stopped_evaluation_goes_on_where_it_was(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccfpse.evaluation.records._PART", 1)
    whole = evaluate(settings, places, CPU, no_progress)
    shutil.rmtree(places.out)
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    seen: list[int] = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        if done == 4:  # the last photo's part is not written yet
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(settings, places, CPU, stop)
    assert not places.out.exists()
    again: list[int] = []
    metrics = evaluate(settings, places, CPU, lambda done, total: again.append(done))
    assert (seen, again) == ([1, 2, 3, 4], [4])
    assert metrics == whole
    kept = list(Path(os.environ["XDG_CACHE_HOME"], "ccfpse", "measured").iterdir())
    assert len(kept) == 1  # of the real photos


def test_real_photos_are_looked_at_once_for_all_models(settings: Settings, places: Places) -> None:
    evaluate(settings, places, CPU, no_progress)
    seen: list[int] = []
    other = dataclasses.replace(places, out=places.out / "other")
    evaluate(settings, other, CPU, lambda done, total: seen.append(done))
    assert seen == [4]  # of 4: the two real ones are known


def test_another_photo_is_another_evaluation(settings: Settings, places: Places) -> None:
    before = evaluate(settings, places, CPU, no_progress)
    split = open_store(places.prepared).split("val")
    Image.fromarray(split.image(0)).save(places.synthesized / "town/a.png")
    assert evaluate(settings, places, CPU, no_progress)["miou"] != before["miou"]


def test_two_evaluations_of_the_same_photos_at_once_are_refused(settings: Settings, places: Places) -> None:
    def second(done: int, total: int) -> None:
        for out, words in (
            (places.out, "evaluation is in use by process"),
            (other, "its evaluation is in use by"),
        ):
            with pytest.raises(OutputError, match=words):
                evaluate(settings, dataclasses.replace(places, out=out), CPU, no_progress)

    other = places.out.with_name("other")
    evaluate(settings, places, CPU, second)
    assert not other.exists()


def test_an_output_folder_that_is_a_file_is_refused_before_any_work(
    settings: Settings, places: Places
) -> None:
    places.out.write_text("")
    seen: list[int] = []
    with pytest.raises(OutputError, match="is not a folder"):
        evaluate(settings, places, CPU, lambda done, total: seen.append(done))
    assert seen == []
