"""`ccfpse.load`: a model in Python, on arrays and pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ccfpse
from ccfpse.errors import CcfpseError, DataError, ModelFileError, SettingsError
from ccfpse.labelspace import ClassTable

MakeModel = Callable[..., Path]


def label_map(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Values as the toy table's label maps hold them: 10, 20, 30 and 255."""
    return np.random.default_rng(seed).choice(np.array([10, 20, 30, 255], np.uint8), (height, width))


def test_one_gives_one_and_a_list_gives_a_list(make_model: MakeModel) -> None:
    model = ccfpse.load(make_model())
    one = model.synthesize(label_map(20, 30))
    assert isinstance(one, Image.Image)
    assert one.size == (30, 20)
    several = model.synthesize([label_map(20, 30), label_map(64, 40)], as_arrays=True)
    assert [(type(photo), photo.dtype, photo.shape) for photo in several] == [
        (np.ndarray, np.uint8, (20, 30, 3)),
        (np.ndarray, np.uint8, (64, 40, 3)),
    ]
    np.testing.assert_array_equal(several[0], np.asarray(one))
    assert model.synthesize([]) == []


def test_a_model_says_what_it_is(make_model: MakeModel, table: ClassTable) -> None:
    model = ccfpse.load(make_model(style=True))
    assert (model.class_table, model.size, model.has_boundary, model.style_dim) == (
        table,
        (32, 64),
        True,
        256,
    )
    assert model.settings["model"]["width"] == 2


def test_pictures_arrays_colours_and_class_ids_mean_the_same(
    make_model: MakeModel, table: ClassTable
) -> None:
    model = ccfpse.load(make_model())
    values = label_map(32, 64)
    ids = table.from_raw(values)
    forms = [values, Image.fromarray(values), table.colorize(ids), Image.fromarray(table.colorize(ids))]
    photos = model.synthesize(forms, as_arrays=True)
    photos.append(model.synthesize(ids, coding="classes", as_arrays=True))
    for photo in photos[1:]:
        np.testing.assert_array_equal(photo, photos[0])


def test_labels_decide_the_photo(make_model: MakeModel) -> None:
    model = ccfpse.load(make_model())
    one, other = model.synthesize([label_map(32, 64, 0), label_map(32, 64, 1)], as_arrays=True)
    assert (one != other).mean() > 0.1


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("style", [False, True])
def test_a_photo_does_not_depend_on_its_batch(make_model: MakeModel, style: bool, precision: str) -> None:
    model = ccfpse.load(make_model(style=style), precision=precision)
    labels = [label_map(32, 64, i) for i in range(8)] + [label_map(32, 32)]
    names = [f"n{i}" for i in range(9)]
    alone, three, eight = (
        model.synthesize(labels, names=names, batch=batch, as_arrays=True) for batch in (1, 3, 8)
    )
    back = model.synthesize(labels[::-1], names=names[::-1], as_arrays=True)[::-1]
    for photos in (three, eight, back):
        np.testing.assert_array_equal(np.stack(photos[:8]), np.stack(alone[:8]))
        np.testing.assert_array_equal(photos[8], alone[8])


def test_a_style_changes_the_photo_and_comes_back_with_its_seed(make_model: MakeModel) -> None:
    model = ccfpse.load(make_model(style=True))
    labels = label_map(32, 64)
    first, again, other, mean = (
        model.synthesize(labels, style=style, seed=seed, as_arrays=True)
        for style, seed in (("prior", 1), ("prior", 1), ("prior", 2), ("mean", 1))
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first != mean).any()


def test_a_photos_style_is_a_vector_that_can_be_kept(make_model: MakeModel) -> None:
    model = ccfpse.load(make_model(style=True))
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8))
    vector = model.encode_style(photo)
    assert (vector.shape, vector.dtype) == ((256,), np.float32)
    np.testing.assert_array_equal(vector, model.encode_style(np.asarray(photo)))
    labels = label_map(32, 64)
    by_photo, by_vector = (model.synthesize(labels, style=s, as_arrays=True) for s in (photo, vector))
    np.testing.assert_array_equal(by_photo, by_vector)


