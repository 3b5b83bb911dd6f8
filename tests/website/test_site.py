"""The site of the documentation: builds without a warning, fetches nothing, says all there is."""

import os
import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
import typer

from ccfpse.config import Settings
from ccfpse_cli.main import app
from website import commands, pages, settings

ROOT = Path(__file__).parents[2]
_LOADED = re.compile(
    r"""(?:<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc|<link\b[^>]*?\bhref"""
    r"""|\bsrcset|<object\b[^>]*?\bdata)\s*=\s*["']?\s*((?:https?:)?//[^"'\s>]+)""",
    re.IGNORECASE,
)
_IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "http_proxy": "http://127.0.0.1:9"}
    environment["https_proxy"] = environment["http_proxy"]  # whatever is asked for is refused
    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    ended = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return out


@pytest.mark.slow
def test_no_page_or_style_loads_from_another_machine(site: Path) -> None:
    found = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(found) > 12
    loaded = {
        f"{path.relative_to(site)}: {address}"
        for path in found
        for address in (_LOADED if path.suffix == ".html" else _IN_STYLES).findall(path.read_text("utf-8"))
    }
    assert loaded == set()
    assert _LOADED.findall('<link rel="stylesheet" href="https://fonts.example/css">')  # it can find some


@pytest.mark.slow
def test_the_site_opens_from_the_disk_and_its_search_finds(site: Path, browser: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get((site / "index.html").as_uri())
    assert "ccfpse" in browser.title
    browser.find_element(By.CSS_SELECTOR, "input.md-search__input").send_keys("judge_floor", Keys.SHIFT)
    links = WebDriverWait(browser, 60).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, ".md-search-result__link")
    )
    addresses = [link.get_attribute("href") for link in links]
    assert any("reference/settings.html" in address for address in addresses)
    entries = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [address for address in entries if not address.startswith("file:")] == []
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_every_command_and_option_is_on_its_page_with_its_meaning() -> None:
    page = commands.page()
    for name, command in commands.walk(typer.main.get_command(app)):
        assert f"## {name}\n\n{command.help}" in page
        for parameter in command.params:
            if parameter.name not in ("help", "install_completion", "show_completion"):
                assert parameter.help, f"{name}: {parameter.name} has no help"
            assert f"`{parameter.opts[0]}" in page or f"`{parameter.name.upper()}`" in page
    assert "| `--precision` | Of the computation. One of `float32`, `bf16`. | `float32` |" in page


def test_every_setting_is_on_its_page_with_its_meaning_and_values() -> None:
    page = settings.page()
    records = dict(settings.sections())
    assert records.keys() >= set(typing.get_type_hints(Settings)) | {
        "data.custom.train",
        "loss_network.small",
    }
    obvious = {"steps", "batch", "seed", "learning_rate"}
    for path, record in records.items():
        assert f"## {path}\n" in page
        for name, meaning in settings.meanings(record).items():
            assert f"| `{name}` |" in page
            assert meaning or name in obvious, f"{path}.{name} says nothing"
    assert "| `size` | Height and width of what the networks see, in pixels. _(2 whole numbers)_ |" in page
    assert "| `[64, 96]` | `[256, 512]` |" in page


def test_links_out_of_the_documentation_lead_to_files_that_are_there() -> None:
    for path in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "data/README.md"):
        for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
    assert [name for name in pages.ELSEWHERE | pages.DESCRIBED if not (ROOT / name).is_file()] == []


def test_links_to_files_outside_become_links_to_their_pages() -> None:
    found = pages.moved("[a](../docs/speed.md#x) [b](x.py) [c](https://d.e)", ROOT / "data")
    assert found == "[a](speed.md#x) b [c](https://d.e)"
