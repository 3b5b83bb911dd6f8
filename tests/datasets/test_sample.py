"""Properties of the rendered street scenes and of the data set written from them."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ccfpse.datasets.sample import Scene, render_scene, write_sample
from ccfpse.errors import DataError, OutputError

ROAD, BUILDING, SKY, PERSON, CAR = 7, 11, 23, 24, 26
CLASSES = (7, 8, 11, 13, 17, 19, 20, 21, 22, 23, 24, 26)
EGO_VEHICLE = 1


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [render_scene(seed=11, index=i) for i in range(40)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "raw"
    write_sample(folder, train=2, val=1, seed=5, workers=1)
    return folder


def file_bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def overlap(label_maps: list[NDArray[np.uint8]], label: int) -> float:
    """Intersection over union of a class between neighbours in the list, summed over all of them."""
    masks = [labels == label for labels in label_maps]
    pairs = list(pairwise(masks))
    union = sum(int((a | b).sum()) for a, b in pairs)
    return sum(int((a & b).sum()) for a, b in pairs) / max(union, 1)


def test_same_seed_and_index_give_the_same_scene(scenes: list[Scene]) -> None:
    again = render_scene(seed=11, index=3)
    np.testing.assert_array_equal(again.pixels, scenes[3].pixels)
    np.testing.assert_array_equal(again.instance_ids, scenes[3].instance_ids)


def test_other_seed_or_index_gives_another_scene(scenes: list[Scene]) -> None:
    assert (scenes[3].label_ids != scenes[4].label_ids).mean() > 0.2
    assert (scenes[3].label_ids != render_scene(seed=12, index=3).label_ids).mean() > 0.2


def test_every_pixel_has_a_label_of_the_street(scenes: list[Scene]) -> None:
    seen = {int(v) for scene in scenes for v in np.unique(scene.label_ids)}
    assert seen <= {*CLASSES, EGO_VEHICLE}
    assert set(CLASSES) <= seen


def test_instances_are_coded_as_in_cityscapes(scenes: list[Scene]) -> None:
    for scene in scenes:
        numbered = scene.instance_ids >= 1000
        np.testing.assert_array_equal(numbered, np.isin(scene.label_ids, (PERSON, CAR)))
        np.testing.assert_array_equal(scene.instance_ids[numbered] // 1000, scene.label_ids[numbered])
        np.testing.assert_array_equal(scene.instance_ids[~numbered], scene.label_ids[~numbered])


def test_size_can_be_chosen() -> None:
    scene = render_scene(seed=11, index=3, size=(64, 128))
    assert scene.pixels.shape == (64, 128, 3)
    assert scene.label_ids.shape == scene.instance_ids.shape == (64, 128)


def test_layouts_of_unrelated_scenes_agree_badly(scenes: list[Scene]) -> None:
    label_maps = [scene.label_ids[::4, ::4] for scene in scenes]
    overlaps = {label: overlap(label_maps, label) for label in CLASSES}
    for label in (ROAD, BUILDING, SKY, CAR):
        assert overlaps[label] <= 0.25
    assert np.mean(list(overlaps.values())) <= 0.12


def test_main_classes_are_large_enough_to_learn(scenes: list[Scene]) -> None:
    labels = np.stack([scene.label_ids for scene in scenes])
    for label in (ROAD, BUILDING, SKY, CAR):
        assert (labels == label).mean() > 0.05


def test_cars_differ_in_colour(scenes: list[Scene]) -> None:
    means = [
        scene.pixels[scene.instance_ids == value].mean(axis=0)
        for scene in scenes
        for value in np.unique(scene.instance_ids[scene.label_ids == CAR])
        if (scene.instance_ids == value).sum() > 400
    ]
    assert len(means) > 10
    assert np.stack(means).std(axis=0).min() > 15


def test_classes_keep_their_colours_across_scenes(scenes: list[Scene]) -> None:
    def mean_color(label: int) -> NDArray[np.float64]:
        return np.concatenate([s.pixels[s.label_ids == label] for s in scenes]).mean(axis=0)

    sky, vegetation, road = mean_color(SKY), mean_color(21), mean_color(ROAD)
    assert sky[2] > sky[0]
    assert sky.mean() > road.mean() + 40
    assert vegetation[1] > vegetation[0] > vegetation[2]
    assert np.ptp(road) < 25


def test_sun_casts_shadows_on_the_road(scenes: list[Scene]) -> None:
    """The dark side of the road's brightness has a mode of its own in some scenes."""
    spreads = [np.percentile(road, 80) / np.percentile(road, 10) for road in _road_brightness(scenes)]
    assert max(spreads) > 1.5


