"""The networks of a run with their optimisers and average, and how one step changes them."""

import dataclasses
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from ccfpse.config import Settings
from ccfpse.device import precision_context
from ccfpse.labelspace import ClassTable
from ccfpse.layout import make_layout
from ccfpse.models import STYLE_DIM, Generator
from ccfpse.training.average import Average
from ccfpse.training.data import RawBatch, as_image, share_of_batch, style_noise
from ccfpse.training.processes import Processes
from ccfpse.training.schedule import rate_factor
from ccfpse.training.step import Networks, discriminator_losses, fresh_fake, generator_losses

Number = TypeVar("Number", Tensor, float)


@dataclasses.dataclass(frozen=True)
class Figures(Generic[Number]):
    """Of one step: tensors without a shape, or numbers."""

    losses: dict[str, Number]
    """Unweighted means over the batch."""
    gradients: dict[str, Number]
    """Norms of the gradients of all weights that an optimiser changes."""


@dataclasses.dataclass
class Trainer:
    """Networks, optimisers and average of one run, and how one step changes them."""

    settings: Settings
    class_table: ClassTable
    networks: Networks
    processes: Processes

    def __post_init__(self) -> None:
        train, networks = self.settings.train, self.networks
        for network in (networks.generator, networks.discriminator, networks.encoder, networks.loss_network):
            if network is not None:
                network.to(self.processes.device)
                if train.channels_last:
                    network.to(memory_format=torch.channels_last)
        self.creators = networks.creators.train()
        networks.discriminator.train()
        betas = train.betas
        self.generator_adam = torch.optim.Adam(
            self.creators.parameters(), train.learning_rate_generator, betas=betas, fused=True
        )
        self.discriminator_adam = torch.optim.Adam(
            networks.discriminator.parameters(), train.learning_rate_discriminator, betas=betas, fused=True
        )
        self.average = Average(networks.generator, train.average) if train.average else None

    @property
    def shown_generator(self) -> Generator:
        """What is saved and shown: the average where there is one."""
        return self.networks.generator if self.average is None else self.average.generator

    def step(self, step: int, parts: list[RawBatch]) -> Figures[Tensor]:
        """One update of generator and encoder, then one of the discriminator."""
        train = self.settings.train
        factor = rate_factor(step, train.steps, train.decay_start)
        weights = {
            "hinge": 1.0,
            "features": train.weight_features,
            "perceptual": train.weight_perceptual,
            "style": train.weight_style,
        }
        inputs = [self.inputs(part) for part in parts]
        noise = [self.noise(step, turn, len(parts)) for turn in (0, 1)]
        found: list[dict[str, Tensor]] = []
        fakes: list[Tensor] = []

        for (layout, real), eps in zip(inputs, noise[0], strict=True):
            with self._autocast():
                named, fake = generator_losses(self.networks, layout, real, eps)
            total = torch.stack([weights[name] * loss for name, loss in named.items()]).sum()
            torch.autograd.backward(total / len(parts))
            found.append({name: loss.detach() for name, loss in named.items()})
            fakes.append(fake.detach())
        rate = train.learning_rate_generator * factor
        gradients = {"gradient_generator": self._update(self.generator_adam, rate)}
        if self.average is not None:
            self.average.update(self.networks.generator, step + 1)

        for i, ((layout, real), eps) in enumerate(zip(inputs, noise[1], strict=True)):
            if not train.reuse_fake:
                with self._autocast():
                    fakes[i] = fresh_fake(self.networks, layout, real, eps)
            with self._autocast():
                named = discriminator_losses(self.networks.discriminator, layout, real, fakes[i])
            total = named["fake"] + named["real"]
            torch.autograd.backward(total / len(parts))
            found[i].update({f"discriminator_{name}": loss.detach() for name, loss in named.items()})
        rate = train.learning_rate_discriminator * factor
        gradients["gradient_discriminator"] = self._update(self.discriminator_adam, rate)
        losses = {name: torch.stack([part[name] for part in found]).mean() for name in found[0]}
        return Figures(losses, gradients)

    def _update(self, optimiser: torch.optim.Adam, rate: float) -> Tensor:
        """Changes the weights; gives the norm of their gradients."""
        (group,) = optimiser.param_groups
        group["lr"] = rate
        self.processes.average_gradients(group["params"])
        norms = torch._foreach_norm([p.grad for p in group["params"] if p.grad is not None])
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)  # as large as the weights, and nothing to the other's turn
        total: Tensor = torch.stack(norms).norm()
        return total

    def _autocast(self) -> AbstractContextManager[object]:
        return precision_context(self.processes.device, self.settings.train.precision)

    def inputs(self, part: RawBatch) -> tuple[Tensor, Tensor]:
        """Layout and real photos of a batch, on this process's device."""
        device = self.processes.device
        moved = {key: value.to(device, non_blocking=True) for key, value in part.items()}
        layout = make_layout(moved["labels"].long(), self.class_table.n_labels, moved.get("instances"))
        real = as_image(moved["image"])
        if self.settings.train.channels_last:
            layout = layout.to(memory_format=torch.channels_last)
            real = real.to(memory_format=torch.channels_last)
        return layout, real

    def noise(self, step: int, turn: int, n_parts: int) -> list[Tensor | None]:
        """This process's share of the step's style noise, part by part."""
        if self.networks.encoder is None:
            return [None] * n_parts
        train = self.settings.train
        whole = style_noise(train.seed, step, turn, train.batch, STYLE_DIM)
        share = whole[share_of_batch(train.batch, self.processes.rank, self.processes.count, n_parts)]
        return list(share.to(self.processes.device).chunk(n_parts))

    def is_finite(self) -> bool:
        """Whether every trained weight is a finite number."""
        networks = (self.creators, self.networks.discriminator)
        return all(bool(p.isfinite().all()) for network in networks for p in network.parameters())

    def state(self) -> dict[str, Any]:
        """Everything a step changes."""
        return {
            "creators": self.creators.state_dict(),
            "discriminator": self.networks.discriminator.state_dict(),
            "generator_adam": self.generator_adam.state_dict(),
            "discriminator_adam": self.discriminator_adam.state_dict(),
            "average": None if self.average is None else self.average.generator.state_dict(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.creators.load_state_dict(state["creators"])
        self.networks.discriminator.load_state_dict(state["discriminator"])
        self.generator_adam.load_state_dict(state["generator_adam"])
        self.discriminator_adam.load_state_dict(state["discriminator_adam"])
        if self.average is not None:
            self.average.generator.load_state_dict(state["average"])
