import dataclasses
from pathlib import Path

from ccfpse.classfiles import load_class_table
from ccfpse.config import load_preset, load_settings
from ccfpse.labelspace import ClassTable
from ccfpse.training.estimate import estimate
from ccfpse.training.networks import build_networks


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
