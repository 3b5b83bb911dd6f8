"""The papers' three segmenters, from files of the authors' names and shapes to class ids."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ccfpse.classfiles import load_class_table
from ccfpse.errors import ModelFileError, SettingsError
from ccfpse.files import sha256_file
from ccfpse.segmenters.deeplab import DeepLabSegmenter, DeepLabV2
from ccfpse.segmenters.drn import DrnD105, DrnSegmenter
from ccfpse.segmenters.mapping import map_classes
from ccfpse.segmenters.segmenter import Segmenter
from ccfpse.segmenters.upernet import (
    AUTHORS_SIZES,
    Decoder,
    Encoder,
    UPerNetSegmenter,
    input_size,
    with_short_side,
)
from tests.segmenters.published_files import entries_of, write

CASES = Path(__file__).resolve().parents[1] / "parity" / "cases"
CPU = torch.device("cpu")
BOOKKEEPING = ("num_batches_tracked", "_tmp_running_mean", "_tmp_running_var", "_running_iter")


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Segmenter]:
    def opened(data_set: str) -> Segmenter:
        if data_set == "cityscapes":
            return DrnSegmenter(write(tmp_path / "drn.pth", entries_of(lambda: DrnD105(19))), CPU)
        if data_set == "coco-stuff":
            return DeepLabSegmenter(write(tmp_path / "deeplab.pth", entries_of(lambda: DeepLabV2(182))), CPU)
        encoder = write(tmp_path / "encoder.pth", entries_of(Encoder))
        decoder = write(tmp_path / "decoder.pth", entries_of(lambda: Decoder(150)))
        return UPerNetSegmenter(encoder, decoder, (32, 64), CPU)

    return opened


@pytest.mark.parametrize(
    ("case", "part", "network"),
    [
        ("segmenter-drn", "S", lambda: DrnD105(19)),
        ("segmenter-deeplabv2", "S", lambda: DeepLabV2(182)),
        ("segmenter-upernet", "encoder", Encoder),
        ("segmenter-upernet", "decoder", lambda: Decoder(150)),
    ],
)
def test_entries_are_those_of_the_authors_files(
    case: str, part: str, network: Callable[[], nn.Module]
) -> None:
    keys = json.loads((CASES / case / "case.json").read_text("utf-8"))["keys"][part]
    theirs = {name: shape for name, shape in keys.items() if not name.endswith(BOOKKEEPING)}
    with torch.device("meta"):
        state = network().state_dict()
    assert {n: list(t.shape) for n, t in state.items() if not n.endswith(BOOKKEEPING)} == theirs


@pytest.mark.parametrize(
    ("data_set", "n_classes"), [("cityscapes", 19), ("coco-stuff", 182), ("ade20k", 150)]
)
def test_photos_are_read_at_their_own_size(
    data_set: str, n_classes: int, make: Callable[[str], Segmenter]
) -> None:
    segmenter = make(data_set)
    torch.manual_seed(0)
    pixels = torch.randint(256, (2, 3, 43, 70), dtype=torch.uint8)
    ids, scores = segmenter.read(pixels), segmenter.scores(pixels)
    assert (ids.shape, ids.dtype) == ((2, 43, 70), torch.int64)
    assert scores.shape == (2, n_classes, 43, 70)
    assert torch.equal(ids, scores.argmax(dim=1))
    assert (scores.amax(dim=(2, 3)) > scores.amin(dim=(2, 3))).all()  # or nothing would be shown


@pytest.mark.parametrize("data_set", ["cityscapes", "coco-stuff", "ade20k"])
def test_outputs_are_the_evaluated_classes_of_the_data_set_in_order(
    data_set: str, make: Callable[[str], Segmenter]
) -> None:
    table = load_class_table(data_set)
    mapping = map_classes(make(data_set).class_names, table)
    assert mapping.lookup.tolist() == list(table.evaluated_ids)
    assert mapping.unmapped_outputs == mapping.unmapped_classes == ()


def test_files_are_named_with_their_checksums(make: Callable[[str], Segmenter], tmp_path: Path) -> None:
    found = {file.name: file.sha256 for file in make("ade20k").files}
    assert found == {name: sha256_file(tmp_path / name) for name in ("encoder.pth", "decoder.pth")}


def test_probabilities_are_averaged_over_the_sizes(make: Callable[[str], Segmenter], tmp_path: Path) -> None:
    make("ade20k")  # writes the files
    files = (tmp_path / "encoder.pth", tmp_path / "decoder.pth")
    torch.manual_seed(0)
    pixels = torch.randint(256, (1, 3, 32, 40), dtype=torch.uint8)
    both, first, second = (
        UPerNetSegmenter(*files, sizes, CPU).scores(pixels) for sizes in ((32, 64), (32,), (64,))
    )
    assert (first - second).abs().max() > 1e-3
    torch.testing.assert_close(both, (first + second) / 2)
    torch.testing.assert_close(both.sum(dim=1), torch.ones(1, 32, 40))


def test_input_sizes_are_rounded_up_to_multiples_of_32() -> None:
    assert [input_size((256, 256), side)[0] for side in AUTHORS_SIZES] == [320, 384, 480, 544, 608]
    assert input_size((256, 256), 256) == (256, 256)
    assert input_size((683, 512), 300) == (416, 320)
    assert input_size((512, 683), 300) == (320, 416)


@pytest.mark.parametrize("short_side", [32, 96])
def test_photos_are_resized_as_pillow_resizes_pictures(short_side: int) -> None:
    random = np.random.default_rng(0)
    array = random.integers(0, 256, (64, 80, 3), dtype=np.uint8)
    found = with_short_side(torch.from_numpy(array).permute(2, 0, 1)[None], short_side)
    height, width = found.shape[2:]
    assert (height, width) == input_size((64, 80), short_side)
    expected = np.asarray(Image.fromarray(array).resize((width, height), Image.Resampling.BILINEAR))
    assert np.array_equal(found[0].permute(1, 2, 0).numpy(), expected)
    assert torch.equal(with_short_side(found, min(height, width)), found)


@pytest.mark.parametrize("sizes", [(), (0,), (256, -1)])
def test_impossible_sizes_are_refused(sizes: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="give positive ones"):
        UPerNetSegmenter(tmp_path / "encoder.pth", tmp_path / "decoder.pth", sizes, CPU)


def test_the_refusal_of_a_file_names_the_one_the_authors_publish(tmp_path: Path) -> None:
    other = write(tmp_path / "other.pth", {"conv.weight": torch.zeros(1)})
    encoder = write(tmp_path / "encoder.pth", entries_of(Encoder))
    for opened, said in (
        (lambda: DrnSegmenter(other, CPU), r"drn-d-105_ms_cityscapes\.pth"),
        (lambda: DeepLabSegmenter(other, CPU), r"deeplabv2_resnet101_msc-cocostuff164k-100000\.pth"),
        (lambda: UPerNetSegmenter(other, other, (256,), CPU), r"encoder_epoch_50\.pth"),
        (lambda: UPerNetSegmenter(encoder, other, (256,), CPU), r"decoder_epoch_50\.pth"),
    ):
        with pytest.raises(ModelFileError, match=rf"other\.pth: lacks entry .* and \d+ more; give .*{said}"):
            opened()
