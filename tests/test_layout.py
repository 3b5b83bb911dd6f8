import numpy as np
import pytest
import torch

from ccfpse.layout import augment, boundaries, make_layout


def test_every_pixel_has_exactly_its_own_label() -> None:
    labels = torch.tensor([[[0, 2], [1, 2]]])
    layout = make_layout(labels, n_labels=3)
    assert layout.shape == (1, 3, 2, 2)
    assert layout.sum(dim=1).eq(1).all()
    assert layout.argmax(dim=1).equal(labels)


def test_the_last_channel_is_the_boundary() -> None:
    labels = torch.zeros(2, 4, 6, dtype=torch.int64)
    instances = torch.zeros(2, 4, 6, dtype=torch.int32)
    instances[0, :, 3:] = 1
    layout = make_layout(labels, 5, instances, dtype=torch.bfloat16)
    assert layout.shape == (2, 6, 4, 6)
    assert layout.dtype == torch.bfloat16
    assert layout[0, 5].tolist() == [[0, 0, 1, 1, 0, 0]] * 4
    assert layout[1, 5].eq(0).all()


def test_a_boundary_is_where_one_of_four_neighbours_differs() -> None:
    generator = torch.Generator().manual_seed(0)
    instances = torch.randint(0, 3, (2, 5, 7), generator=generator)
    found = boundaries(instances)[:, 0]
    for b, i, j in np.ndindex(2, 5, 7):
        around = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
        inside = [(r, c) for r, c in around if 0 <= r < 5 and 0 <= c < 7]
        assert bool(found[b, i, j]) == any(instances[b, r, c] != instances[b, i, j] for r, c in inside)


def numbered(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A photo, labels and instances that say of each pixel where it was."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows, columns, rows + columns], axis=-1).astype(np.uint8)
    return image, rows.astype(np.uint8), columns.astype(np.uint16)


@pytest.mark.parametrize("size", [(8, 10), (5, 10), (3, 4)])
def test_crop_and_flip_move_photo_labels_and_instances_together(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    mirrored = set()
    for _ in range(20):
        image, labels, instances = augment(*numbered(8, 10), size, flip=True, rng=rng)
        assert instances is not None
        assert image.shape == (*size, 3)
        assert (image[..., 0] == labels).all()
        assert (image[..., 1] == instances).all()
        assert set(np.diff(labels.astype(int), axis=0).ravel()) == {1}
        steps = set(np.diff(instances.astype(int), axis=1).ravel())
        assert steps in ({1}, {-1})
        mirrored |= steps
    assert mirrored == {1, -1}


def test_every_place_is_cropped_and_none_outside() -> None:
    rng = np.random.default_rng(0)
    corners = set()
    for _ in range(200):
        image, _, none = augment(*numbered(4, 5)[:2], None, (2, 3), flip=False, rng=rng)
        assert none is None
        corners.add((int(image[0, 0, 0]), int(image[0, 0, 1])))
    assert corners == {(i, j) for i in range(3) for j in range(3)}


def test_without_flip_the_same_places_are_cropped() -> None:
    for seed in range(10):
        crops = [
            augment(*numbered(9, 9), (4, 4), flip=flip, rng=np.random.default_rng(seed))
            for flip in (True, False)
        ]
        assert crops[0][0][..., 1].min() == crops[1][0][..., 1].min()
        assert (crops[0][1] == crops[1][1]).all()


def test_the_result_is_its_own_and_contiguous() -> None:
    image, labels, instances = numbered(6, 6)
    image.setflags(write=False)
    found = augment(image, labels, instances, (6, 6), flip=True, rng=np.random.default_rng(1))
    for array, given in zip(found, (image, labels, instances), strict=True):
        assert array is not None
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert not np.shares_memory(array, given)


def test_a_crop_larger_than_the_photo_is_refused() -> None:
    with pytest.raises(ValueError, match="9x4 does not fit into 8x10"):
        augment(*numbered(8, 10), (9, 4), flip=False, rng=np.random.default_rng(0))
