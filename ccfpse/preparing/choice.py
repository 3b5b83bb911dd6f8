"""Which settings `ccfpse prepare` goes by: those in the working folder, or a preset."""

import dataclasses
from pathlib import Path

from ccfpse.config import Settings, load_preset, load_settings
from ccfpse.errors import SettingsError
from ccfpse.sections import DATASETS

PARAMS = Path("params.yaml")


def choose_settings(dataset: str | None, params: Path | None, source: Path | None) -> tuple[Settings, str]:
    """Settings of a data set, and where they are from.

    Args:
        dataset: name of a data set; None: the one of the settings file.
        params: settings file; None: `params.yaml` if it is there and is of this data set, else the preset.
        source: replaces `data.source`.

    Raises:
        SettingsError: no such data set, no settings, or a given file of another data set.
    """
    if dataset is not None and dataset not in DATASETS:
        raise SettingsError(f"{dataset} is not a data set; there are {', '.join(DATASETS)}")
    path = params or PARAMS
    if dataset is not None and params is None and not path.exists():
        return _with_source(load_preset(dataset), source), f"the preset {dataset}"
    settings = load_settings(path)
    if dataset is None or dataset == settings.data.dataset:
        return _with_source(settings, source), str(path)
    if params is not None:
        raise SettingsError(f"{path}: is of the data set {settings.data.dataset}, not of {dataset}")
    return _with_source(load_preset(dataset), source), f"the preset {dataset}"


def _with_source(settings: Settings, source: Path | None) -> Settings:
    if source is None:
        return settings
    return dataclasses.replace(settings, data=dataclasses.replace(settings.data, source=str(source)))
