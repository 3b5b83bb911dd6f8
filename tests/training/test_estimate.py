import dataclasses
from pathlib import Path

import pytest

from ccfpse.classfiles import load_class_table
from ccfpse.config import Settings, load_preset, load_settings
from ccfpse.labelspace import ClassTable
from ccfpse.prepared import open_store
from ccfpse.training.checkpoint import n_bytes, read_checkpoint
from ccfpse.training.estimate import estimate
from ccfpse.training.fit import fit
from ccfpse.training.inputs import Places
from ccfpse.training.networks import build_networks
from tests.training.told import Told


def test_parameters_are_those_of_the_networks(params: Path, table: ClassTable) -> None:
    settings = load_settings(params)
    networks = build_networks(settings, table)
    for name, network in networks.named().items():
        assert estimate(settings, table).parameters[name] == sum(p.numel() for p in network.parameters())


def test_activations_grow_with_the_share_of_the_batch(params: Path, table: ClassTable) -> None:
    settings = load_settings(params)
    double = dataclasses.replace(settings, train=dataclasses.replace(settings.train, batch=4))
    ratio = estimate(double, table).activation_bytes / estimate(settings, table).activation_bytes
    assert 1.8 < ratio < 2.05


def test_the_paper_s_networks_are_counted_without_being_built() -> None:
    found = estimate(load_preset("cityscapes"), load_class_table("cityscapes"))
    assert round(found.parameters["generator"] / 1e6) == 128
    assert round(found.parameters["encoder"] / 1e6, 2) == 10.46
    assert found.activation_bytes > 10 * 2**30


@pytest.mark.slow
def test_a_checkpoint_is_as_large_as_estimated(settings: Settings, places: Places) -> None:
    settings = dataclasses.replace(settings, train=dataclasses.replace(settings.train, average=0.9))
    fit(settings, places, Told())
    (path,) = places.out.parent.glob(".training.partial-*/step-*.pt")
    found = estimate(settings, open_store(places.data).class_table).checkpoint_bytes
    assert n_bytes(read_checkpoint(path)) == pytest.approx(found, rel=0.05)
