"""What a training run reads, and whether it fits the settings."""

import dataclasses
import json
from pathlib import Path

from ccfpse.config import Settings
from ccfpse.errors import DataError
from ccfpse.files import refuse_foreign, sha256_file
from ccfpse.loss_network import load_loss_network
from ccfpse.modelfile import load_model
from ccfpse.prepared import PreparedStore, open_store
from ccfpse.training.runs import RunFolder

MODEL = "model.safetensors"
"""The model file's name in the folder that training writes."""


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a run finds its inputs and leaves its result."""

    data: Path
    loss_network: Path
    judge: Path | None
    """Scores the strip of pictures; None: nothing does."""
    out: Path


def open_inputs(settings: Settings, places: Places, extend: bool) -> tuple[PreparedStore, RunFolder]:
    """The prepared data and the folder of the run; what is wrong with the inputs is found here.

    Raises:
        CcfpseError: an input is missing or does not fit the settings, or `places.out` holds other files.
    """
    refuse_foreign(places.out, MODEL, "finished training")
    if settings.train.init is not None:
        load_model(Path(settings.train.init))  # refused here rather than after the networks are made
    store = open_store(places.data)
    found = (store.split("train").size, store.split("val").size, store.has_instances)
    wanted = (settings.data.load_size, settings.data.size, settings.data.instances)
    if found != wanted:
        raise DataError(
            f"{places.data}: was prepared with load_size, size, instances {found}, but the settings' "
            f"section data says {wanted}; run `ccfpse prepare` again"
        )
    _, record = load_loss_network(places.loss_network)
    init = settings.train.init
    folder = RunFolder.of(
        places.out,
        settings,
        extend,
        data=store.checksum,
        loss_network=json.dumps(record, sort_keys=True),
        init=None if init is None else sha256_file(Path(init)),
    )
    return store, folder
