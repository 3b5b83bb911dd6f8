"""The judge: a segmentation network, trained on the real training photos, that reads pictures into class ids.

Evaluation asks how much of a layout it finds in a synthesized photo, beside what it finds in the
real ones; training asks the same of its strip of pictures. It is never the loss network.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ccfpse.config import plain
from ccfpse.errors import DataError, ModelFileError, SettingsError
from ccfpse.files import read_json, refuse_foreign, replacing_folder, sha256_file, write_json
from ccfpse.judge_network import ARCHITECTURE, JudgeNetwork
from ccfpse.labelspace import ClassTable
from ccfpse.outputlock import output_lock, recover
from ccfpse.prepared import PreparedStore
from ccfpse.scores import Confusion, Scores
from ccfpse.sections import JudgeSettings
from ccfpse.segmentation import LabelledPhotos, Progress, all_batches, as_image, train_segmentation
from ccfpse.strict import build

RECORD = "judge.json"
WEIGHTS = "judge.safetensors"
_ADVICE = "run `ccfpse judge`"


class Judge:
    """Reads photos into class ids, and into features for a distance between sets of photos."""

    def __init__(self, network: JudgeNetwork, table: ClassTable, record: dict[str, Any]) -> None:
        self.class_table = table
        self.record = record
        """What `judge.json` holds: architecture, settings, scores on real photos, checksums."""
        self.n_features = network.n_features
        """D of `features`."""
        self._network = network.eval()
        self._device = next(network.parameters()).device
        self._ids = torch.tensor(table.evaluated_ids, device=self._device)

    def predict(self, pixels: Tensor) -> Tensor:
        """Class ids, int64 (B, H, W), of photos, uint8 (B, 3, H, W): always evaluated classes."""
        return self.read(pixels)[0]

    def features(self, pixels: Tensor) -> Tensor:
        """Features, float32 (B, D), of photos, uint8 (B, 3, H, W)."""
        return self.read(pixels)[1]

    @torch.no_grad()
    def read(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """What `predict` and `features` give, in one pass."""
        logits, features = self._network.logits_and_features(as_image(pixels.to(self._device)))
        return self._ids[logits.argmax(dim=1)], features


def train_judge(
    store: PreparedStore, settings: JudgeSettings, out: Path, device: torch.device, progress: Progress
) -> Scores:
    """Trains a judge on the training split and writes it to the folder `out`, whole or not at all.

    Returns:
        Its scores on the real validation photos.

    Raises:
        DataError: the store has no photo or no evaluated class.
        OutputError: `out` cannot be written, or another command writes it.
    """
    with output_lock(out):
        return _train_judge(store, settings, out, device, progress)


def _train_judge(
    store: PreparedStore, settings: JudgeSettings, out: Path, device: torch.device, progress: Progress
) -> Scores:
    refuse_foreign(out, RECORD, "judge")
    table = store.class_table
    network = _new_network(table, settings.enlarge, settings.seed).to(device)
    train_segmentation(
        network,
        store.split("train"),
        table,
        steps=settings.steps,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        device=device,
        progress=progress,
    )
    val = store.split("val")
    scores = score_photos(Judge(network, table, {}), val, settings.batch)
    with replacing_folder(out) as folder:
        weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
        (folder / WEIGHTS).write_bytes(save(weights))
        record = {
            "architecture": ARCHITECTURE,
            "settings": plain(settings),
            "class_table": table.to_dict(),
            "store_checksum": store.checksum,
            "real_validation": {**dataclasses.asdict(scores), "photos": len(val), "size": list(val.size)},
            "sha256": sha256_file(folder / WEIGHTS),
        }
        write_json(folder / RECORD, record)
    return scores


def score_photos(judge: Judge, photos: LabelledPhotos, batch: int) -> Scores:
    """How well the judge reads real photos back into their labels."""
    confusion = Confusion(judge.class_table)
    for pixels, labels in all_batches(photos, batch):
        confusion.add(labels.numpy(), judge.predict(pixels).cpu().numpy().astype(np.int64))
    return confusion.scores()


def load_judge(folder: Path, device: torch.device) -> Judge:
    """The judge that `train_judge` wrote to `folder`, on `device`.

    Raises:
        ModelFileError: the folder holds none, or a damaged one.
    """
    recover(folder)
    record = read_json(folder / RECORD, ModelFileError, _ADVICE)
    try:
        table = ClassTable.from_dict(record["class_table"])
        settings = build(JudgeSettings, record["settings"], f"{RECORD}: settings")
        if not isinstance(record["architecture"], str):
            raise TypeError("architecture")
        network = _new_network(table, settings.enlarge, seed=0)
        if record["sha256"] != sha256_file(folder / WEIGHTS):
            raise ModelFileError(
                f"{folder / WEIGHTS}: is not the file that {RECORD} describes; {_ADVICE} again"
            )
        network.load_state_dict(load_file(folder / WEIGHTS))
    except OSError as error:
        raise ModelFileError(
            f"{folder / WEIGHTS}: cannot be read ({error.strerror or error}); {_ADVICE}"
        ) from error
    except (
        *(SafetensorError, SettingsError, DataError),
        *(RuntimeError, KeyError, TypeError, ValueError),
    ) as error:
        raise ModelFileError(
            f"{folder}: holds no judge, or a damaged one ({type(error).__name__}); {_ADVICE} again"
        ) from error
    return Judge(network.to(device), table, record)


def _new_network(table: ClassTable, enlarge: int, seed: int) -> JudgeNetwork:
    """An untrained network; the global source of randomness, which constructors use, is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return JudgeNetwork(len(table.evaluated_ids), enlarge)
