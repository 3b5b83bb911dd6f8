"""How label maps say their class, and a class table for them."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from ccfpse.classfiles import made_up_color
from ccfpse.errors import DataError
from ccfpse.labelspace import LARGEST_RAW, MOST_CLASSES, ClassTable, Color, LabelClass
from ccfpse.projects.known import TITLES, by_colors, by_names, by_palette
from ccfpse.projects.maps import MOST_VALUES, Kind, Looked

_BLACK = 0
_MOST_BLACK = 0.2
"""Share of the pixels up to which black is taken for "unlabelled"; a background has more."""
_RARE = 1e-5
"""Share of the pixels below which a value in a single map looks like a mistake."""


@dataclasses.dataclass(frozen=True, slots=True)
class Guess:
    """What label maps look like, and why."""

    coding: Literal["ids", "colors"]
    table: ClassTable
    known_as: str | None
    """Name of a published table; None: classes have made-up names."""
    reasons: tuple[str, ...]
    """Sentences."""
    suspicious: tuple[str, ...]
    """Sentences about single files."""
    pixels: dict[int, int]
    """By value (`colors`: 0xRRGGBB), over the maps that were opened."""
    maps: dict[int, int]
    """Number of maps by value."""

    def values_of(self, one: LabelClass) -> int:
        """The value of a class in `pixels` and `maps`."""
        return packed(one.color) if self.coding == "colors" else -1 if one.raw is None else one.raw


def guess(looked: list[Looked], seen_all: bool) -> Guess:
    """Coding and class table of label maps.

    Args:
        looked: what they hold.
        seen_all: there are no others.

    Raises:
        DataError: there are more values than classes can be, as in maps with soft borders.
    """
    kind = Counter(one.kind for one in looked).most_common(1)[0][0]
    if kind == "colors":
        looked = [_grey_as_colors(one) if one.is_rgb and one.kind == "ids" else one for one in looked]
    odd = [f"{one.name}: {_IS[one.kind]}, but most label maps differ" for one in looked if one.kind != kind]
    chosen = [one for one in looked if one.kind == kind]
    crowded = [f"{one.name}: has more than {MOST_VALUES} values; maps of classes have few"
               for one in chosen if not one.pixels]  # fmt: skip
    if len(crowded) > len(chosen) // 2:
        raise DataError(_too_many(chosen[0].name, f"more than {MOST_VALUES}", kind))
    chosen = [one for one in chosen if one.pixels]
    reasons: list[str] = []
    if kind == "palette":
        palette, agree = _joined_palette(chosen)
        if agree:
            kind = "ids"
            reasons.append("palette pictures, whose colours agree: the class is the palette's index")
        else:
            kind = "colors"
            chosen = [_as_colors(one) for one in chosen]
            reasons.append("palette pictures with different palettes: the class is the colour")
    else:
        palette = {}
        reasons.append(_SAID[kind])
    pixels, maps = _totals(chosen)
    if len(pixels) > MOST_CLASSES:
        raise DataError(_too_many(chosen[0].name, str(len(pixels)), kind))
    if kind == "ids" and max(pixels) > LARGEST_RAW:
        raise DataError(f"{chosen[0].name}: has values above {LARGEST_RAW}, which are no class ids")
    found = _known(kind, pixels, palette, chosen)
    objects = frozenset(value for one in chosen for value in one.with_objects)
    if found is None:
        table, more = _new_table(kind, pixels, palette, objects)
        reasons += more
    else:
        table, evidence = found
        if not _has_dont_care(table, kind, pixels) and seen_all:
            # A channel that no photo trains would make anything of what is painted with it.
            table = dataclasses.replace(table, has_dont_care=False, dont_care_raw=(), dont_care_colors=())
        reasons.append(f"the classes are those of {TITLES[table.name]}: {evidence}")
    suspicious = (*odd, *crowded, *_rare(chosen, pixels, maps))
    known_as = None if found is None else table.name
    return Guess(
        "ids" if kind == "ids" else "colors", table, known_as, tuple(reasons), suspicious, pixels, maps
    )


_SAID = {
    "ids": "grey pictures: the class is the value",
    "colors": "RGB pictures: the class is the colour",
}
_IS = {"ids": "holds numbers", "palette": "is a palette picture", "colors": "holds colours"}


def _joined_palette(looked: Iterable[Looked]) -> tuple[dict[int, Color], bool]:
    """Colour by index over all maps, and whether they agree."""
    joined: dict[int, Color] = {}
    agree = True
    for one in looked:
        for value, color in one.palette.items():
            agree &= joined.setdefault(value, color) == color
    return joined, agree


def _as_colors(one: Looked) -> Looked:
    pixels: Counter[int] = Counter()
    for value, count in one.pixels.items():
        pixels[packed(one.palette.get(value, (0, 0, 0)))] += count
    objects = frozenset(packed(one.palette.get(value, (0, 0, 0))) for value in one.with_objects)
    return dataclasses.replace(one, kind="colors", pixels=dict(pixels), with_objects=objects)


def _grey_as_colors(one: Looked) -> Looked:
    """A map of colours all of which happen to be grey."""
    pixels = {value * 0x010101: count for value, count in one.pixels.items()}
    objects = frozenset(value * 0x010101 for value in one.with_objects)
    return dataclasses.replace(one, kind="colors", pixels=pixels, with_objects=objects)


def _totals(looked: Iterable[Looked]) -> tuple[dict[int, int], dict[int, int]]:
    pixels: Counter[int] = Counter()
    maps: Counter[int] = Counter()
    for one in looked:
        pixels.update(one.pixels)
        maps.update(one.pixels.keys())
    return dict(sorted(pixels.items())), dict(maps)


def _known(
    kind: Kind, pixels: Mapping[int, int], palette: Mapping[int, Color], looked: list[Looked]
) -> tuple[ClassTable, str] | None:
    if kind == "colors":
        return by_colors([unpacked(value) for value in pixels])
    return by_palette(palette) or by_names(pixels, [one.name for one in looked])


def _has_dont_care(table: ClassTable, kind: Kind, pixels: Mapping[int, int]) -> bool:
    values = map(packed, table.dont_care_colors) if kind == "colors" else table.dont_care_raw
    return any(value in pixels for value in values)


def _new_table(
    kind: Kind, pixels: Mapping[int, int], palette: Mapping[int, Color], objects: frozenset[int]
) -> tuple[ClassTable, list[str]]:
    ignored, reasons = _dont_care(kind, pixels)
    kept = [value for value in pixels if value != ignored]
    if kind == "colors":
        kept.sort(key=lambda value: -pixels[value])
    colors = _distinct_colors(kind, kept, palette)
    classes = tuple(
        LabelClass(
            name=f"class-{value if kind == 'ids' else number}",
            color=colors[value],
            raw=value if kind == "ids" else None,
            has_instances=value in objects,
            evaluated=True,
        )
        for number, value in enumerate(kept, start=1)
    )
    table = ClassTable(
        name="classes",
        classes=classes,
        has_dont_care=ignored is not None,
        dont_care_raw=(ignored,) if ignored is not None and kind == "ids" else (),
        dont_care_colors=(unpacked(ignored),) if ignored is not None and kind == "colors" else (),
    )
    return table, [*reasons, "no published class table fits beyond doubt: name the classes in classes.yaml"]


def _dont_care(kind: Kind, pixels: Mapping[int, int]) -> tuple[int | None, list[str]]:
    """The value that looks like "unlabelled", and why."""
    if len(pixels) < 3:
        return None, []
    if kind == "ids":
        others = [value for value in pixels if value != 255]
        # 0, 85, 170, 255 are classes stretched for the eye; 0, 1, 2 and 255 are not.
        if 255 in pixels and 254 not in pixels and max(others) < 255 and math.gcd(*others) == 1:
            return 255, ["value 255 is taken for don't care (unlabelled)"]
        return None, []
    share = pixels.get(_BLACK, 0) / sum(pixels.values())
    if 0 < share <= _MOST_BLACK:
        return _BLACK, [f"black is taken for don't care (unlabelled): {share:.1%} of the pixels"]
    return None, []


def _distinct_colors(kind: Kind, values: list[int], palette: Mapping[int, Color]) -> dict[int, Color]:
    """The maps' own colours where they have any that differ, otherwise made-up ones."""
    own = {value: unpacked(value) if kind == "colors" else palette.get(value) for value in values}
    greys = all(color is None or color[0] == color[1] == color[2] for color in own.values())
    if kind == "ids" and (greys or len(set(own.values())) < len(own)):
        own = dict.fromkeys(values)
    return {value: color or made_up_color(place) for place, (value, color) in enumerate(own.items())}