def _road_brightness(scenes: list[Scene]) -> Iterator[NDArray[np.float64]]:
    for scene in scenes:
        road = scene.pixels[scene.label_ids == ROAD]
        if len(road) > 10_000:
            yield road.mean(axis=1)


def test_written_files_are_named_and_coded_as_in_cityscapes(written: Path) -> None:
    names = sorted(file_bytes(written))
    assert names == [
        "gtFine/train/sampletown/sampletown_000000_000000_gtFine_instanceIds.png",
        "gtFine/train/sampletown/sampletown_000000_000000_gtFine_labelIds.png",
        "gtFine/train/sampletown/sampletown_000001_000000_gtFine_instanceIds.png",
        "gtFine/train/sampletown/sampletown_000001_000000_gtFine_labelIds.png",
        "gtFine/val/samplefield/samplefield_000000_000000_gtFine_instanceIds.png",
        "gtFine/val/samplefield/samplefield_000000_000000_gtFine_labelIds.png",
        "leftImg8bit/train/sampletown/sampletown_000000_000000_leftImg8bit.png",
        "leftImg8bit/train/sampletown/sampletown_000001_000000_leftImg8bit.png",
        "leftImg8bit/val/samplefield/samplefield_000000_000000_leftImg8bit.png",
        "sample.json",
    ]
    scene = render_scene(seed=5, index=1)
    for name, mode, expected in (
        (names[7], "RGB", scene.pixels),
        (names[3], "L", scene.label_ids),
        (names[2], "I;16", scene.instance_ids),
    ):
        with Image.open(written / name) as image:
            assert image.mode == mode
            np.testing.assert_array_equal(np.asarray(image), expected)


def test_splits_share_no_scene(written: Path) -> None:
    photos = [p.read_bytes() for p in written.glob("leftImg8bit/*/*/*.png")]
    assert len(set(photos)) == len(photos) == 3


@pytest.mark.slow
def test_number_of_workers_does_not_matter(written: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "raw", train=2, val=1, seed=5, workers=2)
    assert file_bytes(tmp_path / "raw") == file_bytes(written)


def test_goes_on_where_it_was_interrupted(written: Path) -> None:
    before = file_bytes(written)
    lost = next(written.glob("gtFine/train/*/*_labelIds.png"))
    kept = next(written.glob("leftImg8bit/val/*/*.png"))
    lost.unlink()
    changed = kept.stat().st_mtime_ns
    calls: list[tuple[int, int]] = []
    write_sample(
        written, train=2, val=1, seed=5, workers=1, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(2, 3), (3, 3)]
    assert kept.stat().st_mtime_ns == changed
    assert file_bytes(written) == before


def test_refuses_a_folder_with_other_scenes(written: Path) -> None:
    with pytest.raises(DataError, match=r"sample\.json: describes other sample scenes .* remove the folder"):
        write_sample(written, train=2, val=1, seed=6, workers=1)


def test_refuses_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds files but no sample\.json"):
        write_sample(tmp_path, train=1, val=0, seed=0, workers=1)


def test_refuses_a_file_in_the_folders_place(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        write_sample(tmp_path / "raw", train=1, val=0, seed=0, workers=1)
