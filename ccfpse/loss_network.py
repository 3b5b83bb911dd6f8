"""The loss network: whose features the perceptual loss compares. Never the judge.

Kinds: `vgg19` (torchvision's published weights), `small` (a little segmentation network, trained
here on the real training photos, a stand-in where VGG-19 cannot be had), `none`. A folder holds
the weights that training uses and a record that every report names it by.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ccfpse.config import plain
from ccfpse.errors import ModelFileError, SettingsError
from ccfpse.files import read_json, refuse_foreign, replacing_folder, sha256_file, write_json
from ccfpse.models.perceptual import PerceptualNetwork, SmallPerceptualNetwork
from ccfpse.outputlock import output_lock, recover
from ccfpse.prepared import PreparedStore
from ccfpse.sections import LossNetworkSettings, SmallLossNetwork
from ccfpse.segmentation import Progress
from ccfpse.small_loss_network import train_small_network
from ccfpse.strict import build
from ccfpse.weightsfile import read_weights

RECORD = "loss_network.json"
WEIGHTS = "loss_network.safetensors"
VGG_FILE = "vgg19-dcbb9e9d.pth"
VGG_URL = f"https://download.pytorch.org/models/{VGG_FILE}"
_ADVICE = "run `ccfpse loss-network`"
_NAMES = {
    "vgg19": "VGG-19 (torchvision, ImageNet)",
    "small": "small segmentation network of the training photos",
    "none": "none",
}

LossNetwork = PerceptualNetwork | SmallPerceptualNetwork


def prepare_loss_network(
    store: PreparedStore,
    settings: LossNetworkSettings,
    out: Path,
    device: torch.device,
    progress: Progress,
) -> dict[str, Any]:
    """Writes the loss network of these settings to the folder `out`, whole or not at all.

    Returns:
        Its record: kind, name, settings, and the weights' SHA-256 where there are weights.

    Raises:
        ModelFileError: VGG-19's weights are missing, or are not what they should be.
        DataError: the store has no photo or no evaluated class to train a small one on.
        OutputError: `out` cannot be written, or another command writes it.
    """
    with output_lock(out):
        return _prepare(store, settings, out, device, progress)


def _prepare(
    store: PreparedStore,
    settings: LossNetworkSettings,
    out: Path,
    device: torch.device,
    progress: Progress,
) -> dict[str, Any]:
    refuse_foreign(out, RECORD, "loss network")
    record: dict[str, Any] = {"kind": settings.kind, "name": _NAMES[settings.kind]}
    weights: dict[str, Tensor] = {}
    if settings.kind == "vgg19":
        path = vgg_path(settings.weights)
        weights = read_vgg(path)
        record |= {"source": path.name, "source_sha256": sha256_file(path)}
    elif settings.small is not None:
        network = train_small_network(store, settings.small, device, progress)
        weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
        record |= {"settings": plain(settings.small), "store_checksum": store.checksum}
    with replacing_folder(out) as folder:
        if weights:
            (folder / WEIGHTS).write_bytes(save(weights))
            record["sha256"] = sha256_file(folder / WEIGHTS)
        write_json(folder / RECORD, record)
    return record


def load_loss_network(folder: Path) -> tuple[LossNetwork | None, dict[str, Any]]:
    """The loss network that `prepare_loss_network` wrote, frozen and in evaluation mode, and its record.

    Returns:
        The network on the CPU, None for kind `none`; and the record.

    Raises:
        ModelFileError: the folder holds none, or a damaged one.
    """
    recover(folder)
    record = read_json(folder / RECORD, ModelFileError, _ADVICE)
    try:
        kind = record["kind"]
        if kind == "none":
            return None, record
        if record["sha256"] != sha256_file(folder / WEIGHTS):
            raise ModelFileError(
                f"{folder / WEIGHTS}: is not the file that {RECORD} describes; {_ADVICE} again"
            )
        weights = load_file(folder / WEIGHTS)
        if kind == "small":
            small = build(SmallLossNetwork, record["settings"], f"{RECORD}: settings")

        def make() -> LossNetwork:
            return PerceptualNetwork() if kind == "vgg19" else SmallPerceptualNetwork(small.width)

        with torch.device("meta"):  # whatever width the record tells, weights of that width are in the file
            make().load_state_dict(weights, assign=True)
        # Constructors use the global source of randomness; training's must not depend on them.
        with torch.random.fork_rng(devices=[]):
            network = make()
        network.load_state_dict(weights)
    except OSError as error:
        raise ModelFileError(
            f"{folder / WEIGHTS}: cannot be read ({error.strerror or error}); {_ADVICE}"
        ) from error
    except (SafetensorError, SettingsError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{folder}: holds no loss network, or a damaged one ({type(error).__name__}); {_ADVICE} again"
        ) from error
    return network.eval().requires_grad_(False), record


def vgg_place(given: str | None) -> Path:
    """Where VGG-19's weights are looked for: the file given, or torchvision's cache."""
    return Path(given) if given else Path(torch.hub.get_dir()) / "checkpoints" / VGG_FILE


def vgg_path(given: str | None) -> Path:
    """The file of VGG-19's weights: the one given, or torchvision's cache.

    Raises:
        ModelFileError: there is no such file; the sentence says how to get it, or do without.
    """
    path = vgg_place(given)
    if not path.is_file():
        raise ModelFileError(
            f"{path}: VGG-19's weights are not there; download {VGG_URL} to that path, or name your file in "
            "loss_network.weights, or do without: loss_network.kind none and train.weight_perceptual 0"
        )
    return path


def read_vgg(path: Path) -> dict[str, Tensor]:
    """The weights of `PerceptualNetwork`, out of a file of torchvision's whole VGG-19.

    Raises:
        ModelFileError: it is not such a file.
    """
    try:
        content = read_weights(path)
        with torch.device("meta"):
            expected = PerceptualNetwork().state_dict()
        wrong = next((name for name in expected if content[name].shape != expected[name].shape), None)
        if wrong is not None:
            raise ValueError(f"shape of {wrong}")
        weights = {name: content[name].float().contiguous() for name in expected}
    except (ModelFileError, KeyError, ValueError) as error:
        raise ModelFileError(
            f"{path}: does not hold torchvision's VGG-19 weights ({type(error).__name__}); download {VGG_URL}"
        ) from error
    return weights
