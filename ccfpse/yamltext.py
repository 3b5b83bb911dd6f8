"""YAML of any origin: plain values, every key once, nothing written twice by reference."""

import textwrap
from collections.abc import Hashable
from typing import Any

import yaml

from ccfpse.errors import SettingsError

MOST_BYTES = 2**18
"""A settings file has 6 kB, a class table of 255 classes 20."""

# What constructors raise at tags and scalars that do not fit each other, as found by fuzzing.
_DAMAGE = (
    *(yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError),
)


def parse_yaml(content: bytes, where: str) -> Any:
    """The value that YAML text holds.

    Args:
        content: of a file.
        where: what the file is called.

    Raises:
        SettingsError: too long, no text, or not valid YAML; also aliases (`*name`), a few lines of which can
            stand for more than fits into memory, and keys given twice, of which one would be lost.
    """
    if len(content) > MOST_BYTES:
        raise SettingsError(f"{where}: is larger than {MOST_BYTES >> 10} kB; no settings or class tables are")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{where}: is not a text file; it must be YAML text in UTF-8") from error
    try:
        return yaml.load(text, _Loader)
    except _DAMAGE as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error) or repr(error)
        raise SettingsError(
            f"{where}: is not valid YAML ({textwrap.shorten(said, 300, placeholder=' ...')})"
        ) from error


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read here; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} is given twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)
