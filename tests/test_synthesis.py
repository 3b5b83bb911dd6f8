"""From label maps in files to photos in files."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ccfpse
from ccfpse.errors import DataError, OutputError, SettingsError
from ccfpse.layoutfiles import find_layouts
from ccfpse.model import Model
from ccfpse.synthesis import Report, synthesize_files
from ccfpse.synthesisplan import Output

MakeModel = Callable[..., Path]


@contextlib.contextmanager
def silent(description: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def synthesize(model: Model, labels: Path, out: Path, **changes: Any) -> Report:
    output = Output(
        folder=out,
        format=changes.pop("format", "png"),
        size=changes.pop("size", "input"),
        overwrite=changes.pop("overwrite", False),
    )
    arguments: dict[str, Any] = {
        "style": "prior",
        "seed": 0,
        "batch": 8,
        "skip_bad": False,
        "progress": silent,
        "warn": lambda text: None,
    }
    layouts = find_layouts(labels, changes.pop("instances", None), model, None, "auto")
    return synthesize_files(model, layouts, output, **arguments | changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Ten label maps, nested, of three sizes."""
    rng = np.random.default_rng(0)
    for i in range(10):
        path = tmp_path / "labels" / ("town" if i % 2 else ".") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = [(32, 64), (20, 50), (64, 64)][0 if i < 6 else i % 3]
        Image.fromarray(rng.choice(np.array([10, 20, 30, 255], np.uint8), size)).save(path)
    return tmp_path / "labels"


