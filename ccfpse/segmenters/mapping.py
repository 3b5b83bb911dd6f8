"""Which of a data set's classes each output of a segmenter is: found by name."""

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ccfpse.errors import SettingsError
from ccfpse.labelspace import ClassTable


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ClassMapping:
    """From a segmenter's output channels to ids of a class table."""

    lookup: npt.NDArray[np.int64]
    """(K,): by output channel a class id; `table.n_labels` ("other") where the table has no such class."""
    unmapped_outputs: tuple[str, ...]
    """Outputs that are "other"."""
    unmapped_classes: tuple[str, ...]
    """Evaluated classes that no output is: the segmenter never finds them."""


def map_classes(outputs: Sequence[str], table: ClassTable) -> ClassMapping:
    """Finds for every output the class of its name.

    Upper and lower case are the same, and so are blanks, hyphens and underscores. A name may list
    synonyms ("sofa, couch, lounge" or with semicolons, as ADE20K's do), the first being the main one. An
    output is, in this order of preference, the class of its whole name; of its main name; that
    has its main name as a synonym; or whose main name is one of its synonyms, where no other
    output came to that class before. Where a synonym leads to several classes ("screen" in ADE20K), the
    output is none of them: a guess would move scores unseen. Several outputs may be one class.

    Args:
        outputs: names by output channel.
        table: the data set's classes.

    Raises:
        SettingsError: two classes of the table have one name, or no output has a counterpart at all.
    """
    names = [c.name for c in table.classes]
    synonyms = [_synonyms(name) for name in names]
    whole = _by_name((_folded(name), i) for i, name in enumerate(names))
    main = _by_name((words[0], i) for i, words in enumerate(synonyms))
    any_word = _by_name((word, i) for i, words in enumerate(synonyms) for word in words)
    for ids in whole.values():
        if len(ids) > 1:
            raise SettingsError(
                f"classes {names[ids[0]]!r} and {names[ids[1]]!r} of {table.name} have the same name but for "
                "case, blanks and hyphens, by which a segmenter's classes are found; rename one"
            )
    other = table.n_labels
    lookup = np.full(len(outputs), other, np.int64)
    words_of = [_synonyms(name) for name in outputs]
    for channel, (name, words) in enumerate(zip(outputs, words_of, strict=True)):
        candidates = whole.get(_folded(name)) or main.get(words[0]) or any_word.get(words[0]) or []
        if len(candidates) == 1:
            lookup[channel] = candidates[0]
    taken = set(lookup.tolist())
    for channel, words in enumerate(words_of):
        if lookup[channel] == other and words[0] not in any_word:
            candidates = sorted({i for word in words[1:] for i in main.get(word, []) if i not in taken})
            if len(candidates) == 1:
                lookup[channel] = candidates[0]
    found = set(lookup.tolist())
    if found <= {other}:
        raise SettingsError(
            f"none of the segmenter's {len(outputs)} classes ({', '.join(outputs[:3])}, ...) is one of "
            f"{table.name} ({', '.join(names[:3])}, ...); choose a segmenter of this data set's classes"
        )
    return ClassMapping(
        lookup,
        unmapped_outputs=tuple(n for n, i in zip(outputs, lookup, strict=True) if i == other),
        unmapped_classes=tuple(names[i] for i in table.evaluated_ids if i not in found),
    )


def _by_name(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Class ids by name, each once."""
    found: dict[str, list[int]] = {}
    for name, i in pairs:
        ids = found.setdefault(name, [])
        if i not in ids:
            ids.append(i)
    return found


def _synonyms(name: str) -> list[str]:
    """The names that a name lists, at least one."""
    words = [_folded(word) for word in re.split("[,;]", name)]
    return [word for word in words if word] or [_folded(name)]


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.casefold()).strip()
