"""Which runs are called different, and which are not compared at all."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ccfpse.errors import DataError, SettingsError
from ccfpse.evaluation.metrics import Drawn
from ccfpse.evaluation.outputs import DRAWN, read_drawn, write_drawn
from ccfpse.report.comparing import Comparison, compare
from ccfpse.report.naming import named_runs
from tests.report.evaluations import CHECKSUM, write_evaluation

OTHER_NETWORK = [{"figures": ["miou"], "network": {"name": "a judge", "sha256": "3" * 64}}]


def compared(a: Path, b: Path) -> Comparison:
    return compare(*named_runs([str(a), str(b)]))


def test_a_planted_difference_is_found(tmp_path: Path) -> None:
    a = write_evaluation(tmp_path / "a", miou=0.50, fid=60)
    b = write_evaluation(tmp_path / "b", miou=0.47, fid=66, seed=1)
    found = compared(a, b).differences
    assert {name: difference.verdict for name, difference in found.items()} == {
        "miou": "lower",
        "accuracy": "lower",
        "boundary_agreement": "no difference shown",
        "fid": "higher",
    }
    assert found["miou"].value == pytest.approx(-0.03)
    # The intervals of the two alone overlap: what both share is drawn alike, and cancels.
    assert found["miou"].interval is not None
    assert found["miou"].interval.high - found["miou"].interval.low < 0.04


def test_two_runs_that_differ_by_noise_are_not_called_different(tmp_path: Path) -> None:
    a = write_evaluation(tmp_path / "a", miou=0.500, fid=60.0, noise=0.01)
    b = write_evaluation(tmp_path / "b", miou=0.503, fid=59.9, seed=1, noise=0.01)
    found = compared(a, b).differences
    assert {difference.verdict for difference in found.values()} == {"no difference shown"}


@pytest.mark.slow
def test_noise_alone_shows_a_difference_in_about_one_case_of_twenty(tmp_path: Path) -> None:
    # Runs whose true scores are equal; what each is measured at differs by as much as its resamples do.
    random, noise, cases = np.random.default_rng(5), 0.01, 60
    shown = 0
    for case in range(cases):
        mious = 0.5 + noise * random.standard_normal(2)
        a, b = (
            write_evaluation(
                tmp_path / f"{side}{case}", miou=float(miou), fid=None, seed=10 * case + i, noise=noise
            )
            for i, (side, miou) in enumerate(zip("ab", mious, strict=True))
        )
        shown += compared(a, b).differences["miou"].is_shown
    assert shown <= 8  # 3 are expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"photos": f"{'9' * 64} judge"}, "other validation data"),
        ({"photos": f"{CHECKSUM} segmenter"}, "another protocol (segmenter)"),
        ({"figures": OTHER_NETWORK}, "another network"),
    ],
)
def test_runs_of_other_photos_or_another_reading_are_not_compared(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    a = write_evaluation(tmp_path / "a")
    b = write_evaluation(tmp_path / "b", miou=0.1, **changes)  # type: ignore[arg-type]
    found = compared(a, b)
    assert found.differences == {}
    assert found.reason is not None
    assert reason in found.reason


def test_distances_to_other_photos_are_not_compared(tmp_path: Path) -> None:
    a = write_evaluation(tmp_path / "a")
    records = json.loads((a / "metrics.json").read_text("utf-8"))["figures"]
    records[1]["reference_sha256"] = "9" * 64
    found = compared(a, write_evaluation(tmp_path / "b", seed=1, figures=records))
    assert set(found.differences) == {"miou", "accuracy", "boundary_agreement"}
    assert "to other photos" in found.reasons["fid"]


def test_without_draws_of_a_distance_there_is_a_value_and_no_verdict(tmp_path: Path) -> None:
    a, b = (write_evaluation(tmp_path / name, fid=fid) for name, fid in (("a", 60.0), ("b", 90.0)))
    for folder in (a, b):
        drawn, photos = read_drawn(folder / DRAWN)
        write_drawn(folder / DRAWN, Drawn(drawn.scores, {}), photos)
    found = compared(a, b).differences["fid"]
    assert (found.value, found.interval, found.verdict) == (30, None, "no difference shown")


@pytest.mark.parametrize(
    "damage", [lambda whole: b"", lambda whole: b"no archive", lambda whole: whole[:5000]]
)
def test_damaged_draws_are_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    a, b = (write_evaluation(tmp_path / name) for name in "ab")
    (b / DRAWN).write_bytes(damage((b / DRAWN).read_bytes()))
    with pytest.raises(
        DataError, match=r"b/drawn\.npz: is missing or damaged .*; run `ccfpse evaluate` again"
    ):
        compared(a, b)


def test_runs_are_called_as_their_folders_with_as_much_as_tells_them_apart(tmp_path: Path) -> None:
    places = ("one/evaluation", "two/evaluation", "other")
    given = [str(write_evaluation(tmp_path / place)) for place in places]
    names = [run.name for run in named_runs(given)]
    assert names == ["one/evaluation", "two/evaluation", "other"]
    assert [run.name for run in named_runs([f"ours={given[0]}", given[1]])] == ["ours", "evaluation"]


def test_a_folder_may_have_an_equals_sign_in_its_name(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "steps=300")
    assert [run.name for run in named_runs([str(folder)])] == ["steps=300"]


def test_names_and_folders_that_come_twice_are_refused(tmp_path: Path) -> None:
    a, b = (str(write_evaluation(tmp_path / name)) for name in "ab")
    with pytest.raises(SettingsError, match="a: is named twice"):
        named_runs([a, f"x={a}"])
    with pytest.raises(SettingsError, match="two runs are called x"):
        named_runs([f"x={a}", f"x={b}"])
    with pytest.raises(SettingsError, match="name before = is empty"):
        named_runs([f"={a}"])
