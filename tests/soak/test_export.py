import os
import resource
import time
from pathlib import Path

import pytest

from ccfpse.config import load_preset
from ccfpse.exporting.export import export_model
from tests.exporting.models import KINDS, write_model
from tests.soak.conftest import Soak

pytestmark = pytest.mark.slow


def test_the_network_of_coco_stuff(tmp_path: Path, soak: Soak) -> None:
    settings = load_preset("coco-stuff")
    path = write_model(
        tmp_path / "model.safetensors",
        n_classes=182,
        size=soak.pick((64, 64), settings.data.size),
        style=settings.model.style,
        width=soak.pick(2, settings.model.width),
        predictor_width=soak.pick(4, settings.model.predictor_width),
        doublings=settings.model.doublings,
    )
    for ending in soak.pick(("onnx",), ("onnx", "pt2")):
        started = time.process_time()
        made = export_model(path, tmp_path / f"photos.{ending}")
        assert made.difference is not None
        assert made.difference.image <= 1e-3
        name = f"COCO-Stuff as .{ending}"
        soak.figure(f"{name}: largest difference", f"{made.difference.image:.1e}")
        soak.figure(f"{name}: megabytes", f"{made.n_bytes / 1e6:.0f}")
        soak.figure(f"{name}: seconds of one core", f"{time.process_time() - started:.0f}")
    if os.uname().sysname == "Linux":
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        soak.figure("COCO-Stuff exported: peak memory of the tests", f"{peak / 2**20:.1f} GiB")


def test_every_kind_as_a_program_and_large_kernels(tmp_path: Path, soak: Soak) -> None:
    for kind in soak.pick(("pix2pixhd",), tuple(KINDS)):
        path = write_model(tmp_path / "model.safetensors", **KINDS[kind])
        for ending in ("pt2", "onnx"):
            made = export_model(path, tmp_path / f"photos.{ending}")
            assert made.difference is not None, kind
            assert made.difference.image <= 1e-3, kind
    soak.figure("kinds of generators exported in both forms", soak.pick(1, len(KINDS)))
