"""Odd but good names: files are read and written under them, in their folders, and shown harmlessly."""

import shutil
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccfpse.datasets.source import SourceTree
from ccfpse.errors import DataError
from ccfpse_cli import console
from ccfpse_cli.main import app
from tests.hostile.bench import SETTINGS, Bench

ODD = (
    *("-rf", "--help", "a b", 'a"b', "a'b", "a\nerror: b", "a\x1b[2Jb", "<script>alert(1)", "$(touch ran)"),
    *("größe", "a\u202eb", "[bold]", "x" * 200),
)


def test_odd_names_are_prepared_and_synthesized(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bench = Bench(shelf, tmp_path)
    bench.take(SETTINGS, "raw", "model.safetensors", "style.safetensors")
    for kind in ("images", "labels", "instances"):
        for name in ODD:
            shutil.copy(f"raw/val/{kind}/town/a.png", f"raw/val/{kind}/{name}.png")
    before = {path.name for path in tmp_path.iterdir()}
    model = ["--model", "model.safetensors"]
    for command in (
        ["prepare"],
        ["synthesize", "prepared", "of_store", *model],
        ["synthesize", "raw/val/labels", "of_folder", *model],
        *(["remake", f"./of_folder/{name}.png", "--labels", "raw/val/labels", *model] for name in ODD[:6]),
        ["styles", "raw/val/labels", "styles.png", "--layouts", "20", "--model", "style.safetensors"],
    ):
        ended = CliRunner().invoke(app, command)
        assert ended.exit_code == 0, ended.output
        assert (ended.stdout + ended.stderr).replace("\n", "").isprintable()
    for folder in ("of_store", "of_folder"):
        written = {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.png")}
        assert written == {f"{name}.png" for name in (*ODD, "town/a", "town/b")}
    after = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert after == before | {"prepared", "of_store", "of_folder", "styles.png"}


def test_what_steers_a_terminal_is_shown_as_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    bad = "a\x1b[2J\r\n\x07\u202e\udcff[/b]:smile:"
    shown = r"a\x1b[2J\r\n\x07\u202e\udcff[/b]:smile:"
    console.say(bad)
    console.warn(bad, bad)
    console.say_table(bad, ["column"], [[bad]])
    with pytest.raises(Exception, match="2"), console.errors_as_messages():
        raise DataError(bad)
    found = capsys.readouterr()
    assert (found.out + found.err).replace("\n", "").isprintable()
    assert found.out.count(shown) == 3
    assert found.err.splitlines() == [f"warning: {shown}", f"  {shown}", f"error: {shown}"]


def test_an_archive_that_declares_less_than_it_unpacks_to_fills_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"\0" * 2**26)
    content = path.read_bytes()
    assert content.count((2**26).to_bytes(4, "little")) == 2
    path.write_bytes(content.replace((2**26).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    (file,) = SourceTree(tmp_path).files("", (".png",)).values()
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a\.png: cannot be read from its archive"):
        file.read()
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