def test_a_model_with_style_brings_other_sizes_back(make_model: MakeModel) -> None:
    model = ccfpse.load(make_model(style=True))
    photo = model.synthesize(label_map(100, 30), as_arrays=True)
    assert photo.shape == (100, 30, 3)
    assert model.synthesize(label_map(100, 30), size="model", as_arrays=True).shape == (32, 64, 3)


def test_boundaries_matter_and_without_maps_are_those_of_the_classes(make_model: MakeModel) -> None:
    model = ccfpse.load(make_model())
    labels = np.full((32, 64), 10, np.uint8)
    labels[:, 20:] = 20
    apart = np.arange(64, dtype=np.int32)[None].repeat(32, 0) // 8
    none, classes, objects = (
        model.synthesize(labels, instances=maps, as_arrays=True) for maps in (None, labels, apart)
    )
    np.testing.assert_array_equal(none, classes)
    assert (none != objects).any()


def test_the_first_load_is_what_imports_torch() -> None:
    import subprocess
    import sys

    code = "import ccfpse, sys; print('torch' in sys.modules or 'numpy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"labels": np.full((8, 8), 7)}, "labels[0]: value 7"),
        ({"labels": [np.full((8, 8), 10), np.full((8, 8), 3)]}, "labels[1]: value 3"),
        ({"labels": np.zeros((2, 8, 8), np.uint8)}, "labels[0]"),
        ({"labels": np.zeros((0, 8), np.uint8)}, "labels[0]"),
        ({"labels": np.full((8, 8), 0.5)}, "labels[0]"),
        ({"labels": np.full((8, 8), 4), "coding": "classes"}, "labels[0]: has class ids outside 0 to 3"),
        ({"labels": np.full((8, 8), 10), "instances": np.zeros((8, 9))}, "instances[0]"),
        ({"labels": [np.full((8, 8), 10)], "instances": []}, "1 label maps need as many instance maps"),
        ({"labels": [np.full((8, 8), 10)], "names": ["a", "b"]}, "2 names for 1"),
        ({"labels": np.full((8, 8), 10), "style": "baroque"}, "baroque"),
        ({"labels": np.full((8, 8), 10), "style": np.zeros(3, np.float32)}, "(3,)"),
        ({"labels": np.full((8, 8), 10), "style": np.zeros((8, 8, 3), np.float32)}, "uint8 (H, W, 3)"),
    ],
)
def test_what_cannot_be_used_is_refused(
    make_model: MakeModel, arguments: dict[str, object], words: str
) -> None:
    model = ccfpse.load(make_model(style=True))
    with pytest.raises((DataError, SettingsError)) as refused:
        model.synthesize(**arguments)  # type: ignore[arg-type]
    assert words in str(refused.value)


def test_a_model_without_style_takes_none(make_model: MakeModel) -> None:
    path = make_model()
    model = ccfpse.load(path)
    photo = np.zeros((8, 8, 3), np.uint8)
    for ask in (lambda: model.encode_style(photo), lambda: model.synthesize(label_map(8, 8), style="mean")):
        with pytest.raises(SettingsError, match=str(path)):
            ask()


def test_a_model_whose_encoder_was_left_out_has_random_styles_only(make_model: MakeModel) -> None:
    model = ccfpse.load(make_model(style=True, encoder=False))
    assert model.synthesize(label_map(32, 64)).size == (64, 32)
    with pytest.raises(ModelFileError, match="no style encoder"):
        model.encode_style(np.zeros((8, 8, 3), np.uint8))


def test_an_unknown_device_is_refused(make_model: MakeModel) -> None:
    with pytest.raises(CcfpseError, match="abacus"):
        ccfpse.load(make_model(), device="abacus")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_the_same_photo_but_for_rounding(make_model: MakeModel) -> None:
    path, labels = make_model(style=True), label_map(32, 64)
    on_cpu, on_gpu = (
        ccfpse.load(path, device=device).synthesize(labels, as_arrays=True) for device in ("cpu", "cuda")
    )
    assert np.abs(on_cpu.astype(int) - on_gpu).mean() < 1
