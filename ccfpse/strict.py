"""A plain mapping becomes a frozen dataclass, or one sentence says which key is wrong.

Knows what settings are made of: bool, int, float, str, unions of these, `Literal`, `X | None`, tuples, of a
fixed length or not, mappings by name, and dataclasses of those. Nothing is filled in and nothing is
converted, except that an integer (or YAML's unquoted `1e-4`, which PyYAML reads as text) serves where a
float is meant.
"""

import dataclasses
import difflib
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ccfpse.errors import SettingsError

T = TypeVar("T")


def build(kind: type[T], content: object, key: str = "") -> T:
    """Builds the dataclass `kind` from a mapping with exactly its keys.

    Args:
        kind: a dataclass.
        content: what stands in the file, usually a mapping.
        key: dotted name of this mapping, for messages.

    Raises:
        SettingsError: unknown or missing key, wrong type; also whatever the dataclass refuses.
    """
    if not isinstance(content, Mapping):
        raise SettingsError(
            f"{key or 'the file'} is {shown(content)}; it must be a section of keys and values"
        )
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for found in content:
        if found not in names:
            name = shorten(found) if isinstance(found, str) else shown(found)
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {_join(key, close[0])}?" if close else f"known here: {', '.join(names)}"
            raise SettingsError(f"{_join(key, name)} is not a setting; {hint}")
    for name in names:
        if name not in content:
            raise SettingsError(f"{_join(key, name)} is missing; every setting must be given")
    return kind(**{name: _value(hints[name], content[name], _join(key, name)) for name in names})


def _value(kind: Any, value: Any, key: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        inner = [argument for argument in arguments if argument is not type(None)]
        return _value(inner[0], value, key) if len(inner) == 1 else _one_of(inner, value, key)
    if origin is Literal:
        if not isinstance(value, str) or value not in arguments:
            choices = ", ".join(arguments)
            close = difflib.get_close_matches(shown(value).strip("'"), arguments, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise SettingsError(f"{key} is {shown(value)}; it must be one of {choices}{hint}")
        return value
    if origin is dict:
        if not isinstance(value, Mapping):
            raise SettingsError(f"{key} is {shown(value)}; it must be a section of names and values")
        names = {name: name if isinstance(name, str) else shown(name) for name in value}
        return {
            names[name]: _value(arguments[1], item, _join(key, shorten(names[name])))
            for name, item in value.items()
        }
    if origin is tuple and arguments[-1] is Ellipsis:
        if not isinstance(value, list | tuple):
            raise SettingsError(f"{key} is {shown(value)}; it must be a list")
        return tuple(_value(arguments[0], item, f"{key}[{i}]") for i, item in enumerate(value))
    if origin is tuple:
        if not isinstance(value, list | tuple) or len(value) != len(arguments):
            raise SettingsError(f"{key} is {shown(value)}; it must be a list of {len(arguments)} values")
        return tuple(
            _value(inner, item, f"{key}[{i}]")
            for i, (inner, item) in enumerate(zip(arguments, value, strict=True))
        )
    if dataclasses.is_dataclass(kind):
        return build(kind, value, key)  # type: ignore[arg-type]
    return _scalar(kind, value, key)


def _one_of(kinds: list[type], value: Any, key: str) -> Any:
    if type(value) not in kinds:
        raise SettingsError(f"{key} is {shown(value)}; it must be a number, text, true or false")
    return value


def _scalar(kind: type, value: Any, key: str) -> Any:
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            value = float(value)
        except (ValueError, OverflowError) as error:
            raise SettingsError(f"{key} is {shown(value)}; it must be a number") from error
    if kind is float and isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{key} is {value}; it must be a finite number")
    if type(value) is not kind:
        word = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]
        raise SettingsError(f"{key} is {shown(value)}; it must be {word}")
    if isinstance(value, str) and not _is_text(value):
        raise SettingsError(f"{key} is {shown(value)}; it must be text that files and their names can hold")
    return value


def _is_text(value: str) -> bool:
    try:
        return b"\0" not in value.encode("utf-8")
    except UnicodeEncodeError:  # halves of surrogate pairs, which JSON and YAML can spell out
        return False


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def shown(value: object) -> str:
    """A value as messages have it: at most 60 characters, none of which steers a terminal."""
    try:
        return "nothing (null)" if value is None else shorten(repr(value))
    except (ValueError, RecursionError):  # Python spells out no numbers of thousands of digits
        return "too large to show"


def shorten(text: str) -> str:
    """At most 60 characters of a text."""
    return text if len(text) <= 60 else f"{text[:57]}..."
