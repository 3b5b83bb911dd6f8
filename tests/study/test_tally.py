"""Counting: shares, intervals, agreement, checks; and files that are refused."""

import json
from pathlib import Path

import pytest

from ccfpse.errors import DataError
from ccfpse.study.tally import Tally, tally
from tests.study.answering import answer, encoded, prefers
from tests.study.photos import Folders


def counted(folders: Folders, key, *contents) -> Tally:
    files = []
    for number, content in enumerate(contents):
        path = folders.out / f"answers-{number}.json"
        path.write_bytes(content if isinstance(content, bytes) else encoded(content))
        files.append(path)
    return tally(key, files)


def test_a_rater_who_always_prefers_a(folders: Folders) -> None:
    key = folders.make(checks=3)
    found = counted(folders, key, answer(key, "a" * 24, prefers("a")))
    assert (found.everyone.share, found.everyone.a, found.everyone.answers) == (1.0, 6, 6)
    low, high = found.everyone.interval
    # Wilson's for 6 of 6: n / (n + z²) to 1.
    assert low == pytest.approx(6 / (6 + 1.959964**2), abs=1e-6)
    assert high == pytest.approx(1)
    assert found.everyone.clustered is None  # one rater says nothing about others
    [rater] = found.raters
    assert (rater.answered, rater.share, rater.agreement, rater.checks, rater.failed) == (6, 1.0, None, 3, 0)


def test_raters_who_disagree_and_one_who_does_not_look(folders: Folders) -> None:
    key = folders.make(checks=2)
    found = counted(
        folders, key,
        answer(key, "a" * 24, prefers("a")),
        answer(key, "b" * 24, prefers("a")),
        answer(key, "c" * 24, prefers("b", attentive=False)),
    )  # fmt: skip
    assert found.everyone.share == pytest.approx(2 / 3)
    assert found.attentive.share == 1
    assert found.attentive.raters == 2
    assert found.agreement == pytest.approx(1 / 3)
    assert [rater.agreement for rater in found.raters] == [0.5, 0.5, 0.0]
    assert [rater.failed for rater in found.raters] == [0, 0, 2]
    assert found.everyone.clustered is None  # three raters say little about others


def test_raters_and_layouts_are_drawn_again_as_wholes(folders: Folders) -> None:
    key = folders.make(checks=0, pairs=None)
    sides = ["a"] * 6 + ["b"] * 2
    found = counted(
        folders, key, *(answer(key, f"{number:024x}", prefers(side)) for number, side in enumerate(sides))
    )
    low, high = found.everyone.clustered
    assert found.everyone.share == 0.75
    # Each rater is one throw: shares of 8 throws with 3/4, whatever the layouts.
    assert low == pytest.approx(0.375, abs=0.13)
    assert high == 1
    narrow_low, _ = found.everyone.interval
    assert low < narrow_low  # 192 answers are not 192 opinions


def test_raters_who_all_agree_have_no_interval_of_their_own(folders: Folders) -> None:
    key = folders.make(checks=0)
    found = counted(folders, key, *(answer(key, f"{n:024x}", prefers("a")) for n in range(8)))
    assert found.everyone.clustered is None
    assert found.everyone.interval[0] < 1


def test_visitors_who_answered_nothing_do_not_count(folders: Folders) -> None:
    key = folders.make(checks=2)
    visitors = [answer(key, f"{n:024x}", prefers("a")) | {"answers": []} for n in range(9)]
    found = counted(folders, key, answer(key, "a" * 24, prefers("b")), *visitors)
    assert (found.everyone.raters, found.everyone.share, found.everyone.clustered) == (1, 0.0, None)
    assert found.attentive.raters == 1


def test_an_unfinished_rater_counts_with_what_is_there(folders: Folders) -> None:
    key = folders.make(checks=0)
    content = answer(key, "a" * 24, prefers("b"))
    content["answers"] = content["answers"][:2]
    found = counted(folders, key, content)
    assert (found.everyone.answers, found.everyone.share) == (2, 0.0)
    assert found.raters[0].answered == 2


def test_no_answer_at_all_has_no_share(folders: Folders) -> None:
    key = folders.make(checks=0)
    found = counted(folders, key, answer(key, "a" * 24, prefers("b")) | {"answers": []})
    assert found.everyone.share is None
    assert found.everyone.interval is None


SPOILED = {
    "not json": (lambda c: b"{", "is not valid JSON"),
    "another study": (lambda c: c | {"study": "0" * 16}, "answers another study"),
    "a list": (lambda c: b"[]", "is no answers file"),
    "a newer format": (lambda c: c | {"format": 2}, "has format 2"),
    "a path as rater": (lambda c: c | {"rater": "../../etc/passwd"}, "has no rater's name"),
    "an unknown item": (
        lambda c: c | {"answers": [c["answers"][0] | {"item": "x"}]},
        "the study does not ask",
    ),
    "an answer twice": (lambda c: c | {"answers": c["answers"][:1] * 2}, "the same item twice"),
    "an odd choice": (lambda c: c | {"answers": [c["answers"][0] | {"choice": "both"}]}, "choice"),
    "before the question": (
        lambda c: c | {"answers": [c["answers"][0] | {"seconds": -1}]},
        "before its question",
    ),
    "endless seconds": (lambda c: encoded(c).replace(b"1.5", b"1" + b"0" * 400), "seconds"),
    "seconds as text": (lambda c: c | {"answers": [c["answers"][0] | {"seconds": "long"}]}, "seconds"),
    "endless nesting": (lambda c: b"[" * 100_000, "is not valid JSON"),
    "not utf-8": (lambda c: b"\xff\xfe{", "is not valid JSON"),
    "huge": (lambda c: b" " * (5 << 20), "larger than 4 MB"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_damaged_and_foreign_files_are_refused_by_name(folders: Folders, what: str) -> None:
    spoil, said = SPOILED[what]
    key = folders.make(checks=1)
    with pytest.raises(DataError, match=rf"answers-0\.json: .*{said}"):
        counted(folders, key, spoil(answer(key, "a" * 24, prefers("a"))))


def test_the_same_rater_twice_is_refused(folders: Folders) -> None:
    key = folders.make(checks=0)
    content = answer(key, "a" * 24, prefers("a"))
    with pytest.raises(DataError, match=r"answers-1\.json: is of the same rater as .*answers-0\.json"):
        counted(folders, key, content, content)


def test_nothing_to_count_is_said(folders: Folders) -> None:
    with pytest.raises(DataError, match="no answer files"):
        tally(folders.make(), [])


def test_a_missing_file_is_said(folders: Folders) -> None:
    with pytest.raises(DataError, match=r"nothing\.json: cannot be read"):
        tally(folders.make(), [Path("nothing.json")])


def test_the_tally_is_plain_numbers(folders: Folders) -> None:
    key = folders.make()
    found = counted(folders, key, answer(key, "a" * 24, prefers("a")))
    assert json.loads(json.dumps(found.to_dict()))["everyone"]["share"] == 1.0
