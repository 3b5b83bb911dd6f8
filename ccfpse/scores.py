"""How well predicted class ids agree with labels: counts of pixels, and the scores read off them."""

import dataclasses
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ccfpse.labelspace import ClassTable

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Presence = Literal["labels", "either", "all"]
"""Classes whose IoU the mean is taken over: those in the labels; in labels or predictions; all counted
ones, of which a class in neither has IoU 0."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of a set of label maps, all pixels of the set taken together."""

    miou: float
    accuracy: float
    """Share of counted pixels that were predicted rightly."""
    accuracy_void_counted: float
    """Share of all pixels that were: those of no counted class are wrong whatever is predicted."""
    iou: dict[str, float]
    """By name, of the classes that the mean is taken over."""
    n_pixels: int
    """Pixels counted."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers at stable keys, as metrics files hold them."""
        return {
            "miou": self.miou,
            "accuracy": self.accuracy,
            "accuracy_void_counted": self.accuracy_void_counted,
            "iou": dict(self.iou),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Tally:
    """Pixels of C counted classes; leading axes, such as one of photos, are free."""

    hits: Counts
    """Label and prediction agree, (..., C)."""
    labelled: Counts
    """The label is the class, (..., C)."""
    predicted: Counts
    """The prediction is the class and the label one of the counted, (..., C)."""
    pixels: Counts
    """All, void too, (...)."""

    def iou(self) -> Floats:
        """Pixels of both label and prediction over pixels of either, (..., C); 0 for a class in neither."""
        either = self.labelled + self.predicted - self.hits
        ratio: Floats = self.hits / np.maximum(either, 1)
        return ratio

    def present(self, presence: Presence) -> npt.NDArray[np.bool_]:
        """Which classes the mean is taken over, (..., C)."""
        if presence == "all":
            return np.ones(self.hits.shape, bool)
        return self.labelled + (self.predicted if presence == "either" else 0) > 0

    def miou(self, presence: Presence) -> Floats:
        """Mean over the classes that `presence` names, (...); 0 where there is none."""
        present = self.present(presence)
        mean: Floats = (self.iou() * present).sum(-1) / np.maximum(present.sum(-1), 1)
        return mean

    def accuracy(self) -> Floats:
        """Share of counted pixels that were predicted rightly, (...); 0 where no pixel counts."""
        share: Floats = self.hits.sum(-1) / np.maximum(self.labelled.sum(-1), 1)
        return share


class Confusion:
    """Counts pixels by label and prediction; grows by `add`, is read by `tally` and `scores`.

    `counts[i, j]` is the number of pixels of label i that were predicted as j, over all ids of the
    class table, don't care included; the last column is for predictions of something else altogether.

    Args:
        table: of labels and predictions.
        counted: ids of the classes that count; None: the table's evaluated ones.
        presence: which of them the mean IoU is taken over.
    """

    def __init__(
        self, table: ClassTable, counted: tuple[int, ...] | None = None, presence: Presence = "labels"
    ) -> None:
        self._table = table
        self._counted = list(table.evaluated_ids if counted is None else counted)
        self._presence: Presence = presence
        self.counts: Counts = np.zeros((table.n_labels, table.n_labels + 1), np.int64)

    def add(self, labels: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> None:
        """Counts one or more label maps and their predictions, class ids of one shape.

        A prediction may be `n_labels`: none of the table's classes.

        Raises:
            ValueError: the shapes differ, or an id is not in the class table.
        """
        if labels.shape != predicted.shape:
            raise ValueError(f"labels are {labels.shape}, predictions {predicted.shape}; they must agree")
        n = self._table.n_labels
        for ids, largest in ((labels, n - 1), (predicted, n)):
            if ids.size and not (int(ids.min()) >= 0 and int(ids.max()) <= largest):
                raise ValueError(f"ids lie in {int(ids.min())}..{int(ids.max())}; the table has 0..{n - 1}")
        pairs = labels.astype(np.int64).ravel() * (n + 1) + predicted.astype(np.int64).ravel()
        self.counts += np.bincount(pairs, minlength=n * (n + 1)).reshape(n, n + 1)

    def tally(self) -> Tally:
        """Pixels of the counted classes, as scores need them."""
        rows = self.counts[self._counted]  # of pixels that count
        return Tally(
            hits=rows[range(len(rows)), self._counted],
            labelled=rows.sum(axis=1),
            predicted=rows[:, self._counted].sum(axis=0),
            pixels=self.counts.sum(),
        )

    def scores(self) -> Scores:
        """Scores of everything counted so far; all zero where no pixel counts."""
        tally = self.tally()
        iou, present = tally.iou(), tally.present(self._presence)
        names = self._table.names
        return Scores(
            miou=float(tally.miou(self._presence)),
            accuracy=float(tally.accuracy()),
            accuracy_void_counted=float(tally.hits.sum() / max(1, int(tally.pixels))),
            iou={names[id_]: float(iou[i]) for i, id_ in enumerate(self._counted) if present[i]},
            n_pixels=int(tally.labelled.sum()),
        )
