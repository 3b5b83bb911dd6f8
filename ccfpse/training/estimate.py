"""What a run will need, found out without running it: parameters and memory."""

import contextlib
import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from ccfpse.config import Settings
from ccfpse.device import precision_context
from ccfpse.labelspace import ClassTable
from ccfpse.models import STYLE_DIM, PerceptualNetwork, SmallPerceptualNetwork
from ccfpse.training.networks import shape_networks
from ccfpse.training.step import Networks, generator_losses

_BYTES_PER_PARAMETER = 4 * 4  # weight, gradient, and Adam's two moments, float32
_SAVED_PER_PARAMETER = 3 * 4  # gradients are not in a checkpoint


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Parameters of each network and memory of one training process."""

    parameters: dict[str, int]
    state_bytes: int
    """Weights, gradients, optimiser state, the average where there is one, and the loss network."""
    activation_bytes: int
    """What the generator's step keeps for its backward pass; the step's largest demand."""
    checkpoint_bytes: int
    """On the disk, and in the machine's memory while it is written."""


def estimate(settings: Settings, class_table: ClassTable) -> Estimate:
    """Runs the generator's forward pass on tensors without content and counts what it keeps."""
    with FakeTensorMode():
        untrained = shape_networks(settings, class_table)
        loss_network = _loss_network(settings)
        networks = Networks(untrained.generator, untrained.discriminator, untrained.encoder, loss_network)
        share = settings.train.batch // settings.runtime.processes // settings.train.accumulation
        height, width = settings.data.size
        layout = torch.empty(share, untrained.generator.n_layout, height, width)
        real = torch.empty(share, 3, height, width)
        noise = torch.empty(share, STYLE_DIM) if settings.model.style else None
        precision = precision_context(torch.device("cpu"), settings.train.precision)
        with precision, kept_for_backward() as kept:
            named, _ = generator_losses(networks, layout, real, noise)
        del named
    modules = untrained.named()
    parameters = {name: sum(p.numel() for p in module.parameters()) for name, module in modules.items()}
    average = parameters["generator"] * 4 if settings.train.average else 0
    state = sum(parameters.values()) * _BYTES_PER_PARAMETER + average
    checkpoint = sum(parameters.values()) * _SAVED_PER_PARAMETER + average
    if loss_network is not None:
        modules["loss network"] = loss_network
        state += sum(p.numel() for p in loss_network.parameters()) * 4
    return Estimate(parameters, state, kept_bytes(kept, *modules.values()), checkpoint)


@contextlib.contextmanager
def kept_for_backward() -> Iterator[dict[int, Tensor]]:
    """What is kept for backward passes while the block runs, by storage."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield kept


def kept_bytes(kept: dict[int, Tensor], *networks: nn.Module) -> int:
    """Of kept tensors, the networks' own weights not counted."""
    weights = {p.untyped_storage()._cdata for network in networks for p in network.parameters()}
    return sum(tensor.untyped_storage().nbytes() for key, tensor in kept.items() if key not in weights)


def _loss_network(settings: Settings) -> PerceptualNetwork | SmallPerceptualNetwork | None:
    small = settings.loss_network.small
    if settings.loss_network.kind == "vgg19":
        return PerceptualNetwork().requires_grad_(False)
    return None if small is None else SmallPerceptualNetwork(small.width).requires_grad_(False)