def _rare(looked: list[Looked], pixels: Mapping[int, int], maps: Mapping[int, int]) -> list[str]:
    total = sum(pixels.values())
    rare = {value for value in pixels if maps[value] == 1 < len(looked) and pixels[value] < _RARE * total}
    alone = [
        f"{one.name}: holds a single value" for one in looked if len(one.pixels) == 1 and len(pixels) > 1
    ]
    return alone + [
        f"{one.name}: alone has {_value_shown(one.kind, value)} ({one.pixels[value]} pixels)"
        for one in looked
        for value in sorted(rare & one.pixels.keys())
    ]


def _value_shown(kind: Kind, value: int) -> str:
    return f"colour #{value:06x}" if kind == "colors" else f"value {value}"


def _too_many(name: str, count: str, kind: Kind) -> str:
    what = "colours" if kind == "colors" else "values"
    return (
        f"{name}: label maps hold {count} {what}, and there can be {MOST_CLASSES} classes; such maps have "
        "soft borders (resized with smoothing, saved as JPEG) or number objects; give one value a class"
    )


def packed(color: Color) -> int:
    """A colour as 0xRRGGBB."""
    return color[0] << 16 | color[1] << 8 | color[2]


def unpacked(value: int) -> Color:
    """The inverse of `packed`."""
    return value >> 16, value >> 8 & 255, value & 255
