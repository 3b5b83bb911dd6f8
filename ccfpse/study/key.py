"""What only the maker of a study knows: which photo of a pair came from where."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from ccfpse.errors import DataError, SettingsError
from ccfpse.files import read_json, write_json
from ccfpse.strict import build

FORMAT = 1
KEY = "key.json"
PAGE = "page/index.html"
Side = Literal["left", "right"]
Origin = Literal["a", "b", "right", "wrong"]
"""Of a photo: a folder's; or the one that belongs to a check's layout, or not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question of the page."""

    layout: str
    """Name of the layout, and of the photos in their folders."""
    kind: Literal["pair", "check"]
    """A photo of each folder; or an attention check: a photo of the layout beside one of another."""
    left: Origin
    right: Origin

    def chosen(self, side: Side) -> str:
        """What somebody who picked this side has picked."""
        return self.left if side == "left" else self.right


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`key.json`."""

    format: int
    study: str
    """A random name, which answers repeat."""
    question: str
    a: str
    """The folder of photos that is called a."""
    b: str
    items: dict[str, Item]
    """By the random names that the page calls them."""

    @property
    def pairs(self) -> dict[str, Item]:
        """Items that compare the folders."""
        return {name: item for name, item in self.items.items() if item.kind == "pair"}


def save_key(folder: Path, key: Key) -> None:
    """Writes the key of a study."""
    write_json(folder / KEY, dataclasses.asdict(key))


def load_key(folder: Path) -> Key:
    """Reads the key of a study.

    Raises:
        DataError: it is missing, damaged, or of a newer format.
    """
    path = folder / KEY
    content: Any = read_json(path, DataError, "give the folder that `ccfpse study make` wrote")
    try:
        key = build(Key, content)
    except SettingsError as error:
        raise DataError(f"{path}: is no key of a study ({error}); make the study again") from error
    if key.format != FORMAT:
        raise DataError(
            f"{path}: has format {key.format}, this ccfpse reads {FORMAT}; use the one that made it"
        )
    return key
