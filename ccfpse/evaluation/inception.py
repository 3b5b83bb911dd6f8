"""pytorch-fid's Inception network, its weights read from a file without running code out of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
from torch import Tensor, nn
from torchvision.models import inception_v3

from ccfpse.errors import ModelFileError
from ccfpse.weightsfile import read_weights

N_FEATURES = 2048
FILE = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
_SIDE = 299  # height and width that photos are resized to


class Inception(nn.Module):
    """Features of pool3, (B, 2048), of photos, uint8 (B, 3, H, W).

    pytorch-fid's own constructor downloads its weights and lets pickle run what is in them, so that
    its blocks are put together here; a test compares the distance with that of pytorch-fid.
    """

    def __init__(self) -> None:
        super().__init__()
        # The weights of pytorch-fid have 1008 classes; init_weights would take half a minute.
        network = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
        network.Mixed_5b = FIDInceptionA(192, pool_features=32)
        network.Mixed_5c = FIDInceptionA(256, pool_features=64)
        network.Mixed_5d = FIDInceptionA(288, pool_features=64)
        network.Mixed_6b = FIDInceptionC(768, channels_7x7=128)
        network.Mixed_6c = FIDInceptionC(768, channels_7x7=160)
        network.Mixed_6d = FIDInceptionC(768, channels_7x7=160)
        network.Mixed_6e = FIDInceptionC(768, channels_7x7=192)
        network.Mixed_7b = FIDInceptionE_1(1280)
        network.Mixed_7c = FIDInceptionE_2(2048)
        network.dropout = nn.Identity()
        self.network = network

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """Features (B, 2048) of photos (B, 3, H, W), resized as pytorch-fid does."""
        photos = pixels.to(self._device).float() / 255
        return self._features(
            F.interpolate(photos, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False)
        )

    @torch.no_grad()
    def of_clean_resize(self, photos: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Features (B, 2048) of photos (H, W, 3), resized with a low-pass filter where they get smaller.

        Pillow's bicubic filter, channel by channel and without rounding in between.

        Source: Parmar et al. 2022, arXiv:2104.11222, section 3.
        """
        images = torch.from_numpy(np.stack([_clean_resize(photo) for photo in photos]))
        return self._features(images.to(self._device).permute(0, 3, 1, 2) / 255)

    @property
    def _device(self) -> torch.device:
        return next(self.parameters()).device

    def _features(self, image: Tensor) -> Tensor:
        """Of images in [0, 1], (B, 3, 299, 299)."""
        x = 2 * image - 1
        for layer in self._layers():
            x = layer(x)
        return x.flatten(1)

    def _layers(self) -> list[nn.Module]:
        """From the image to pool3; the auxiliary head and the classifier are left out."""
        left_out = ("AuxLogits", "dropout", "fc")
        return [layer for name, layer in self.network.named_children() if name not in left_out]


def _clean_resize(photo: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    channels = [
        np.asarray(
            Image.fromarray(photo[..., i].astype(np.float32)).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        )
        for i in range(3)
    ]
    clipped: npt.NDArray[np.float32] = np.stack(channels, axis=2).clip(0, 255)
    return clipped


def inception_path(given: str | None) -> Path:
    """The file of the weights: the one given, or pytorch-fid's cache."""
    return Path(given) if given else Path(torch.hub.get_dir()) / "checkpoints" / FILE


def missing_sentence(path: Path) -> str:
    """What to tell the user where `path` is not there."""
    return (
        f"{path}: pytorch-fid's Inception weights are not there; download {URL} to that path, or name your "
        "file in evaluate.inception; DVC does not see files outside the project: then repeat with "
        "`dvc repro --force --single-item evaluate`"
    )


def load_inception(path: Path, device: torch.device) -> Inception:
    """The network with the weights of `path`, in evaluation mode.

    Raises:
        ModelFileError: the file is missing, or not what pytorch-fid distributes.
    """
    if not path.is_file():
        raise ModelFileError(missing_sentence(path))
    inception = Inception()
    try:
        inception.network.load_state_dict(read_weights(path))
    except (ModelFileError, RuntimeError) as error:
        raise ModelFileError(
            f"{path}: does not hold pytorch-fid's Inception weights ({type(error).__name__}); download {URL}"
        ) from error
    return inception.eval().to(device)
