"""A run goes on from another one where it may, and only there."""

import dataclasses
import re
from typing import Any

import pytest
import torch

from ccfpse.config import Settings
from ccfpse.errors import TrainingError
from ccfpse.modelfile import load_model
from ccfpse.training.fit import fit
from ccfpse.training.inputs import Places
from ccfpse.training.trainer import Figures, Trainer
from tests.training.told import Told, contents

pytestmark = pytest.mark.slow


def changed(settings: Settings, **train: Any) -> Settings:
    return dataclasses.replace(settings, train=dataclasses.replace(settings.train, **train))


def elsewhere(places: Places) -> Places:
    return dataclasses.replace(places, out=places.out.with_name("elsewhere"))


def test_more_steps_go_on_from_a_finished_run_whose_rates_had_not_begun_to_fall(
    settings: Settings, places: Places
) -> None:
    """Log points of the shorter run's end included, which is none of the longer one's."""
    every = dataclasses.replace(settings.runtime, log_every=2, strip_every=2)
    settings = dataclasses.replace(settings, runtime=every)
    longer = changed(settings, steps=6, decay_start=4)
    fit(longer, elsewhere(places), Told())
    fit(changed(settings, steps=3, decay_start=3), places, Told())
    told = Told()
    fit(longer, places, told)
    assert told.first == 3
    assert contents(places.out) == contents(elsewhere(places).out)
    assert "extends" not in load_model(places.out / "model.safetensors").provenance


def test_more_steps_start_anew_where_rates_had_fallen_and_say_how_to_extend(
    settings: Settings, places: Places
) -> None:
    fit(settings, places, Told())
    told = Told()
    fit(changed(settings, steps=6), places, told)
    assert told.first == 0
    assert any("starting anew" in said and "--extend" in said for said in told.sentences)


def test_an_extended_run_goes_on_and_says_so_in_its_model_file(settings: Settings, places: Places) -> None:
    fit(settings, places, Told())
    longer = changed(settings, steps=7, learning_rate_generator=settings.train.learning_rate_generator / 2)
    with pytest.raises(KeyboardInterrupt):
        fit(longer, places, Told(last=7), extend=True)
    told = Told()
    fit(longer, places, told, extend=True)
    assert told.first == 6
    (course,) = load_model(places.out / "model.safetensors").provenance["extends"]
    assert course == {
        "steps": 4,
        "decay_start": 2,
        "learning_rate_generator": settings.train.learning_rate_generator,
        "learning_rate_discriminator": settings.train.learning_rate_discriminator,
        "until": 4,
    }


def test_extending_nothing_is_refused(settings: Settings, places: Places) -> None:
    with pytest.raises(TrainingError, match="no run to extend"):
        fit(settings, places, Told(), extend=True)


def test_a_run_never_goes_on_from_an_extended_one_by_itself(settings: Settings, places: Places) -> None:
    fit(changed(settings, steps=2, decay_start=2), places, Told())
    fit(changed(settings, steps=3, decay_start=3), places, Told(), extend=True)
    told = Told()
    fit(changed(settings, steps=4, decay_start=4), places, told)
    assert told.first == 2


def test_a_gradient_that_is_not_finite_ends_the_run_and_a_lower_rate_goes_on(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def spoiled(self: Trainer, number: int, parts: list[Any]) -> Figures[torch.Tensor]:
        if number != 3:
            return step(self, number, parts)
        hook = self.networks.generator.to_rgb.weight.register_hook(lambda gradient: gradient / 0)
        found = step(self, number, parts)
        hook.remove()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", spoiled)
        with pytest.raises(TrainingError, match=r"step 4: the norm gradient_generator is .*--extend"):
            fit(settings, places, Told())
    told = Told()
    fit(changed(settings, learning_rate_generator=1e-5), places, told, extend=True)
    assert told.first == 2


def spoil(patch: pytest.MonkeyPatch, spoiled: int) -> None:
    """Makes a loss of one step infinite."""
    step = Trainer.step

    def spoiling(self: Trainer, number: int, parts: list[Any]) -> Figures[torch.Tensor]:
        found = step(self, number, parts)
        bad = {"features": found.losses["features"] / 0} if number == spoiled else {}
        return dataclasses.replace(found, losses=found.losses | bad)

    patch.setattr(Trainer, "step", spoiling)


def test_before_its_first_checkpoint_a_failed_run_names_the_one_it_went_on_from(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(changed(settings, steps=2, decay_start=2), places, Told())
    (path,) = places.out.parent.glob(".training.partial-*/step-*.pt")
    with monkeypatch.context() as patch:
        spoil(patch, 2)
        with pytest.raises(TrainingError, match=f"step 3: .*{re.escape(str(path))}.*--extend"):
            fit(changed(settings, decay_start=4), places, Told())
    told = Told()
    fit(changed(settings, learning_rate_generator=1e-5), places, told, extend=True)
    assert told.first == 2


def test_extending_takes_the_run_that_failed_before_others_that_went_further(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(settings, places, Told())
    with monkeypatch.context() as patch:
        spoil(patch, 3)
        with pytest.raises(TrainingError, match=r"step-000000002\.pt.*--extend"):
            fit(changed(settings, learning_rate_generator=1.0), places, Told())
    told = Told()
    lower = changed(settings, steps=6, learning_rate_generator=1e-5)
    fit(lower, places, told, extend=True)
    assert told.first == 2
    told = Told()
    fit(changed(lower, steps=8), places, told, extend=True)
    assert told.first == 6


def test_going_on_elsewhere_is_said_and_recorded(
    settings: Settings, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(settings, places, Told(last=3))
    with monkeypatch.context() as patch:
        patch.setattr(torch, "get_num_threads", lambda: 77)
        told = Told()
        fit(settings, places, told)
    assert any("going on with threads 77 instead of " in said for said in told.sentences)
    here, there = load_model(places.out / "model.safetensors").provenance["machines"]
    assert here["threads"] != 77
    assert there == {**here, "threads": 77}


def test_a_run_goes_on_after_its_log_was_torn(settings: Settings, places: Places) -> None:
    fit(settings, elsewhere(places), Told())
    with pytest.raises(KeyboardInterrupt):
        fit(settings, places, Told(last=3))
    (log,) = places.out.parent.glob(".training.partial-*/log")
    series = log / "plots/metrics/hinge.tsv"
    series.write_text(series.read_text() + "4\t0.12")
    (log / "metrics.json").write_text("")
    (log / "plots/metrics/late.tsv").write_bytes(b"")
    fit(settings, places, Told())
    assert contents(places.out) == contents(elsewhere(places).out)
