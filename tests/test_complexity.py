"""Counted costs against the paper's sizes and against sums by hand."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode

from ccfpse.complexity import Networks, _FastMultiplications, unused_published_parameters
from ccfpse.config import load_preset
from ccfpse.datasets import class_table

pytestmark = pytest.mark.slow


def networks(preset: str, **changed) -> Networks:
    settings = load_preset(preset)
    n_layout = class_table(settings.data).n_labels + settings.data.instances
    return Networks(dataclasses.replace(settings.model, **changed), n_layout, settings.data.size)


@pytest.fixture(scope="module")
def small() -> dict[str, object]:
    found = networks("sample", style=True).complexities(lambda done, total: None)
    return {row.name: row for row in found}


@pytest.mark.parametrize(
    ("preset", "millions", "gflop"),
    [("cityscapes", 128.1, 1476.5), ("coco-stuff", 141.9, 911.2), ("ade20k", 140.7, 875.4)],
)
def test_papers_networks_cost_what_the_published_ones_do(preset, millions, gflop) -> None:
    described = networks(preset)
    with FakeTensorMode():
        found = described._of_generator("CC-FPSE", described.settings)
    published = found.parameters + unused_published_parameters(described.settings.width)
    assert published / 1e6 == pytest.approx(millions, abs=0.05)
    assert found.flop / 1e9 == pytest.approx(gflop, rel=0.001)
    assert found.fast_multiplications < found.flop / 2 / 3.5


def test_every_network_is_there_and_counted(small) -> None:
    generators = [row.name for row in small.values() if row.role == "generator"]
    assert generators[0] == "CC-FPSE"
    assert {"SPADE", "pix2pixHD", "CC-FPSE, full dynamic filters (computed)"} <= set(generators)
    assert {row.role for row in small.values()} == {"generator", "discriminator", "encoder"}
    full = small["CC-FPSE, full dynamic filters (computed)"]
    assert full.parameters > 20 * small["CC-FPSE"].parameters
    for row in small.values():
        if row is not full:
            assert row.flop > 0
            assert row.kept_bytes > 0


def test_full_dynamic_filters_by_hand(small) -> None:
    """The predictor's last layer of the head's first convolution grows by 9 * (256 * 256 - 256) outputs."""
    settings = load_preset("sample").model
    widths = [(16, 16), (16, 16), (16, 16), (16, 8), (8, 4), (4, 2), (2, 1)]
    expected = small["CC-FPSE"].parameters
    for n_in, n_out in widths:
        n_in, n_out = n_in * settings.width, n_out * settings.width
        middle = min(n_in, n_out)
        for of, to in ((n_in, middle), (middle, n_out)):
            expected += 9 * (of * to - of) * (settings.predictor_width * 9 + 1) - of * to - to
    assert small["CC-FPSE, full dynamic filters (computed)"].parameters == expected


def test_multiplications_of_one_discriminator_by_hand() -> None:
    """PatchGAN has no fast path: its convolutions, size by size."""
    described = networks("sample")
    [found] = [r for r in described.complexities(lambda *_: None) if r.name == "multi-scale PatchGAN"]
    K, F = described.n_layout, described.settings.discriminator_width
    total = 0
    for H, W in ((64, 96), (32, 48)):
        channels = [K + 3, F, 2 * F, 4 * F, 8 * F, 1]
        for i, stride in enumerate((2, 2, 2, 1, 1)):
            H, W = H // stride + 1, W // stride + 1
            total += 16 * channels[i] * channels[i + 1] * H * W
    assert found.flop == 2 * total
    assert found.fast_multiplications is None


def test_the_settings_own_switches_have_a_row() -> None:
    rows = networks("sample", context="local", attention=False).complexities(lambda *_: None)
    assert "as in the settings" in [row.name for row in rows]


def test_fast_multiplications_of_a_few_layers_by_hand() -> None:
    """4 outputs by tile and side, 36 products each; channels of the layout are free, others are not."""
    layout, features = torch.zeros(1, 3, 5, 7), torch.zeros(1, 2, 5, 7)
    conv, strided, left_alone = (torch.zeros(6, n, 3, 3) for n in (5, 5, 5))
    counter = _FastMultiplications(layout, [left_alone])
    with torch.no_grad(), counter:
        seen = torch.cat([layout, features], dim=1)
        F.conv2d(seen, conv, padding=1)
    tiles = 2 * 2
    assert counter.total == tiles * 36 * 2 * 6
    with torch.no_grad(), counter:
        F.conv2d(seen, strided, stride=2, padding=1)
    assert counter.total == tiles * 36 * 2 * 6 + 3 * 4 * 9 * 5 * 6
    before = counter.total
    with torch.no_grad(), counter:
        F.conv2d(seen, left_alone, padding=1)
        F.conv2d(features, torch.zeros(2, 1, 3, 3), padding=1, groups=2)
    assert counter.total == before + 35 * 9 * 5 * 6
    assert counter.depthwise == 35 * 9 * 2
