"""Model files: one safetensors file that explains itself.

Weights under ``generator.``, ``encoder.`` and ``discriminator.``; the header holds, as JSON under
"ccfpse", the format's version, settings, class table and how the model was made. Loading one
runs no code from the file.
"""

from ccfpse.modelfile.description import ModelFile
from ccfpse.modelfile.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    make_discriminator,
    make_encoder,
    make_generator,
    with_prefix,
)
from ccfpse.modelfile.packing import Packing
from ccfpse.modelfile.storage import load_model, save_model

__all__ = [
    "ModelFile",
    "Packing",
    "build_discriminator",
    "build_encoder",
    "build_generator",
    "load_model",
    "make_discriminator",
    "make_encoder",
    "make_generator",
    "save_model",
    "with_prefix",
]
