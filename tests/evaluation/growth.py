"""Peak memory in MB of `evaluate`: ``growth.py make FOLDER PHOTOS SIDE``, then ``growth.py peak FOLDER``.

With ``growth.py peak FOLDER inception`` the Inception network (random weights) sees the photos too.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from benchmarks.peak import peak
from ccfpse.config import load_preset, plain
from ccfpse.evaluation.evaluate import evaluate
from ccfpse.evaluation.inception import Inception
from ccfpse.evaluation.inputs import Places
from ccfpse.files import sha256_file
from ccfpse.judge_network import JudgeNetwork
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.prepared import FORMAT

CLASSES = 19


def make_store(folder: Path, table: ClassTable, n: int, side: int) -> None:
    """A prepared store of random photos; of the training split one."""
    entries = {}
    for split, count in (("train", 1), ("val", n)):
        (folder / split).mkdir(parents=True)
        kinds = (
            ("images", np.uint8, (3,), 256),
            ("labels", np.uint8, (), CLASSES),
            ("instances", np.uint16, (), 9),
        )
        for name, kind, channels, most in kinds:
            shape = (count, side, side, *channels)
            rows = np.lib.format.open_memmap(folder / split / f"{name}.npy", "w+", kind, shape)
            for i in range(count):
                rows[i] = np.random.default_rng(i).integers(0, most, shape[1:])
            rows.flush()
        entries[split] = {"size": [side, side], "samples": [{"name": f"{i:04d}"} for i in range(count)]}
    manifest = {
        "format": FORMAT,
        "dataset": "custom",
        "class_table": table.to_dict(),
        "instances": True,
        "splits": entries,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def make_judge(folder: Path, table: ClassTable) -> None:
    """An untrained one."""
    torch.manual_seed(0)
    folder.mkdir()
    save_file(JudgeNetwork(CLASSES, 1).state_dict(), folder / "judge.safetensors")
    record = {
        "architecture": "none",
        "settings": plain(dataclasses.replace(load_preset("custom").judge, enlarge=1)),
        "class_table": table.to_dict(),
        "sha256": sha256_file(folder / "judge.safetensors"),
    }
    (folder / "judge.json").write_text(json.dumps(record))


def make(folder: Path, n: int, side: int) -> None:
    """All that `evaluate` reads."""
    classes = tuple(
        LabelClass(f"{i}", (i, i, i), i, has_instances=True, evaluated=True) for i in range(CLASSES)
    )
    table = ClassTable("custom", classes, False, (), ())
    make_store(folder / "prepared", table, n, side)
    make_judge(folder / "judge", table)
    (folder / "photos").mkdir()
    for i in range(n):
        pixels = np.random.default_rng(n + i).integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{i:04d}.png", compress_level=0)


def make_inception(path: Path) -> None:
    """Untrained, in pytorch-fid's format."""
    torch.manual_seed(0)
    torch.save(Inception().network.state_dict(), path)


def measured(folder: Path, inception: Path | None) -> float:
    """The peak of `evaluate`, in this process."""
    settings = load_preset("custom")
    weights = None if inception is None else str(inception)
    chosen = dataclasses.replace(settings.evaluate, inception=weights, clean_resize=False)
    runtime = dataclasses.replace(settings.runtime, device="cpu")
    settings = dataclasses.replace(settings, evaluate=chosen, runtime=runtime)
    places = Places(
        prepared=folder / "prepared",
        judge=folder / "judge",
        synthesized=folder / "photos",
        model=None,
        out=folder / "out",
    )
    evaluate(settings, places, torch.device("cpu"), lambda done, total: None)
    return peak()


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        weights = Path(sys.argv[2], "inception.pth") if sys.argv[3:] == ["inception"] else None
        if weights is not None:
            make_inception(weights)
        print(measured(Path(sys.argv[2]), weights))
