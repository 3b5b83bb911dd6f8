"""Sections of `params.yaml`: one frozen record each, every value checked, none with a default.

What two sections must agree on is checked in `ccfpse.config`, where they come together.
"""

from ccfpse.sections.common import need
from ccfpse.sections.data import DATASETS, CustomData, CustomFolders, Dataset, DataSettings, SampleScenes
from ccfpse.sections.networks import (
    CCFPSE_SWITCHES,
    JudgeSettings,
    LossNetworkSettings,
    ModelSettings,
    SmallLossNetwork,
)
from ccfpse.sections.results import (
    CompareSettings,
    EvaluateSettings,
    PathSettings,
    ProtocolName,
    RuntimeSettings,
    SynthesizeSettings,
)
from ccfpse.sections.training import TrainSettings

__all__ = [
    "CCFPSE_SWITCHES",
    "DATASETS",
    "CompareSettings",
    "CustomData",
    "CustomFolders",
    "DataSettings",
    "Dataset",
    "EvaluateSettings",
    "JudgeSettings",
    "LossNetworkSettings",
    "ModelSettings",
    "PathSettings",
    "ProtocolName",
    "RuntimeSettings",
    "SampleScenes",
    "SmallLossNetwork",
    "SynthesizeSettings",
    "TrainSettings",
    "need",
]
