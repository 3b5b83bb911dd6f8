"""Files of published weights: which there are, what each makes possible, and where it is looked for.

Names, addresses and places are those of the modules that read the files.
"""

import dataclasses
import os
from pathlib import Path

from ccfpse import loss_network
from ccfpse.config import Settings
from ccfpse.evaluation import diversity, inception
from ccfpse.evaluation.protocols import PROTOCOLS
from ccfpse.segmenters import deeplab, drn, upernet


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A file that others publish."""

    network: str
    file: str
    """Its name, as published."""
    enables: str
    setting: str
    """Key of `params.yaml` that names another place."""
    source: str
    """Where its authors give it away."""
    path: str | None
    """Where it is looked for; None: nowhere, until the setting names it."""
    found: bool


def find_weights(settings: Settings | None) -> list[Weights]:
    """All of them.

    Args:
        settings: of the project; None: there are none, so that no file is named.
    """
    return [*_cached(settings), *_of_segmenters(settings)]


def _cached(settings: Settings | None) -> list[Weights]:
    vgg = None if settings is None else settings.loss_network.weights
    others = (None, None) if settings is None else (settings.evaluate.inception, settings.evaluate.lpips)
    return [
        _weights(
            "VGG-19",
            loss_network.VGG_FILE,
            "the perceptual loss of the paper (loss_network.kind: vgg19)",
            "loss_network.weights",
            loss_network.VGG_URL,
            loss_network.vgg_place(vgg),
        ),
        _weights(
            "Inception",
            inception.FILE,
            "FID and KID",
            "evaluate.inception",
            inception.URL,
            inception.inception_path(others[0]),
        ),
        _weights(
            "AlexNet",
            diversity.FILE,
            "LPIPS diversity (with the extra `diversity`)",
            "evaluate.lpips",
            diversity.URL,
            diversity.lpips_path(others[1]),
        ),
    ]


def _of_segmenters(settings: Settings | None) -> list[Weights]:
    found = []
    for module, dataset in ((drn, "cityscapes"), (deeplab, "coco-stuff"), (upernet, "ade20k")):
        protocols = [known for known in PROTOCOLS if known.dataset == dataset]
        is_chosen = settings is not None and settings.evaluate.protocol in [one.name for one in protocols]
        named = settings.evaluate.segmenter if settings is not None and is_chosen else ()
        for i, file in enumerate(module.FILES):
            found.append(
                _weights(
                    protocols[0].network.split(",")[0],
                    file,
                    f"evaluate.protocol {' or '.join(one.name for one in protocols)}",
                    "evaluate.segmenter",
                    module.SOURCE,
                    Path(named[i]) if named else None,
                )
            )
    return found


def _weights(network: str, file: str, enables: str, setting: str, source: str, path: Path | None) -> Weights:
    return Weights(
        network=network,
        file=file,
        enables=enables,
        setting=setting,
        source=source,
        path=None if path is None else str(path),
        found=path is not None and os.path.isfile(path),  # noqa: PTH113 - False where it may not be looked
    )
