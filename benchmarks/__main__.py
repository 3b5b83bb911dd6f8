"""The promised ratios, measured side by side: `python -m benchmarks [--quick] [--json FILE]`."""

import argparse
import dataclasses
import json
import os
from pathlib import Path

import torch

from benchmarks import machine, memory, networks
from benchmarks.paired import Pair, paired
from ccfpse.ops import compiled_for

# name, arguments of a pair, least ratio that is promised (None: nothing is), whether --quick has it
INFERENCE = [
    ("Cityscapes 256x512 inference", "cityscapes", "float32", 1.8),
    ("Cityscapes 256x512 inference, bf16 against float32", "cityscapes", "bf16", 4.0),
    ("COCO-Stuff 256x256 inference", "coco-stuff", "float32", None),
]
TRAINING = [
    ("COCO-Stuff 256x256 training step", "coco-stuff", "float32", 1.5),
    ("COCO-Stuff 256x256 training step, bf16 against float32", "coco-stuff", "bf16", 2.7),
]


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    reference: float
    fast: float
    ratio: float
    least: float
    most: float
    promised: float | None


def main() -> None:
    """Measures, prints the table, and ends with exit code 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, the smaller half of the rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    able = machine.describe()
    able["compiled kernels"] = compiled_for(torch.zeros(1)) is not None
    print(json.dumps(able, indent=2))
    rounds = 1 if arguments.quick else arguments.rounds
    rows = [
        _timed("operator, 128 channels at 256x512", paired(*networks.operator_pair(False), rounds), None),
        _timed("operator and its gradients", paired(*networks.operator_pair(True), rounds), None),
    ]
    for name, preset, precision, promised in INFERENCE[: 1 if arguments.quick else None]:
        rows.append(_timed(name, paired(*networks.inference_pair(preset, precision), rounds), promised))
    if not arguments.quick:
        for name, preset, precision, promised in TRAINING:
            rows.append(_timed(name, paired(*networks.training_pair(preset, precision), rounds), promised))
        rows.append(
            _memory("Cityscapes inference: peak beyond weights", "inference", "cityscapes", arguments)
        )
        rows.append(_memory("COCO-Stuff step: peak beyond weights", "training", "coco-stuff", arguments))
    for row in rows:
        print(_line(row))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"machine": able, "rows": [dataclasses.asdict(row) for row in rows]}, indent=2) + "\n",
            "utf-8",
        )
    if any(row.promised is not None and row.ratio < row.promised for row in rows):
        raise SystemExit(1)


def _timed(name: str, pair: Pair, promised: float | None) -> Row:
    row = Row(
        name, "s", pair.reference_seconds, pair.fast_seconds, pair.ratio, pair.least, pair.most, promised
    )
    print("...", _line(row), flush=True)
    return row


def _memory(name: str, kind: str, preset: str, arguments: argparse.Namespace) -> Row:
    reference, fast = (
        memory.peak_megabytes(kind, preset, "float32", side, arguments.threads)
        for side in ("reference", "fast")
    )
    ratio = reference / fast
    return Row(name, "MB", reference, fast, ratio, ratio, ratio, 3.0)


def _line(row: Row) -> str:
    promised = "" if row.promised is None else f", promised {row.promised:g}"
    return (
        f"{row.name:56} {row.reference:9.3f} {row.unit} {row.fast:9.3f} {row.unit} "
        f"{row.ratio:5.2f}x ({row.least:.2f} to {row.most:.2f}{promised})"
    )


if __name__ == "__main__":
    main()
