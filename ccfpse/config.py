"""Settings: all sections of `params.yaml`, the only place with values.

No field has a default. Presets (`ccfpse/presets/*.yaml`) hold complete files.
"""

import dataclasses
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from ccfpse.errors import SettingsError
from ccfpse.opening import read_regular
from ccfpse.sections import (
    DATASETS,
    CompareSettings,
    DataSettings,
    EvaluateSettings,
    JudgeSettings,
    LossNetworkSettings,
    ModelSettings,
    PathSettings,
    RuntimeSettings,
    SynthesizeSettings,
    TrainSettings,
    need,
)
from ccfpse.strict import build
from ccfpse.yamltext import parse_yaml


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of `params.yaml`."""

    data: DataSettings
    model: ModelSettings
    loss_network: LossNetworkSettings
    judge: JudgeSettings
    train: TrainSettings
    synthesize: SynthesizeSettings
    evaluate: EvaluateSettings
    compare: CompareSettings
    paths: PathSettings
    runtime: RuntimeSettings

    def __post_init__(self) -> None:
        multiple = 2**self.model.doublings
        fitting = [max(1, round(side / multiple)) * multiple for side in self.data.size]
        need(
            fitting == list(self.data.size),
            f"data.size is {list(self.data.size)}; with model.doublings {self.model.doublings} both sides "
            f"must be multiples of {multiple}, such as {fitting}",
        )
        need(
            self.model.discriminator != "fpse" or tuple(self.data.size) != (32, 32),
            "data.size is [32, 32]; the discriminator fpse judges photos of [32, 64] and [64, 32] at least, "
            "patchgan those of [32, 32], too",
        )
        need(
            (self.loss_network.kind == "none") == (self.train.weight_perceptual == 0),
            f"train.weight_perceptual is {self.train.weight_perceptual}, but loss_network.kind is "
            f"{self.loss_network.kind}; kind none goes with weight 0, and only with it",
        )
        need(
            self.synthesize.style == "prior" or self.model.style,
            f"synthesize.style is {self.synthesize.style}, but model.style is false; use prior",
        )
        shares = self.runtime.processes * self.train.accumulation
        need(
            self.train.batch % shares == 0,
            f"train.batch {self.train.batch} cannot be split over runtime.processes {self.runtime.processes} "
            f"times train.accumulation {self.train.accumulation}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dictionaries and lists, as YAML and JSON hold them."""
        return {name: plain(getattr(self, name)) for name in (f.name for f in dataclasses.fields(self))}


def plain(section: Any) -> Any:
    """A settings record as plain dictionaries and lists."""
    content = dataclasses.asdict(section) if dataclasses.is_dataclass(section) else section  # type: ignore[arg-type]
    if isinstance(content, dict):
        return {key: plain(value) for key, value in content.items()}
    return [plain(value) for value in content] if isinstance(content, tuple | list) else content


def load_settings(path: Path) -> Settings:
    """Reads a complete settings file.

    Raises:
        SettingsError: not readable, no YAML, or a key or value that is refused.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); `ccfpse preset sample` writes a settings file"
        ) from error
    found = parse_yaml(content, str(path))
    try:
        return build(Settings, found)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def preset_text(name: str) -> str:
    """The settings file that ships under `name`.

    Raises:
        SettingsError: there is no such preset.
    """
    need(name in DATASETS, f"{name} is not a preset; there are {', '.join(DATASETS)}")
    return resources.files("ccfpse").joinpath("presets", f"{name}.yaml").read_text("utf-8")


def load_preset(name: str) -> Settings:
    """The settings of the preset `name`."""
    return build(Settings, yaml.safe_load(preset_text(name)))