def test_photos_have_names_and_sizes_of_their_label_maps(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    report = synthesize(ccfpse.load(make_model()), labels, tmp_path / "out")
    assert (report.written, report.kept, report.bad) == (10, 0, ())
    photos = {f.relative_to(tmp_path / "out"): Image.open(f).size for f in (tmp_path / "out").rglob("*.png")}
    assert photos == {f.relative_to(labels): Image.open(f).size for f in labels.rglob("*.png")}


@pytest.mark.parametrize("style", [False, True])
def test_bytes_do_not_depend_on_the_batch(
    tmp_path: Path, labels: Path, make_model: MakeModel, style: bool
) -> None:
    model = ccfpse.load(make_model(style=style))
    for batch in (1, 3, 8):
        synthesize(model, labels, tmp_path / f"out{batch}", batch=batch)
    assert contents(tmp_path / "out1") == contents(tmp_path / "out3") == contents(tmp_path / "out8")


def test_bytes_do_not_depend_on_other_files(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    model = ccfpse.load(make_model(style=True))
    synthesize(model, labels, tmp_path / "all")
    for file in labels.glob("*.png"):
        file.unlink()
    synthesize(model, labels, tmp_path / "town")
    fewer = contents(tmp_path / "town")
    assert len(fewer) == 5
    assert fewer.items() <= contents(tmp_path / "all").items()


def test_python_gives_the_photo_that_the_file_has(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    model = ccfpse.load(make_model(style=True))
    synthesize(model, labels, tmp_path / "out", seed=4)
    with Image.open(labels / "town/1.png") as label_map:
        photo = model.synthesize(label_map, seed=4, names=["town/1"], as_arrays=True)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out/town/1.png")), photo)


def test_what_is_there_is_kept_unless_told_otherwise(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    model, kept = ccfpse.load(make_model()), tmp_path / "out/town/1.png"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    report = synthesize(model, labels, tmp_path / "out")
    assert (report.written, report.kept, kept.read_text()) == (9, 1, "mine")
    report = synthesize(model, labels, tmp_path / "out", overwrite=True)
    assert (report.written, report.kept) == (10, 0)
    assert Image.open(kept).size


def test_nothing_is_written_when_a_label_map_is_refused(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(labels / "town/bad.png")
    (labels / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"2 layouts.*text\.png.*bad\.png: value 77 \(64 pixels\)"):
        synthesize(ccfpse.load(make_model()), labels, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bad_label_maps_are_left_out_and_listed(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(labels / "town/bad.png")
    report = synthesize(ccfpse.load(make_model()), labels, tmp_path / "out", skip_bad=True)
    assert report.written == 10
    assert len(report.bad) == 1
    assert "town/bad.png: value 77" in report.bad[0]


@pytest.mark.parametrize(("format", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_a_photos_format_is_that_of_its_name(
    tmp_path: Path, labels: Path, make_model: MakeModel, format: str, kind: str
) -> None:
    synthesize(ccfpse.load(make_model()), labels / "town", tmp_path / "out", format=format, size="model")
    with Image.open(tmp_path / f"out/1.{format}") as photo:
        assert (photo.format, photo.size) == (kind, (64, 32))


def test_missing_instance_maps_are_said_once(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    said: list[str] = []
    synthesize(ccfpse.load(make_model()), labels, tmp_path / "a", warn=said.append)
    assert len(said) == 1
    assert "10 of 10" in said[0]
    model = ccfpse.load(make_model("plain.safetensors", boundary=False))
    synthesize(model, labels, tmp_path / "b", warn=said.append)
    assert len(said) == 1


def test_a_store_is_synthesized_with_its_instances_and_own_styles(
    tmp_path: Path, store: Path, make_model: MakeModel
) -> None:
    model, said = ccfpse.load(make_model(style=True)), list[str]()
    for style in ("prior", "own"):
        synthesize(model, store, tmp_path / style, style=style, warn=said.append)
    synthesize(model, store, tmp_path / "batch of one", style="own", batch=1)
    assert not said
    own = contents(tmp_path / "own")
    assert own.keys() == {"town/a.png", "town/b.png"}
    assert own == contents(tmp_path / "batch of one")
    assert own["town/a.png"] != contents(tmp_path / "prior")["town/a.png"]


def test_label_maps_have_no_style_of_their_own(tmp_path: Path, labels: Path, make_model: MakeModel) -> None:
    with pytest.raises(SettingsError, match="needs a prepared store"):
        synthesize(ccfpse.load(make_model(style=True)), labels, tmp_path / "out", style="own")


def test_a_label_map_is_never_replaced_by_its_photo(labels: Path, make_model: MakeModel) -> None:
    before = contents(labels)
    with pytest.raises(OutputError, match="which its photo would replace"):
        synthesize(ccfpse.load(make_model()), labels, labels, overwrite=True)
    assert contents(labels) == before


def test_a_failure_while_writing_leaves_no_half_files(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "town").write_text("in the way")
    with pytest.raises(OutputError, match="town"):
        synthesize(ccfpse.load(make_model()), labels, out)
    assert not [f for f in out.rglob("*") if "tmp" in f.name]
    for photo in out.glob("*.png"):
        Image.open(photo).load()


def test_an_interruption_ends_at_once_with_whole_files(
    tmp_path: Path, labels: Path, make_model: MakeModel
) -> None:
    @contextlib.contextmanager
    def impatient(description: str) -> Iterator[Callable[[int, int], None]]:
        def update(done: int, total: int) -> None:
            if description == "synthesizing" and done == 3:
                raise KeyboardInterrupt

        yield update

    with pytest.raises(KeyboardInterrupt):
        synthesize(ccfpse.load(make_model()), labels, tmp_path / "out", batch=1, progress=impatient)
    written = [f for f in (tmp_path / "out").rglob("*") if f.is_file()]
    assert 3 <= len(written) < 10
    for photo in written:
        Image.open(photo).load()


@pytest.mark.slow
def test_real_label_maps_of_several_data_sets(samples: Path, tmp_path: Path, make_model: MakeModel) -> None:
    from ccfpse.classfiles import load_class_table

    for name, folder, instances in (
        ("cityscapes", "cityscapes/gtFine/val", "cityscapes/gtFine/val"),
        ("coco-stuff", "coco_stuff/val_label", "coco_stuff/val_inst"),
        ("ade20k", "ade20k/ADEChallengeData2016/annotations/validation", None),
    ):
        model = ccfpse.load(
            make_model(
                f"{name}.safetensors",
                style=True,
                classes=load_class_table(name),
                boundary=instances is not None,
            )
        )
        maps = None if instances is None else samples / instances
        report = synthesize(model, samples / folder, tmp_path / name, instances=maps)
        assert report.written >= 2
        assert not report.bad


def test_label_maps_far_beyond_the_trained_size_are_said(tmp_path: Path, make_model: MakeModel) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    Image.new("L", (256, 96), 10).save(folder / "large.png")  # the model's size is 64x32
    Image.new("L", (64, 32), 10).save(folder / "usual.png")
    model, said = ccfpse.load(make_model(boundary=False)), list[str]()
    synthesize(model, folder, tmp_path / "a", warn=said.append)
    assert ["1 of 2 label maps are much larger than the 32x64" in text for text in said] == [True]
    synthesize(model, folder, tmp_path / "b", size="model", warn=said.append)
    assert len(said) == 1
