"""Networks, as pure modules: tensors and plain numbers in, tensors out."""

from ccfpse.models.batch_norm import BatchNorm2d
from ccfpse.models.discriminator import Discriminator
from ccfpse.models.encoder import STYLE_DIM, StyleEncoder, sample_style
from ccfpse.models.generator import Generator
from ccfpse.models.initialise import initialise
from ccfpse.models.perceptual import PerceptualNetwork, SmallPerceptualNetwork
from ccfpse.models.sizes import check_size, size_above
from ccfpse.models.spectral_norm import SpectralNormConv2d, refresh_spectral_norms

__all__ = [
    "STYLE_DIM",
    "BatchNorm2d",
    "Discriminator",
    "Generator",
    "PerceptualNetwork",
    "SmallPerceptualNetwork",
    "SpectralNormConv2d",
    "StyleEncoder",
    "check_size",
    "initialise",
    "refresh_spectral_norms",
    "sample_style",
    "size_above",
]
