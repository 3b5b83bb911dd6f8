"""Waiting for what other threads and programs do."""

import time
from collections.abc import Callable
from typing import Any


def until(holds: Callable[[], Any]) -> Any:
    """What it gives, once that is something."""
    end = time.monotonic() + 120
    while not (found := holds()):
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.05)
    return found
