from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ccfpse.errors import ModelFileError
from ccfpse.evaluation.inception import FILE, Inception, _clean_resize, inception_path, load_inception

CPU = torch.device("cpu")


def test_the_given_file_comes_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert inception_path(None) == tmp_path / "hub" / "checkpoints" / FILE
    assert inception_path("w.pth") == Path("w.pth")


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"download https://.*evaluate\.inception"):
        load_inception(tmp_path / "w.pth", CPU)


def test_a_file_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    torch.save({"a": Path("code")}, tmp_path / "w.pth")
    with pytest.raises(ModelFileError, match="does not hold pytorch-fid's"):
        load_inception(tmp_path / "w.pth", CPU)


def test_the_clean_resize_filters_what_the_other_lets_through() -> None:
    fine = np.zeros((598, 598, 3), np.uint8)
    fine[::2, ::2] = fine[1::2, 1::2] = 255  # a checkerboard, finer than the resized photo can show
    clean = _clean_resize(fine)
    assert clean.shape == (299, 299, 3)
    np.testing.assert_allclose(clean[5:-5, 5:-5], 127.5, atol=0.5)
    plain = np.full((40, 30, 3), (10, 20, 30), np.uint8)
    np.testing.assert_allclose(_clean_resize(plain), np.broadcast_to((10, 20, 30), (299, 299, 3)), atol=1e-3)


def test_the_clean_resize_is_pillows_without_rounding() -> None:
    photo = np.random.default_rng(0).integers(60, 200, (40, 56, 3), dtype=np.uint8)
    rounded = np.asarray(Image.fromarray(photo).resize((299, 299), Image.Resampling.BICUBIC))
    assert np.abs(_clean_resize(photo) - rounded).max() <= 1.5
    assert np.abs(_clean_resize(photo) % 1).max() > 0.1


@pytest.mark.slow
def test_both_resizes_feed_the_same_network() -> None:
    torch.manual_seed(0)
    inception = Inception().eval()
    photo = np.full((299, 299, 3), 99, np.uint8)  # of that size nothing is resized
    pixels = torch.from_numpy(photo).permute(2, 0, 1)[None]
    torch.testing.assert_close(inception.of_clean_resize([photo]), inception(pixels), rtol=1e-4, atol=1e-5)
