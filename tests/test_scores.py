import numpy as np
import pytest

from ccfpse.labelspace import ClassTable
from ccfpse.scores import Confusion


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, (5, 16, 16)).astype(np.uint8)


def test_the_labels_themselves_score_one(table: ClassTable, labels: np.ndarray) -> None:
    confusion = Confusion(table)
    confusion.add(labels, labels)
    scores = confusion.scores()
    assert scores.miou == scores.accuracy == 1
    assert scores.iou == {"class 0": 1, "class 1": 1, "class 2": 1}


def test_scores_of_four_pixels_by_hand(table: ClassTable) -> None:
    confusion = Confusion(table)
    confusion.add(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    scores = confusion.scores()
    assert scores.iou == {"class 0": 1 / 2, "class 1": 2 / 3}
    assert scores.miou == pytest.approx(7 / 12)
    assert scores.accuracy == 3 / 4


def test_a_class_that_no_label_has_is_left_out_of_the_mean_even_if_predicted(table: ClassTable) -> None:
    confusion = Confusion(table)
    confusion.add(np.array([0, 0, 0, 1]), np.array([0, 0, 2, 1]))
    assert set(confusion.scores().iou) == {"class 0", "class 1"}


def test_pixels_of_no_class_do_not_count_whatever_is_predicted(table: ClassTable) -> None:
    confusion = Confusion(table)
    confusion.add(np.array([0, 1, 3, 3]), np.array([0, 1, 0, 2]))
    scores = confusion.scores()
    assert scores.miou == 1
    assert scores.n_pixels == 2


def test_parts_add_up_in_any_order(table: ClassTable, labels: np.ndarray) -> None:
    predicted = np.random.default_rng(1).integers(0, 3, labels.shape)
    whole, parts = Confusion(table), Confusion(table)
    whole.add(labels, predicted)
    for i in (3, 0, 4, 1, 2):
        parts.add(labels[i], predicted[i])
    assert parts.scores() == whole.scores()


def test_random_predictions_score_like_chance(table: ClassTable, labels: np.ndarray) -> None:
    confusion = Confusion(table)
    confusion.add(labels, np.random.default_rng(2).integers(0, 3, labels.shape))
    assert confusion.scores().miou == pytest.approx(1 / 5, abs=0.03)  # 1/9 over 1/3 + 1/3 - 1/9


def test_nothing_counted_scores_zero(table: ClassTable) -> None:
    assert Confusion(table).scores().miou == 0


@pytest.mark.parametrize(("labels", "predicted"), [([0, 4], [0, 0]), ([0, 0], [0, -1]), ([0], [0, 0])])
def test_ids_outside_the_table_and_other_shapes_are_refused(
    table: ClassTable, labels: list[int], predicted: list[int]
) -> None:
    with pytest.raises(ValueError, match=r"must agree|the table has"):
        Confusion(table).add(np.array(labels), np.array(predicted))
