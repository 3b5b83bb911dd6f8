"""Folders of strangers in which a command seems to have been cut off: whoever ends that moves files about."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.bench import SETTINGS, Bench, Command
from tests.hostile.spoiling import Spoil

_GRID = (SETTINGS, "prepared", "loss_network")


def elsewhere(folder: Path) -> Path:
    """A folder that is none of the command's business, with a file in it."""
    there = folder / "elsewhere"
    there.mkdir(exist_ok=True)
    (there / "keys").write_text("not yours")
    return there


def added_through_a_link(out: Path) -> None:
    """Files to be added to a folder that is a link."""
    (out / ".new/x").mkdir(parents=True)
    (out / ".new/x/keys").write_text("a stranger's")
    (out / "x").symlink_to(elsewhere(out.parent))


def added_from_elsewhere(out: Path) -> None:
    """Files to be added that lie elsewhere."""
    out.mkdir(parents=True, exist_ok=True)
    (out / ".new").symlink_to(elsewhere(out.parent))


def added(out: Path) -> None:
    """Files to be added, and no link."""
    (out / ".new").mkdir(parents=True)
    (out / ".new/metrics.json").write_text("{}")


def taken_away(out: Path) -> None:
    """A folder taken away, and a link to another one that is to be in its place."""
    out.rename(out.with_name(f".{out.name}.old"))
    out.with_name(f".{out.name}.new").symlink_to(elsewhere(out.parent))


def works_elsewhere(out: Path) -> None:
    """A folder of unfinished work that is a link."""
    (elsewhere(out.parent) / "partial-mine").mkdir()
    out.with_name(f".{out.name}.work").symlink_to("elsewhere")


def is_elsewhere(out: Path) -> None:
    """An output within an output that is a link."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.symlink_to(elsewhere(out.parent.parent))


_ADDED: dict[str, Spoil] = {
    "added through a link": added_through_a_link,
    "added from elsewhere": added_from_elsewhere,
    "added": added,
}
_ADDED_BY_LINKS = {name: spoil for name, spoil in _ADDED.items() if name != "added"}
_TAKEN = {"taken away": taken_away}
_EVALUATED = (SETTINGS, "prepared", "synthesized")
_READERS = (
    ("report evaluation --out page.html", "evaluation", ()),
    ("evaluate --show", "evaluation", (SETTINGS,)),
    ("evaluate", "judge", _EVALUATED),
    ("train", "loss_network", (SETTINGS, "prepared")),
    ("judge --out out", "prepared", (SETTINGS,)),
)
_WRITERS = (
    ("synthesize labels out --model model.safetensors", "out", ("labels", "model.safetensors")),
    ("evaluate --synthesized synthesized --out out", "out", (*_EVALUATED, "judge")),
    ("study serve study --host 127.0.0.1 --port 0", "study/answers", ("study",)),
    ("compare --collect", "compare/table", _GRID),
)


def unfinished() -> Iterator[tuple[str, Callable[[Bench], Command], str]]:
    """Name, making, and what the sentence names, of each."""
    for line, at, taken in _READERS:
        for name, spoil in (_ADDED | _TAKEN).items():
            # The folder that is named must be there.
            if not (line.startswith("report") and name == "taken away"):
                yield _case(line, at, taken, name, spoil)
    for line, at, taken in _WRITERS:
        for name, spoil in _ADDED_BY_LINKS.items():
            yield _case(line, at, taken, name, spoil)
    yield _case("compare --collect", "compare/table", _GRID, "elsewhere", is_elsewhere)
    yield _case("prepare", "prepared", (SETTINGS, "raw"), "worked at elsewhere", works_elsewhere)


def _case(
    line: str, at: str, taken: tuple[str, ...], name: str, spoil: Spoil
) -> tuple[str, Callable[[Bench], Command], str]:
    def make(bench: Bench) -> Command:
        for one in taken:
            bench.take(one)
        if bench.has(first := at.split("/")[0]):
            bench.take(first)
        spoil(bench.folder / at)
        return line.split()

    return f"{line.split()[0]}: a stranger's {at}, {name} ({line})", make, at.split("/")[-1]
