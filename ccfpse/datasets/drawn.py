"""The embedded data set, drawn where its settings say; scenes of other settings make room."""

import shutil
from collections.abc import Callable
from pathlib import Path

from ccfpse.datasets.sample import write_sample
from ccfpse.datasets.sample.write import CITIES, RECORD_NAME, renderer
from ccfpse.errors import DataError
from ccfpse.files import read_json
from ccfpse.placing import refuse_way_out
from ccfpse.sections import SampleScenes


def draw_scenes(folder: Path, scenes: SampleScenes, workers: int, update: Callable[[int, int], None]) -> None:
    """Draws the scenes that are not in the folder yet.

    Scenes that were drawn with other settings, or by another version of the renderer, are removed first:
    they can be drawn again.

    Raises:
        DataError: the folder holds something else than scenes.
        OutputError: it cannot be written, or a link leads out of it.
    """
    record = folder / RECORD_NAME
    for split, city in CITIES.items():
        for kind in ("leftImg8bit", "gtFine"):
            refuse_way_out(folder, folder / kind / split / city / "a scene")
    if record.is_file():
        asked = {"renderer": renderer(), "seed": scenes.seed, "train": scenes.train, "val": scenes.val}
        found = read_json(record, DataError, "remove this folder")
        if not isinstance(found, dict) or any(found.get(key) != value for key, value in asked.items()):
            for split, city in CITIES.items():
                for kind in ("leftImg8bit", "gtFine"):
                    shutil.rmtree(folder / kind / split / city, ignore_errors=True)
            for empty in sorted((f for f in folder.rglob("*") if f.is_dir()), reverse=True):
                if not any(empty.iterdir()):
                    empty.rmdir()
            record.unlink()
    write_sample(folder, scenes.train, scenes.val, scenes.seed, workers, update)
