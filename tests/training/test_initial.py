import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ccfpse.config import Settings, load_settings
from ccfpse.errors import ModelFileError
from ccfpse.labelspace import ClassTable
from ccfpse.modelfile import load_model
from ccfpse.training.initial import start_from
from ccfpse.training.networks import build_networks


@pytest.fixture
def settings(params: Path) -> Settings:
    return load_settings(params)


def _reversed(table: ClassTable) -> ClassTable:
    return dataclasses.replace(table, classes=tuple(reversed(table.classes)))


def test_weights_follow_their_class_to_its_new_channel(
    settings: Settings, table: ClassTable, make_model: Callable[..., Path]
) -> None:
    path = make_model(boundary=True)
    networks = build_networks(settings, _reversed(table))
    said = start_from(path, networks, _reversed(table), settings)
    old = load_model(path).weights["generator.blocks.up3.conv1.kernels.first.weight"]
    new = networks.generator.blocks["up3"].conv1.kernels.first.weight
    order = [2, 1, 0, *range(3, old.shape[1])]
    torch.testing.assert_close(new.detach(), old[:, order], rtol=0, atol=0)
    assert "5 of 5 layout channels" in said


def test_a_class_the_file_does_not_know_keeps_its_random_start(
    settings: Settings, table: ClassTable, make_model: Callable[..., Path]
) -> None:
    renamed = dataclasses.replace(
        table, classes=(dataclasses.replace(table.classes[0], name="new"), *table.classes[1:])
    )
    networks = build_networks(settings, renamed)
    before = networks.generator.start.weight.detach().clone()
    start_from(make_model(boundary=True), networks, renamed, settings)
    after = networks.generator.start.weight.detach()
    torch.testing.assert_close(after[:, 0], before[:, 0], rtol=0, atol=0)
    assert not torch.equal(after[:, 1], before[:, 1])


def test_another_width_is_refused_by_name(
    settings: Settings, table: ClassTable, make_model: Callable[..., Path]
) -> None:
    wider = dataclasses.replace(settings, model=dataclasses.replace(settings.model, width=4))
    with pytest.raises(ModelFileError, match=r"model\.width"):
        start_from(make_model(boundary=True), build_networks(wider, table), table, wider)
