"""The page's content, from evaluations to text."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ccfpse.report.numbers import MINUS, NOTHING
from ccfpse.report.papers import reported
from ccfpse_cli.main import app
from tests.report.evaluations import CHECKSUM, write_evaluation

EVIL = """<script>alert(1)</script>&"'><img src=x onerror=alert(2)>"""
LEAK: dict[str, Any] = {"style": "own", "style_of_the_photos_themselves": True}
EVIL_RUN = """<script>alert(1)</script>&"'><img>"""


def page_of(tmp_path: Path, *given: object) -> str:
    out = tmp_path / "page" / "index.html"
    ended = CliRunner().invoke(app, ["report", *map(str, given), "--out", str(out)])
    assert ended.exit_code == 0, ended.output
    assert f"report: {out}" in ended.output
    return out.read_text("utf-8")


class Seen(HTMLParser):
    """Elements with their attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in_style = False
        self.feed(page)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text += " "
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.text += " "
        self._in_style = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._in_style else data

    def tags(self, *wanted: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in wanted]


def test_figures_stand_with_their_intervals_beside_the_real_photos(tmp_path: Path) -> None:
    seen = Seen(page_of(tmp_path, f"ours={write_evaluation(tmp_path / 'a', miou=0.534)}"))
    assert re.search(
        r"ours photos 48 size 96 . 64 protocol judge style prior mean IoU 0\.534 \(0\.\d\d to 0\.\d\d\)",
        seen.text,
    )
    assert re.search(r"real 0\.800 chance 0\.0500", seen.text)
    assert "FID 60.0" in seen.text
    assert f"instance separation {NOTHING} {NOTHING} {NOTHING}" in seen.text
    assert not {"Leak", "papers"} & set(seen.text.split())
    assert "Beside other runs" not in seen.text


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    seen = Seen(page_of(tmp_path, write_evaluation(tmp_path / "a")))
    assert len(seen.tags("h1")) == 1
    assert seen.tags("script") == []
    policy = [m["content"] for m in seen.tags("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    pictures = seen.tags("img")
    assert len(pictures) == 3
    for picture in pictures:
        assert (picture["src"] or "").startswith("data:image/")
        assert picture["alt"]
        assert int(picture["width"] or 0) == 1400
    assert all("scope" in attributes for attributes in seen.tags("th"))
    ids = {a["id"] for _, a in seen.elements if "id" in a}
    assert {(a["href"] or "").removeprefix("#") for a in seen.tags("a")} <= ids


def test_what_comes_from_files_is_text(tmp_path: Path) -> None:
    folder = write_evaluation(
        tmp_path / "a",
        classes=(EVIL, "sky"),
        names=(EVIL, "b"),
        protocol=EVIL,
        about_style=EVIL,
        versions=[EVIL],
        sources=[{"role": "prepared data", "name": EVIL, "sha256": EVIL}],
        figures=[{"figures": [EVIL], "what": EVIL, "network": {"name": EVIL}}],
        fid=None,
        fid_missing=EVIL,
    )
    other = write_evaluation(tmp_path / "b", protocol=EVIL, photos=f"{'9' * 64} judge")
    seen = Seen(page_of(tmp_path, f"{EVIL_RUN}={folder}", f"x{EVIL_RUN}={other}"))
    assert seen.tags("script") == []
    assert len(seen.tags("img")) == 3
    assert not any("onerror" in attributes for _, attributes in seen.elements)
    assert seen.text.count(EVIL) >= 10
    assert seen.text.count(EVIL_RUN) >= 3


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        (
            LEAK,
            "The style came from the real photos themselves.",
        ),
        ({"style": None}, "It is not known where the style came from."),
        ({"judge_too_weak": True}, "The judge is too weak to rank models. It reaches mean IoU 0.800"),
    ],
)
def test_what_makes_figures_too_good_or_idle_is_said_before_them(
    tmp_path: Path, changes: dict[str, object], title: str
) -> None:
    text = Seen(page_of(tmp_path, write_evaluation(tmp_path / "a", **changes))).text  # type: ignore[arg-type]
    assert 0 < text.index(title) < text.index("boundary agreement")
    assert title not in Seen(page_of(tmp_path, write_evaluation(tmp_path / "b"))).text


def test_differences_have_a_verdict_in_words(tmp_path: Path) -> None:
    a = write_evaluation(tmp_path / "first")
    b = write_evaluation(tmp_path / "worse", miou=0.4, fid=60.0, seed=1)
    c = write_evaluation(tmp_path / "foreign", photos=f"{'9' * 64} judge")
    text = Seen(page_of(tmp_path, a, b, c)).text.replace(MINUS, "-")
    assert re.search(r"worse style prior 0\.400 -0\.100 \(-0\.11 to -0\.09\) lower 0\.500 -0\.100", text)
    assert re.search(r"60\.0 0\.00 \(-.* to .*\) no difference shown", text)
    assert re.search(
        r"Listed, not compared\. .* foreign 0\.500 .* its photos are of other validation data", text
    )


def test_a_run_that_saw_the_photos_is_marked_beside_one_that_did_not(tmp_path: Path) -> None:
    a, b = write_evaluation(tmp_path / "a"), write_evaluation(tmp_path / "b", **LEAK)
    assert "style own: the real photo's, so figures are too good" in Seen(page_of(tmp_path, a, b)).text


def test_missing_distances_have_a_reason_without_folders_of_the_machine(tmp_path: Path) -> None:
    page = page_of(tmp_path, write_evaluation(tmp_path / "a", fid=None))
    assert "No FID: inception.pth: Inception's weights are not there." in Seen(page).text
    assert "/elsewhere/" not in page
    assert str(tmp_path) not in page


def test_papers_are_quoted_for_their_data_sets_alone(tmp_path: Path) -> None:
    assert reported("sample") == ()
    sources = [{"role": "prepared data", "name": "cityscapes", "sha256": CHECKSUM}]
    seen = Seen(page_of(tmp_path, write_evaluation(tmp_path / "a", sources=sources)))
    assert "differ from those of the run above" in seen.text
    assert re.search(
        r"CC-FPSE 65\.5 82\.3 54\.3 as reported by Liu et al\. 2019, arXiv:1910\.06809", seen.text
    )
    assert seen.text.count("as reported by") == 4


def test_the_worst_photos_come_first_and_ten_at_most(tmp_path: Path) -> None:
    names = tuple(f"photo {i}" for i in range(9))
    text = Seen(page_of(tmp_path, write_evaluation(tmp_path / "a", names=names[::-1]))).text
    assert re.search(r"photo 8 0\.100 0\.900 0\.300 . photo 7 0\.200", text)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("none", "none: is no folder; name one that `ccfpse evaluate` wrote"),
        ("metrics.json", r"metrics\.json: cannot be read .*; `ccfpse evaluate` makes it"),
        ("images.csv", r"images\.csv: is missing or damaged .*; run `ccfpse evaluate` again"),
        ("pictures.png", r"pictures\.png: cannot be read"),
        ("extremes.png", r"extremes\.png: cannot be read"),
        ("confusion.png", r"confusion\.png: cannot be read"),
    ],
)
def test_a_folder_that_lacks_something_is_one_sentence(tmp_path: Path, damage: str, sentence: str) -> None:
    folder = write_evaluation(tmp_path / "a")
    if damage == "none":
        folder = tmp_path / "none"
    else:
        (folder / damage).unlink()
    refused(tmp_path, sentence, folder)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("metrics.json", "[]", r"metrics\.json: is not as this version writes it"),
        (
            "metrics.json",
            "{}",
            r"metrics\.json: is not as this version writes it \(KeyError: .*; run `ccfpse evaluate`",
        ),
        (
            "metrics.json",
            '{"judge": {"real": {"miou": NaN}}}',
            r"metrics\.json: is not as this version writes it",
        ),
        ("metrics.json", "{", r"metrics\.json: is not valid JSON"),
        ("images.csv", "name\na\n", r"images\.csv: is missing or damaged"),
        ("pictures.png", "no picture", r"pictures\.png: "),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    folder = write_evaluation(tmp_path / "a")
    (folder / name).write_text(content)
    refused(tmp_path, sentence, folder)


def refused(tmp_path: Path, sentence: str, *given: object) -> None:
    out = tmp_path / "page.html"
    ended = CliRunner().invoke(app, ["report", *map(str, given), "--out", str(out)])
    assert ended.exit_code == 2, ended.output
    assert len(ended.output.splitlines()) == 1
    assert re.search(sentence, ended.output), ended.output
    assert not out.exists()


def test_folders_need_a_file_to_write_and_no_grid(tmp_path: Path) -> None:
    folder = str(write_evaluation(tmp_path / "a"))
    for command, sentence in (
        ([folder], "folders go with --out"),
        ([folder, "--grid"], "--grid has evaluations"),
    ):
        ended = CliRunner().invoke(app, ["report", *command])
        assert (ended.exit_code, sentence in ended.output) == (2, True)
