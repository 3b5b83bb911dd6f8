import dataclasses
from pathlib import Path

import pytest

from ccfpse.config import Settings, load_settings
from ccfpse.device import pick_device
from ccfpse.loss_network import prepare_loss_network
from ccfpse.prepared import open_store
from ccfpse.training.inputs import Places


@pytest.fixture
def settings(params: Path) -> Settings:
    found = load_settings(params)
    return dataclasses.replace(
        found,
        train=dataclasses.replace(found.train, steps=4, decay_start=2),
        runtime=dataclasses.replace(found.runtime, log_every=1, strip_every=2, checkpoint_every=2),
    )


@pytest.fixture
def places(store: Path, settings: Settings, tmp_path: Path) -> Places:
    folder = tmp_path / "loss_network"
    prepare_loss_network(
        open_store(store), settings.loss_network, folder, pick_device("cpu"), lambda done, total: None
    )
    return Places(data=store, loss_network=folder, judge=None, out=tmp_path / "training")
