"""Sizes and settings that suit photos and machines."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpse.projects.choices import choose, fit_of, network_size, seconds_per_step
from ccfpse.projects.machine import Machine

CPU = Machine(cores=2, gpu=None, gpu_gib=0.0)
GPU = Machine(cores=16, gpu="a GPU", gpu_gib=24.0)

SIZES = st.lists(st.tuples(st.integers(20, 4000), st.integers(20, 4000)), min_size=1, max_size=9)


@settings(max_examples=25, deadline=None)
@given(SIZES, st.sampled_from([32, 64]))
def test_sides_are_multiples_and_no_larger_than_asked(sizes: list[tuple[int, int]], multiple: int) -> None:
    height, width = network_size(sizes, 128 * 128, multiple)
    assert height % multiple == width % multiple == 0
    assert height * width <= 1.15 * 128 * 128
    assert max(height, width) >= 64


@pytest.mark.parametrize(
    ("size", "found"), [((300, 300), (128, 128)), ((480, 640), (96, 128)), ((1024, 2048), (96, 192))]
)
def test_the_shape_is_the_photos(size: tuple[int, int], found: tuple[int, int]) -> None:
    assert network_size([size] * 3, 128 * 128, 32) == found


def test_small_photos_are_not_enlarged_much() -> None:
    assert network_size([(64, 64)], 256 * 256, 32) == (64, 64)
    assert network_size([(20, 20)], 256 * 256, 32) in ((32, 64), (64, 32))  # the smallest there are


def test_photos_of_several_shapes_are_cropped_and_others_stretched() -> None:
    assert fit_of([(100, 150), (101, 150), (96, 150)], (96, 160)) == "stretch"
    assert fit_of([(100, 150), (150, 100), (100, 100)], (128, 128)) == "crop"


@pytest.mark.parametrize("width", [8, 16, 64])
@pytest.mark.parametrize("n_train", [18, 500, 5000])
def test_training_on_a_processor_takes_about_what_is_said(n_train: int, width: int) -> None:
    chosen = choose(n_train, [(480, 640)], CPU, doublings=5, width=width)
    size, steps = chosen.settings["data.size"].value, chosen.settings["train.steps"].value
    batch = chosen.settings["train.batch"].value
    seconds = steps * seconds_per_step(tuple(size), batch, CPU.cores, width)
    assert chosen.minutes == round(seconds / 60)
    assert f"about {chosen.minutes} minutes here" in chosen.settings["train.steps"].why
    assert 10 <= seconds / 60 <= 60


def test_a_gpu_gets_larger_networks_and_photos_and_longer_training() -> None:
    small, large = (choose(500, [(480, 640)], machine, doublings=5).settings for machine in (CPU, GPU))
    for key in ("model.width", "train.steps", "judge.steps"):
        assert large[key].value > small[key].value
    assert math.prod(large["data.size"].value) > math.prod(small["data.size"].value)


def test_every_choice_has_a_reason() -> None:
    for machine in (CPU, GPU):
        assert all(said.why for said in choose(20, [(64, 64)], machine, doublings=5).settings.values())
