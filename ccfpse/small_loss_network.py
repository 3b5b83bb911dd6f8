"""Trains the small loss network: as a segmentation network of the real training photos."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.perceptual import SmallPerceptualNetwork
from ccfpse.prepared import PreparedStore
from ccfpse.sections import SmallLossNetwork
from ccfpse.segmentation import Progress, train_segmentation


class SmallSegmentationNetwork(nn.Module):
    """The small loss network with a decoder on top, by which it is trained; images to logits.

    Args:
        width: of the loss network.
        n_classes: output channels.
    """

    def __init__(self, width: int, n_classes: int) -> None:
        super().__init__()
        self.encoder = SmallPerceptualNetwork(width)
        self.to_classes = nn.ModuleList(nn.Conv2d(n, n_classes, 1) for n in self.encoder.channels)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, n_classes, H, W) of images (B, 3, H, W): the sum of what every stage says."""
        stages = zip(self.to_classes, self.encoder(image), strict=True)
        said = [to_classes(features) for to_classes, features in stages]
        logits: Tensor = said.pop()
        while said:
            finer = said.pop()
            logits = finer + F.interpolate(
                logits, size=finer.shape[-2:], mode="bilinear", align_corners=False
            )
        return logits


def train_small_network(
    store: PreparedStore, settings: SmallLossNetwork, device: torch.device, progress: Progress
) -> SmallPerceptualNetwork:
    """A small loss network, trained to segment the real training photos; its decoder is thrown away."""
    table = store.class_table
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = SmallSegmentationNetwork(settings.width, len(table.evaluated_ids)).to(device)
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
    return network.encoder
