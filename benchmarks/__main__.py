"""The promised ratios, measured side by side: `python -m benchmarks [--quick] [--json FILE]`."""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks import files, loader, machine, memory, networks
from benchmarks.networks import GFLOP, OPERATOR_GFLOP_PER_POSITION
from benchmarks.paired import Pair, paired
from ccfpse.memory import return_large_pieces
from ccfpse.ops import compiled_for


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    reference: float | None = None
    ours: float
    ratio: float | None = None
    """How many times faster or smaller; the median of the rounds."""
    least: float | None = None
    most: float | None = None
    promised: float | None = None
    """Least ratio; where there is none, least share or most memory."""
    is_kept: bool = True
    share_of_peak: float | None = None
    """GFLOP of the definition per second, of those of this machine's float32 matrix products."""

    def __str__(self) -> str:
        reference = "" if self.reference is None else f"{self.reference:.3g} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        spread = "" if self.least is None else f"{self.least:.2f} to {self.most:.2f}"
        promised = "" if self.promised is None else f"{self.promised:g}{'' if self.is_kept else ' NOT KEPT'}"
        share = "" if self.share_of_peak is None else f"{self.share_of_peak:.0%}"
        cells = (f"{self.name:58}", f"{reference:>9}", f"{self.ours:.3g} {self.unit}".rjust(9))
        return "  ".join([*cells, f"{ratio:>8}", f"{spread:>15}", f"{promised:>8}", f"{share:>7}"])


HEADER = "  ".join([" " * 58, "reference", "     ours", "   ratio", "         spread", "promised", "of peak"])


class Table:
    """Rows as they are measured."""

    def __init__(self, able: machine.Machine, rounds: int) -> None:
        self.rows: list[Row] = []
        self.left_out: list[str] = []
        self.able, self.rounds = able, rounds
        print(HEADER, flush=True)

    def add(self, row: Row) -> None:
        """Prints it too."""
        self.rows.append(row)
        print(row, flush=True)

    def timed(
        self,
        name: str,
        pair: networks.Pair,
        promised: float | None = None,
        *,
        gflop: float | None = None,
        rounds: int | None = None,
    ) -> None:
        """Times a reference and the fast path in turn."""
        found: Pair = paired(*pair, rounds or self.rounds)
        self.add(
            Row(
                name=name,
                unit="s",
                reference=found.reference_seconds,
                ours=found.fast_seconds,
                ratio=found.ratio,
                least=found.least,
                most=found.most,
                promised=promised,
                is_kept=promised is None or found.ratio >= promised,
                share_of_peak=gflop and gflop / found.fast_seconds / self.able.gflops["float32 products"],
            )
        )

    def bf16(self, name: str, pair: networks.Pair, promised: float) -> None:
        """The same for bf16, where the processor has units for it."""
        if self.able.bf16_units:
            self.timed(name, pair, promised)
        else:
            self.left_out.append(f"{name}: this processor has no bf16 units (avx512_bf16 or amx_bf16)")
            print(self.left_out[-1], flush=True)

    def peak(self, name: str, peaks: tuple[float, float], state: float, promised: float) -> None:
        """Peak memory of the reference and ours, less a state that both have."""
        reference, ours = (peak - state for peak in peaks)
        ratio = reference / ours
        self.add(
            Row(
                name=name,
                unit="MB",
                reference=reference,
                ours=ours,
                ratio=ratio,
                promised=promised,
                is_kept=ratio >= promised,
            )
        )


def main() -> None:
    """Measures, prints the table, and ends with exit code 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smaller rows once, within two minutes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="where the table goes as JSON, too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    return_large_pieces()  # as `ccfpse` does
    able = machine.describe()
    print(able, end="\n\n")
    if compiled_for(torch.zeros(1)) is None:
        print("the compiled kernels are not built (ccfpse compile): these are PyTorch's strips\n")
    table = Table(able, 1 if arguments.quick else arguments.rounds)
    with tempfile.TemporaryDirectory() as scratch:
        _measure_quick(table, Path(scratch))
        if not arguments.quick:
            _measure_rest(table, Path(scratch))
    if arguments.json:
        rows = [dataclasses.asdict(row) for row in table.rows]
        found = {"machine": dataclasses.asdict(able), "rows": rows, "left_out": table.left_out}
        text = json.dumps(found, indent=2)
        arguments.json.write_text(text + "\n", "utf-8")
    if not all(row.is_kept for row in table.rows):
        sys.exit(1)


def _measure_quick(table: Table, scratch: Path) -> None:
    table.timed("ccfpse --help, against import torch", files.start_pair(), rounds=3)
    for H, W in ((256, 512), (32, 64)):
        pair, gflop = networks.operator_pair((H, W), backward=False), H * W * OPERATOR_GFLOP_PER_POSITION
        table.timed(f"operator, 128 channels at {H}x{W}", pair, gflop=gflop)
    H, W = 128, 256
    pair, gflop = networks.operator_pair((H, W), backward=True), 3 * H * W * OPERATOR_GFLOP_PER_POSITION
    table.timed(f"operator with its gradients, 128 channels at {H}x{W}", pair, gflop=gflop)
    table.timed("block, 128 to 64 channels at 256x512, inference", networks.block_pair())
    cityscapes = networks.inference_pair("cityscapes", "float32")
    table.timed("Cityscapes 256x512 inference, float32", cityscapes, 1.8, gflop=GFLOP["cityscapes"])
    store, raw = loader.measure(None, scratch / "loader", 1.0)
    ratio = store / raw
    name = "samples from the prepared store, against raw files"
    promised, is_kept = loader.LEAST_RATIO, ratio >= loader.LEAST_RATIO
    table.add(
        Row(
            name=name, unit="s", reference=1 / raw, ours=1 / store,
            ratio=ratio, promised=promised, is_kept=is_kept,
        )
    )  # fmt: skip


def _measure_rest(table: Table, scratch: Path) -> None:
    threads = torch.get_num_threads()
    table.bf16(
        "Cityscapes 256x512 inference, bf16 against float32", networks.inference_pair("cityscapes", "bf16"), 4
    )
    coco = networks.inference_pair("coco-stuff", "float32")
    table.timed("COCO-Stuff 256x256 inference, float32", coco, gflop=GFLOP["coco-stuff"])
    table.timed(
        "COCO-Stuff 256x256 training step, float32", networks.training_pair("coco-stuff", "float32"), 1.5
    )
    table.bf16(
        "COCO-Stuff 256x256 training step, bf16 against float32",
        networks.training_pair("coco-stuff", "bf16"),
        2.7,
    )
    peaks, values = memory.peaks("inference", "cityscapes", threads)
    table.peak("Cityscapes inference, peak beyond weights", peaks, values, 3)
    peaks, values = memory.peaks("training", "coco-stuff", threads)
    table.peak("COCO-Stuff step, peak beyond weights and Adam", peaks, 3 * values, 3)
    table.peak("COCO-Stuff step, peak beyond weights, gradients, Adam", peaks, 4 * values, 3)
    large = memory.large_megabytes(threads)
    name = "1024x2048 inference, peak of the whole process"
    table.add(Row(name=name, unit="MB", ours=large, promised=24 * 1024, is_kept=large < 24 * 1024))
    share = 100 * files.network_share(scratch)
    name = "synthesize, 16 files of 256x512: share in the network"
    table.add(Row(name=name, unit="%", ours=share, promised=90, is_kept=share >= 90))
    table.timed("prepare 9 of 2048x1024, against only decoding them", files.prepare_pair(scratch))


if __name__ == "__main__":
    main()
