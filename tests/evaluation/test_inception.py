from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ccfpse.errors import ModelFileError
from ccfpse.evaluation.inception import FILE, Inception, inception_path, load_inception
from ccfpse.evaluation.statistics import FeatureStatistics, frechet_distance

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


@pytest.mark.slow
def test_the_distance_is_that_of_pytorch_fid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytorch_fid.fid_score import calculate_fid_given_paths

    torch.manual_seed(0)
    cache = tmp_path / "hub" / "checkpoints" / FILE
    cache.parent.mkdir(parents=True)
    torch.save(Inception().network.state_dict(), cache)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    rng = np.random.default_rng(0)
    photos = {
        "real": rng.integers(0, 256, (6, 40, 56, 3), dtype=np.uint8),
        "synthesized": rng.integers(60, 200, (6, 40, 56, 3), dtype=np.uint8),
    }
    inception, found = load_inception(inception_path(None), CPU), {}
    for kind, arrays in photos.items():
        (tmp_path / kind).mkdir()
        for i, pixels in enumerate(arrays):
            Image.fromarray(pixels).save(tmp_path / kind / f"{i}.png")
        found[kind] = FeatureStatistics(2048)
        for part in np.array_split(arrays, 2):
            found[kind].add(inception(torch.from_numpy(part).permute(0, 3, 1, 2)).numpy())

    folders = [str(tmp_path / kind) for kind in photos]
    expected = calculate_fid_given_paths(folders, batch_size=3, device="cpu", dims=2048, num_workers=0)
    assert frechet_distance(found["real"], found["synthesized"]) == pytest.approx(expected, rel=1e-5)
