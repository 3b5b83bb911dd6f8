import numpy as np
import pytest
import torch

from ccfpse.training.data import AugmentedSamples, Positions, as_image, batches, share_of_batch, style_noise


class Numbered:
    """Stands for a prepared split: photo i is filled with i."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def image(self, i: int) -> np.ndarray:
        return np.full((6, 8, 3), i, np.uint8)

    def labels(self, i: int) -> np.ndarray:
        return np.full((6, 8), i, np.uint8)

    def instances(self, i: int) -> np.ndarray:
        return np.arange(48, dtype=np.uint16).reshape(6, 8)


def _samples(n: int = 7, flip: bool = True) -> AugmentedSamples:
    return AugmentedSamples(Numbered(n), (4, 4), flip, seed=5)


def test_an_epoch_shows_every_photo_once() -> None:
    samples = _samples()
    for epoch in range(3):
        shown = [int(samples[epoch * 7 + k]["image"][0, 0, 0]) for k in range(7)]
        assert sorted(shown) == list(range(7))


def test_epochs_come_in_different_orders() -> None:
    samples = _samples(50)
    first, second = ([int(samples[e * 50 + k]["labels"][0, 0]) for k in range(50)] for e in (0, 1))
    assert first != second


def test_a_run_that_goes_on_sees_what_an_unbroken_one_sees() -> None:
    unbroken = list(batches(_samples(), Positions(range(0, 6), 4, 0, 1), workers=0, pin=False))
    resumed = list(batches(_samples(), Positions(range(3, 6), 4, 0, 1), workers=0, pin=False))
    for whole, part in zip(unbroken[3:], resumed, strict=True):
        for key in whole:
            torch.testing.assert_close(whole[key], part[key], rtol=0, atol=0)


def test_processes_share_the_batch_of_one() -> None:
    alone = next(iter(batches(_samples(), Positions(range(2, 3), 4, 0, 1), workers=0, pin=False)))
    shares = [
        next(iter(batches(_samples(), Positions(range(2, 3), 4, rank, 2), workers=0, pin=False)))
        for rank in (0, 1)
    ]
    together = torch.cat([share["image"] for share in shares])
    torch.testing.assert_close(together, alone["image"], rtol=0, atol=0)


@pytest.mark.parametrize(("n_processes", "n_parts"), [(1, 3), (2, 3), (3, 2), (6, 1)])
def test_a_part_of_the_batch_is_the_same_photos_however_many_processes(
    n_processes: int, n_parts: int
) -> None:
    shares = [share_of_batch(12, rank, n_processes, n_parts) for rank in range(n_processes)]
    length = 12 // n_parts // n_processes
    for part in range(n_parts):
        together = [place for share in shares for place in share[part * length : (part + 1) * length]]
        assert together == list(range(part * 12 // n_parts, (part + 1) * 12 // n_parts))


def test_noise_depends_on_step_and_turn_and_on_nothing_else() -> None:
    torch.testing.assert_close(style_noise(1, 5, 0, 4, 8), style_noise(1, 5, 0, 4, 8), rtol=0, atol=0)
    draws = [style_noise(*which, 4, 8) for which in ((1, 5, 0), (1, 5, 1), (1, 6, 0), (2, 5, 0))]
    for i, a in enumerate(draws):
        for b in draws[:i]:
            assert not torch.equal(a, b)


def test_pixels_span_minus_one_to_one() -> None:
    image = as_image(torch.tensor([[[[0, 255, 51]]]], dtype=torch.uint8))
    torch.testing.assert_close(image.flatten(), torch.tensor([-1.0, 1.0, -0.6]))
