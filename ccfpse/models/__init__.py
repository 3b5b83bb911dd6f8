"""Networks, as pure modules: tensors and plain numbers in, tensors out."""

from ccfpse.models.batch_norm import BatchNorm2d
from ccfpse.models.ccfpse import ConditionalGenerator
from ccfpse.models.discriminator import Discriminator
from ccfpse.models.encoder import STYLE_DIM, StyleEncoder, sample_style
from ccfpse.models.fpse import PyramidDiscriminator
from ccfpse.models.generator import Generator
from ccfpse.models.initialise import initialise
from ccfpse.models.patchgan import PatchDiscriminator
from ccfpse.models.perceptual import PerceptualNetwork, SmallPerceptualNetwork
from ccfpse.models.pix2pixhd import Pix2PixHdGenerator
from ccfpse.models.sizes import check_size, size_above
from ccfpse.models.spade_generator import SpadeGenerator
from ccfpse.models.spectral_norm import (
    SpectralNormConv2d,
    refresh_spectral_norms,
    without_spectral_norms,
)

__all__ = [
    "STYLE_DIM",
    "BatchNorm2d",
    "ConditionalGenerator",
    "Discriminator",
    "Generator",
    "PatchDiscriminator",
    "PerceptualNetwork",
    "Pix2PixHdGenerator",
    "PyramidDiscriminator",
    "SmallPerceptualNetwork",
    "SpadeGenerator",
    "SpectralNormConv2d",
    "StyleEncoder",
    "check_size",
    "initialise",
    "refresh_spectral_norms",
    "sample_style",
    "size_above",
    "without_spectral_norms",
]
