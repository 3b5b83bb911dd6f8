"""How well predicted class ids agree with labels: one confusion matrix, and the scores read off it."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from ccfpse.labelspace import ClassTable

PROTOCOL = (
    "Pixels whose label is an evaluated class count, all others are left out. IoU of a class: pixels of "
    "both label and prediction over pixels of either. mIoU: mean over the evaluated classes that occur in "
    "the labels. Accuracy: share of counted pixels predicted rightly. All over the whole set at once."
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of a set of label maps, by `PROTOCOL`."""

    miou: float
    accuracy: float
    iou: dict[str, float]
    """By name, of the evaluated classes that occur in the labels."""
    n_pixels: int
    """Pixels counted."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers at stable keys, as metrics files hold them."""
        return {"miou": self.miou, "accuracy": self.accuracy, "iou": dict(self.iou)}


class Confusion:
    """Counts pixels by label and prediction; grows by `add`, is read by `scores`.

    `counts[i, j]` is the number of pixels of label i that were predicted as j, over all ids of the
    class table, don't care included.
    """

    def __init__(self, table: ClassTable) -> None:
        self._table = table
        self.counts: npt.NDArray[np.int64] = np.zeros((table.n_labels, table.n_labels), np.int64)

    def add(self, labels: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> None:
        """Counts one or more label maps and their predictions, class ids of one shape.

        Raises:
            ValueError: the shapes differ, or an id is not in the class table.
        """
        if labels.shape != predicted.shape:
            raise ValueError(f"labels are {labels.shape}, predictions {predicted.shape}; they must agree")
        n = self._table.n_labels
        for ids in (labels, predicted):
            if ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < n):
                raise ValueError(f"ids lie in {int(ids.min())}..{int(ids.max())}; the table has 0..{n - 1}")
        pairs = labels.astype(np.int64).ravel() * n + predicted.astype(np.int64).ravel()
        self.counts += np.bincount(pairs, minlength=n * n).reshape(n, n)

    def scores(self) -> Scores:
        """Scores of everything counted so far, by `PROTOCOL`; all zero where no pixel counts."""
        ids = list(self._table.evaluated_ids)
        counts = self.counts[ids]  # (evaluated, n_labels): rows of pixels that count
        hits = counts[range(len(ids)), ids]
        in_labels = counts.sum(axis=1)
        either = in_labels + counts[:, ids].sum(axis=0) - hits
        present = [i for i in range(len(ids)) if in_labels[i]]
        iou = {self._table.names[ids[i]]: float(hits[i] / either[i]) for i in present}
        n_pixels = int(in_labels.sum())
        return Scores(
            miou=float(np.mean(list(iou.values()))) if iou else 0.0,
            accuracy=float(hits.sum() / n_pixels) if n_pixels else 0.0,
            iou=iou,
            n_pixels=n_pixels,
        )
