"""Facts and colours as HTML for notebooks. Everything is text of strangers, and is escaped."""

import html
from collections.abc import Iterable, Sequence

_CELL = "text-align:left;padding:.15em .8em .15em 0;vertical-align:top;overflow-wrap:anywhere"
_TITLE = "text-align:left;font-weight:bold"
_CHIP = "display:inline-flex;align-items:center;gap:.4em;margin:.1em .9em .1em 0"
_SWATCH = "display:inline-block;width:1em;height:1em;border:1px solid currentColor"


def facts(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """A titled table of names and what they are."""
    lines = (
        f'<tr><th scope="row" style="{_CELL}">{html.escape(name)}</th>'
        f'<td style="{_CELL}">{html.escape(text)}</td></tr>'
        for name, text in rows
    )
    caption = f'<caption style="{_TITLE}">{html.escape(title)}</caption>'
    return f"<table>{caption}{''.join(lines)}</table>"


def swatches(title: str, entries: Iterable[tuple[str, Sequence[int]]]) -> str:
    """Names behind squares of their colours, RGB in [0, 255]."""
    chips = [_chip(name, "#" + bytes(color).hex()) for name, color in entries]
    return f"<div><b>{html.escape(title)}</b><br>{''.join(chips)}</div>"


def _chip(name: str, color: str) -> str:
    square = f'<span style="{_SWATCH};background:{color}"></span>'
    return f'<span style="{_CHIP}">{square}{html.escape(name)}</span>'
