"""One process's part of a few steps in float64, for a comparison of two processes with one."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from ccfpse.config import Settings
from ccfpse.loss_network import load_loss_network
from ccfpse.prepared import PreparedStore, open_store
from ccfpse.training.data import AugmentedSamples, Positions, RawBatch, batches, in_parts
from ccfpse.training.networks import build_networks
from ccfpse.training.processes import Processes, together
from ccfpse.training.step import Networks
from ccfpse.training.trainer import Trainer


class WideTrainer(Trainer):
    """Computes in float64, and keeps the gradients of its first step."""

    def __post_init__(self) -> None:
        for network in (*self.networks.creators, self.networks.discriminator, self.networks.loss_network):
            network.double()
        super().__post_init__()
        self.first: dict[str, torch.Tensor] = {}
        for optimiser, network in (
            (self.generator_adam, self.creators),
            (self.discriminator_adam, self.networks.discriminator),
        ):
            optimiser.register_step_pre_hook(lambda *_, network=network: self._note(network))

    def _note(self, network: torch.nn.Module) -> None:
        for name, weight in network.named_parameters():
            self.first.setdefault(
                f"{'discriminator' if network is self.networks.discriminator else 'creators'}.{name}",
                weight.grad.clone(),
            )

    def inputs(self, part: RawBatch) -> tuple[torch.Tensor, torch.Tensor]:
        layout, real = super().inputs(part)
        return layout.double(), real.double()

    def noise(self, step: int, turn: int, n_parts: int) -> list[torch.Tensor | None]:
        found = super().noise(step, turn, n_parts)
        return [None if noise is None else noise.double() for noise in found]


def train(variants: dict[str, Settings], data: Path, loss_network: Path, folder: Path, steps: int) -> None:
    """Leaves of every variant losses, first gradients and the state after the last step in ``folder``."""
    torch.set_num_threads(1)
    with together("cpu") as processes:
        for name, settings in variants.items():
            found = _trained(settings, open_store(data), loss_network, steps, processes)
            torch.save(found, folder / f"{name} {processes.rank} of {processes.count}.pt")


def _trained(
    settings: Settings, store: PreparedStore, loss_network: Path, steps: int, processes: Processes
) -> dict[str, Any]:
    untrained, train = build_networks(settings, store.class_table), settings.train
    networks = Networks(
        untrained.generator, untrained.discriminator, untrained.encoder, load_loss_network(loss_network)[0]
    )
    trainer = WideTrainer(settings, store.class_table, networks, processes)
    samples = AugmentedSamples(store.split("train"), settings.data.size, settings.data.flip, train.seed)
    positions = Positions(range(steps), train.batch, processes.rank, processes.count, train.accumulation)
    losses = []
    for step, batch in enumerate(batches(samples, positions, workers=0, pin=False)):
        found = trainer.step(step, in_parts(batch, train.accumulation)).losses
        losses.append(dict(zip(found, processes.mean(torch.stack(list(found.values()))), strict=True)))
    return {"losses": losses, "gradients": trainer.first, "state": trainer.state()}


def variants_of(settings: Settings) -> dict[str, Settings]:
    """Two pairs of networks, four photos a step at once and in two parts."""
    return {
        f"{generator}-{discriminator}, {parts}": dataclasses.replace(
            settings,
            model=dataclasses.replace(
                settings.model, generator=generator, discriminator=discriminator, style=style
            ),
            train=dataclasses.replace(
                settings.train, batch=4, accumulation=accumulation, average=0.9, reuse_fake=style
            ),
        )
        for generator, discriminator, style in (("ccfpse", "fpse", True), ("spade", "patchgan", False))
        for parts, accumulation in (("whole", 1), ("in parts", 2))
    }
