"""The page in a real browser: on a phone and a desk, in light and dark, without network."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ccfpse_cli.main import app
from tests.report.evaluations import write_evaluation
from tests.report.test_page import EVIL, EVIL_RUN

pytestmark = pytest.mark.slow

LONG = "a_class_with_a_name_that_goes_on_and_on_without_a_single_space_in_it_to_break_at"


@pytest.fixture
def page(tmp_path: Path) -> str:
    """Of three runs, with names that are hard to show."""
    folders = [
        write_evaluation(
            tmp_path / str(i),
            miou=0.5 - 0.05 * i,
            seed=i,
            classes=(EVIL, LONG, "sky"),
            names=(EVIL, f"{LONG}/{LONG}", "b"),
            photos=f"{'1' * 64 if i < 2 else '9' * 64} judge",
        )
        for i in range(3)
    ]
    out = tmp_path / "page.html"
    names = [EVIL_RUN, LONG, "other"]
    given = [f"{name}={folder}" for name, folder in zip(names, folders, strict=True)]
    ended = CliRunner().invoke(app, ["report", *given, "--out", str(out)])
    assert ended.exit_code == 0, ended.output
    return out.as_uri()


def opened(browser: Any, page: str, width: int, scheme: str = "light") -> None:
    """Shows the page as on a screen of that width; a window's own width has a lower bound."""
    size = {"width": width, "height": 850, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(page)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(browser: Any, page: str, width: int) -> None:
    opened(browser, page, width)
    inner, wide = browser.execute_script("return [innerWidth, document.documentElement.scrollWidth]")
    assert inner == width
    assert wide <= width
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_names_are_shown_as_text(browser: Any, page: str) -> None:
    opened(browser, page, 1280)
    assert browser.execute_script("return document.querySelector('h1').textContent") == EVIL_RUN
    assert EVIL in browser.execute_script("return document.querySelector('#classes').textContent")
    assert EVIL in browser.execute_script("return document.querySelector('#photos').textContent")
    assert browser.execute_script("return document.scripts.length") == 0
    assert browser.execute_script("return [...document.images].every((image) => image.naturalWidth > 0)")


def test_dark_is_dark_and_text_can_be_read_in_both(browser: Any, page: str) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        opened(browser, page, 1280, scheme)
        found = {
            selector: browser.execute_script(
                "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", selector, key
            )
            for selector, key in (
                ("body", "backgroundColor"),
                ("h1", "color"),
                (".soft", "color"),
                ("nav a", "color"),
            )
        }
        ground = brightness(found.pop("body"))
        grounds.append(ground)
        for selector, color in found.items():
            high, low = sorted((ground, brightness(color)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (scheme, selector)
    assert grounds[0] > 0.8
    assert grounds[1] < 0.05


def brightness(color: str) -> float:
    """Relative luminance of a computed colour, as WCAG defines it."""
    channels = [int(part) / 255 for part in color.split("(")[1].rstrip(")").split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
