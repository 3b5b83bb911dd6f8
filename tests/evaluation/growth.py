"""Peak memory in MB of an evaluation: ``python growth.py FOLDER PHOTOS``. Run by `test_memory`."""

import resource
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ccfpse.evaluation import intervals, metrics
from ccfpse.evaluation.distances import frechet_of_few, kernel_distance, streamed_kernel_distance
from ccfpse.evaluation.measure import INCEPTION, Networks, measure
from ccfpse.evaluation.reading import judge_reading
from ccfpse.evaluation.records import Records
from ccfpse.evaluation.truths import Truth
from ccfpse.judge import Judge
from ccfpse.judge_network import JudgeNetwork
from ccfpse.labelspace import ClassTable, LabelClass

SIZE = (64, 64)


class Photos:
    """Random ones, made when they are asked for."""

    size = SIZE

    def __init__(self, n: int) -> None:
        self._n = n

    def __len__(self) -> int:
        return self._n

    def digest(self) -> str:
        return ""

    def image(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 256, (*SIZE, 3), dtype=np.uint8)

    def labels(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 19, SIZE, dtype=np.uint8)

    def instances(self, index: int) -> None:
        return None


class Features(nn.Module):
    """As many as Inception's, but cheap."""

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.flatten(1)[:, :2048].float()


def main(folder: Path, n: int) -> None:
    torch.manual_seed(0)
    classes = tuple(LabelClass(f"{i}", (i, i, i), i, has_instances=False, evaluated=True) for i in range(19))
    record = {"architecture": "", "sha256": "", "settings": {"enlarge": 1}}
    judge = Judge(JudgeNetwork(19, 1), ClassTable("t", classes, False, (), ()), record)
    networks = Networks(
        readings=(judge_reading(judge, SIZE),),
        inception=Features(),  # type: ignore[arg-type]
        clean_resize=False,
    )
    photos, records = Photos(n), []
    for kind in ("real", "synthesized"):
        records.append(Records(folder / kind, n))
        measure(
            photos,
            {metrics.OWN: Truth(photos)},  # type: ignore[arg-type]
            networks,
            records[-1],
            pairs=None,
            batch=8,
            progress=lambda done, total: None,
        )
    metrics.score(records[1], metrics.OWN, networks.readings[0])
    of_few = {"fid": frechet_of_few, "kid": kernel_distance}
    intervals.subset_distances(records[1], records[0], INCEPTION, of_few)
    streamed_kernel_distance((records[1], INCEPTION), (records[0], INCEPTION))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
