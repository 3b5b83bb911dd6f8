"""Answer files: what one rater's page exports or sends, checked before anything is counted."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Literal

from ccfpse.errors import DataError, SettingsError
from ccfpse.opening import open_regular
from ccfpse.strict import build
from ccfpse.study.key import Key

FORMAT = 1
MOST_BYTES = 4 << 20
"""Of an answers file; a thousand answers take a tenth of a megabyte."""
_RATER = re.compile(r"[0-9a-f]{16,64}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """To one item."""

    item: str
    choice: Literal["left", "right"]
    seconds: float
    """From seeing the item to choosing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Of one rater."""

    format: int
    study: str
    rater: str
    """A random name that the page made."""
    revision: int
    """Rises with every change, taking back included: the file with the highest one is the last."""
    answers: tuple[Answer, ...]


def read_answers(path: Path, key: Key) -> Answers:
    """Reads an answers file.

    Raises:
        DataError: it cannot be read, is damaged, or belongs to another study.
    """
    try:
        with open_regular(path) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); give the files that raters export"
        ) from error
    return parse_answers(content, key, str(path))


def parse_answers(content: bytes, key: Key, where: str) -> Answers:
    """Answers from the bytes of their file; messages call it `where`.

    Raises:
        DataError: they are damaged, or belong to another study.
    """
    if len(content) > MOST_BYTES:
        raise DataError(f"{where}: is larger than {MOST_BYTES >> 20} MB, no answers file is")
    try:
        found = build(Answers, json.loads(content))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: is not valid JSON; ask the rater to export it again") from error
    except SettingsError as error:
        raise DataError(f"{where}: is no answers file ({error}); ask the rater to export it again") from error
    if found.format != FORMAT:
        raise DataError(f"{where}: has format {found.format}, this ccfpse reads {FORMAT}")
    if found.study != key.study:
        raise DataError(f"{where}: answers another study ({found.study[:40]!r}, not {key.study!r})")
    if _RATER.fullmatch(found.rater) is None:
        raise DataError(
            f"{where}: has no rater's name as the page makes them; ask the rater to export it again"
        )
    if any(answer.seconds < 0 for answer in found.answers):
        raise DataError(f"{where}: has an answer given before its question; ask for a new export")
    items = [answer.item for answer in found.answers]
    for item in items:
        if item not in key.items:
            raise DataError(f"{where}: answers {item[:40]!r}, which the study does not ask")
    if len(set(items)) != len(items):
        raise DataError(f"{where}: answers the same item twice; ask the rater to export it again")
    return found
