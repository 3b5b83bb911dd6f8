import numpy as np

from ccfpse.evaluation.edges import borders, found


def layout() -> tuple[np.ndarray, np.ndarray]:
    """Left and right half of two classes; the right one has an upper and a lower instance."""
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 30:] = 1
    instances = np.zeros((40, 60), np.uint16)
    instances[:20, 30:], instances[20:, 30:] = 1, 2
    return labels, instances


def painted(*colors: int) -> np.ndarray:
    """Left half, upper right, lower right, each of one grey."""
    labels, instances = layout()
    photo = np.full((*labels.shape, 3), colors[0], np.uint8)
    photo[instances == 1], photo[instances == 2] = colors[1], colors[2]
    return photo


def test_borders_between_classes_and_between_instances_are_told_apart() -> None:
    masks = borders(*layout())
    assert masks.classes.sum() == 2 * 40
    assert masks.instances.sum() == 2 * 29  # the pixels beside the border of classes belong to that one
    assert masks.classes[:, 29:31].all()
    assert masks.instances[19:21, 31:].all()


def test_without_instances_there_is_no_border_between_them() -> None:
    assert borders(layout()[0], None).instances.sum() == 0


def test_edges_on_all_borders_are_all_found() -> None:
    (of_classes, classes), (of_instances, instances) = found(painted(0, 120, 255), borders(*layout()))
    assert (of_classes, classes) == (80, 80)
    assert (of_instances, instances) == (58, 58)


def test_objects_that_run_into_each_other_are_not() -> None:
    (of_classes, classes), (of_instances, _) = found(painted(0, 255, 255), borders(*layout()))
    assert of_classes == classes
    assert of_instances <= 4  # beside the border of classes


def test_a_plain_photo_shows_no_border() -> None:
    np.testing.assert_array_equal(found(painted(9, 9, 9), borders(*layout()))[:, 0], [0, 0])


def test_edges_elsewhere_are_not_borders() -> None:
    masks = borders(*layout())
    shifted = np.roll(painted(0, 200, 200), 10, axis=1)
    (of_classes, classes), _ = found(shifted, masks)
    assert of_classes < 0.1 * classes
