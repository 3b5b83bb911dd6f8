"""YAML and JSON that should not be: of settings, class tables and records."""

import json
from collections.abc import Callable

from tests.hostile.spoiling import Spoil, put

BOMB = b"a: &a [x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n" % (c, c, *[c - 1] * 8) for c in b"bcdefghijk"
)
"""Eleven lines that stand for 8 to the 11th words."""
NO_YAML: dict[str, Spoil] = {
    "aliases that multiply": put(BOMB),
    "an alias to itself": put(b"a: &a [*a]\n"),
    "lists within lists": put(b"[" * 20000),
    "mappings within mappings": put(b"".join(b" " * i + b"a:\n" for i in range(600))),
    "a number of 5000 digits": put(b"data: " + b"9" * 5000),
    "a hexadecimal number of 5000 digits": put(b"data: 0x" + b"f" * 5000),
    "a date that is none": put(b"data: 2020-99-99\n"),
    "a tag that fits nothing": put(b"data: !!timestamp word\n"),
    "an empty number": put(b'data: !!int ""\n'),
    "a truth that is none": put(b"data: !!bool perhaps\n"),
    "a program": put(b"data: !!python/object/apply:os.system [touch ran]\n"),
    "a key twice": put(b"data: 1\ndata: 2\n"),
    "a key that is a list": put(b"? [a, b]\n: 1\n"),
    "bytes that are no text": put(b"data: \xff\xfe\n"),
    "another encoding": put("data: größer\n".encode("utf-16")),
    "an escape sequence": put(b"\x1b[31mdata: 1\n"),
    "a tab": put(b"data:\n\t- 1\n"),
    "300 kB": put(b"data: 1 # " + b"x" * 300_000),
    "a name that clears the screen": put(rb'"\e[2J\e[H": 1' + b"\n"),
    "a name with a line break": put(b'"a\\nerror: b": 1\n'),
    "a name of 100 kB": put(b"? " + b"x" * 100_000 + b"\n: 1\n"),
    "a word alone": put(b"word\n"),
    "binary that is none": put("data: !!binary é\n".encode()),
}
"""What is no settings file, nor a class table."""


def entry(**values: object) -> Spoil:
    """A class table of one good class and another."""
    return put(json.dumps([{"name": "sky", "id": 1}, values]).encode())


BAD_TABLES: dict[str, Spoil] = {
    "a name with an escape sequence": entry(name="\x1b]0;x\x07", id=2),
    "a name with a line break": entry(name="a\nb", id=2),
    "a name that turns the writing direction": entry(name="a\u202eb", id=2),
    "a name of a thousand characters": entry(name="x" * 1000, id=2),
    "half a character": put(b'- {name: "\\ud800", id: 1}\n'),
    "a number for a name": entry(name=7, id=2),
    "a name that is blank": entry(name="  ", id=2),
    "an id that is true": entry(name="a", id=True),
    "an id of 5000 digits": put(b"- {name: a, id: 0x" + b"f" * 5000 + b"}\n"),
    "an id below nought": entry(name="a", id=-1),
    "an id that is not a number": put(b"- {name: a, id: .nan}\n"),
    "an infinite colour": put(b"- {name: a, color: [.inf, 0, 0]}\n"),
    "a colour of fractions": entry(name="a", color=[0.5, 0, 0]),
    "a colour of words": entry(name="a", color=["1", "2", "3"]),
    "a colour too bright": entry(name="a", color=[256, 0, 0]),
    "a colour of two": entry(name="a", color=[1, 2]),
    "a short colour": entry(name="a", color="#12 34 "),
    "a flag that is no flag": entry(name="a", id=2, ignore="no"),
    "neither id nor colour": entry(name="a"),
    "a class twice": entry(name="sky", id=2),
    "an id twice": entry(name="a", id=1),
    "an unknown key": entry(name="a", id=2, script="<script>"),
    "an entry that is a list": put(b"- [a, 1]\n"),
    "300 classes": put(json.dumps([{"name": f"c{i}", "id": i} for i in range(300)]).encode()),
    "don't care alone": put(b"- {name: void, id: 0, ignore: true}\n"),
    "a mapping": put(b"{}\n"),
}
"""YAML that is no class table."""

NO_JSON: dict[str, Spoil] = {
    "lists within lists": put(b"[" * 200_000),
    "mappings within mappings": put(b'{"a":' * 200_000),
    "a number of 5000 digits": put(b"9" * 5000),
    "bytes that are no text": put(b'{"a": "\xff"}'),
    "words": put(b"these are words"),
    "a page": put(b"<html><script>alert(1)</script></html>"),
    "nothing": put(b""),
    "a list": put(b"[]"),
    "null": put(b"null"),
    "a word": put(b'"\\u001b[2J"'),
    "not a number": put(b"NaN"),
    "a mapping without anything": put(b"{}"),
}
"""What is no record that this project writes."""


def with_keys(*keys: str, value: object) -> Spoil:
    """The JSON file with a value put at a place, or taken away with `...`."""

    def change(content: dict) -> None:
        *parents, last = keys
        section = content
        for parent in parents:
            section = section[int(parent)] if isinstance(section, list) else section[parent]
        if value is ...:
            del section[last]
        else:
            section[int(last) if isinstance(section, list) else last] = value

    return edited(change)


def edited(change: Callable[[dict], None]) -> Spoil:
    def do(path) -> None:  # type: ignore[no-untyped-def]
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return do


INFINITY = 1e999
"""Which JSON writes as Infinity, and reads too."""
