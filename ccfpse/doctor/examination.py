"""All findings in one record."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from ccfpse.config import Settings, load_settings
from ccfpse.device import cores
from ccfpse.doctor.installation import Extra, extras, versions
from ccfpse.doctor.machine import Device, Disk, Kernels, devices, disk, kernels
from ccfpse.doctor.project import Dvc, find_dvc
from ccfpse.doctor.weights import Weights, find_weights
from ccfpse.errors import CcfpseError
from ccfpse.git import Git, find_git


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What there is and what is missing."""

    versions: dict[str, str]
    extras: list[Extra]
    devices: list[Device]
    cores: int
    threads: int
    """That PyTorch computes with."""
    kernels: Kernels
    disk: Disk
    """At the outputs of the settings; at the working folder where there are none."""
    weights: list[Weights]
    settings: str
    """The settings file."""
    settings_problem: str | None
    """What is wrong with it; None: nothing."""
    git: Git | None
    dvc: Dvc | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return dataclasses.asdict(self)


def examine(params: Path) -> Examination:
    """Looks at the machine, the installation, and the project of the working folder.

    Args:
        params: settings file, which need not be there.
    """
    settings, problem = _settings(params)
    here = Path()
    return Examination(
        versions=versions(),
        extras=extras(),
        devices=devices(),
        cores=cores(),
        threads=torch.get_num_threads(),
        kernels=kernels(),
        disk=disk(here if settings is None else Path(settings.paths.training)),
        weights=find_weights(settings),
        settings=str(params),
        settings_problem=problem,
        git=find_git(here),
        dvc=find_dvc(here),
    )


def _settings(params: Path) -> tuple[Settings | None, str | None]:
    try:
        return load_settings(params), None
    except CcfpseError as error:
        return None, error.sentence
