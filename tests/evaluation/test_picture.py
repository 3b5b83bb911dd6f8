from pathlib import Path

import numpy as np
from PIL import Image

from ccfpse.evaluation.picture import evenly_spaced, write_picture

RED, BLUE = (255, 0, 0), (0, 0, 255)


def plain(color: tuple[int, int, int]) -> np.ndarray:
    return np.full((32, 64, 3), color, np.uint8)


def test_cells_are_enlarged_by_a_whole_factor_and_keep_their_pixels(tmp_path: Path) -> None:
    columns = {"label": [plain(RED)] * 2, "synthesized": [plain(BLUE)] * 2}
    write_picture(tmp_path / "p.png", columns, {})
    pixels = np.asarray(Image.open(tmp_path / "p.png"))
    enlarged = 6**2 * 32 * 64
    assert (pixels == RED).all(axis=2).sum() == 2 * enlarged
    assert (pixels == BLUE).all(axis=2).sum() == 2 * enlarged


def test_the_legend_shows_every_colour_within_the_picture(tmp_path: Path) -> None:
    colors = {f"a class called {i}": (10 * i, 0, 7) for i in range(1, 25)}
    write_picture(tmp_path / "p.png", {"label": [plain(BLUE)]}, colors)
    shown = {tuple(c) for c in np.asarray(Image.open(tmp_path / "p.png")).reshape(-1, 3).tolist()}
    assert set(colors.values()) <= shown


def test_photos_wider_than_a_cell_are_shown_as_they_are(tmp_path: Path) -> None:
    write_picture(tmp_path / "p.png", {"real": [np.zeros((20, 500, 3), np.uint8)]}, {})
    assert Image.open(tmp_path / "p.png").width == 516


def test_rows_are_spread_over_the_whole_split() -> None:
    assert evenly_spaced(101, 5) == [0, 25, 50, 75, 100]
    assert evenly_spaced(3, 8) == [0, 1, 2]
    assert evenly_spaced(1, 4) == [0]
