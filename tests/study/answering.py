"""A rater without a browser."""

import json
from collections.abc import Callable
from typing import Any

from ccfpse.study.key import Item, Key


def answer(key: Key, rater: str, choose: Callable[[Item], str]) -> dict[str, Any]:
    """The content of an answers file: for each item the side whose meaning `choose` names."""
    answers = [
        {"item": name, "choice": "left" if item.left == choose(item) else "right", "seconds": 1.5}
        for name, item in key.items.items()
    ]
    return {"format": 1, "study": key.study, "rater": rater, "revision": len(answers), "answers": answers}


def encoded(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()


def prefers(side: str, *, attentive: bool = True) -> Callable[[Item], str]:
    return lambda item: side if item.kind == "pair" else ("right" if attentive else "wrong")
