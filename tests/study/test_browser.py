"""The page in a real browser: answered, reloaded, exported, sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ccfpse.study.key import PAGE, Key
from ccfpse.study.serve import ANSWERS, kept_answers
from ccfpse.study.tally import tally
from tests.study.photos import Folders
from tests.study.test_serve import serving
from tests.waiting import until

pytestmark = pytest.mark.slow


def shown(browser: Any) -> str:
    """The item that is asked now, found by its layout's picture."""
    return browser.execute_script(
        "return study.items.find((item) => item.layout === document.getElementById('layout').src "
        "&& item.left === document.querySelector('#left img').src "
        "&& item.right === document.querySelector('#right img').src).item"
    )


def answer_one(browser: Any, key: Key, wanted: str, *, by_mouse: bool = False) -> None:
    item = key.items[shown(browser)]
    meant = wanted if item.kind == "pair" else "right"
    side = "left" if item.left == meant else "right"
    if by_mouse:
        browser.find_element(By.ID, side).click()
    else:
        browser.find_element(By.TAG_NAME, "body").send_keys(
            Keys.ARROW_LEFT if side == "left" else Keys.ARROW_RIGHT
        )


def count(browser: Any) -> str:
    return browser.find_element(By.ID, "count").text


def errors(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_a_file_answered_with_a_reload_in_the_middle(folders: Folders, browser: Any, tmp_path: Path) -> None:
    key = folders.make(checks=2)
    browser.get((folders.out / PAGE).as_uri())
    assert count(browser) == "1 of 8"
    for number in range(3):
        answer_one(browser, key, "a", by_mouse=number == 1)
    assert count(browser) == "4 of 8"
    asked = shown(browser)
    browser.refresh()
    assert count(browser) == "4 of 8"
    assert shown(browser) == asked
    for _ in range(5):
        answer_one(browser, key, "a")
    until(lambda: browser.find_element(By.ID, "end").is_displayed())
    browser.find_element(By.ID, "export").click()
    [path] = until(lambda: [*(tmp_path / "downloads").glob("answers-*.json")])
    until(lambda: path.stat().st_size)
    found = tally(key, [path])
    assert (found.everyone.answers, found.everyone.share) == (6, 1.0)
    assert (found.raters[0].checks, found.raters[0].failed) == (2, 0)
    assert errors(browser) == []


@pytest.mark.parametrize("lost", ["localStorage.clear()", "history.replaceState(null, '')"])
def test_answers_survive_a_reload_though_one_store_lost_them(
    folders: Folders, browser: Any, lost: str
) -> None:
    key = folders.make(checks=0)
    browser.get((folders.out / PAGE).as_uri())
    for _ in range(2):
        answer_one(browser, key, "a")
    asked = shown(browser)
    browser.execute_script(lost)
    browser.refresh()
    assert count(browser) == "3 of 6"
    assert shown(browser) == asked


def test_a_browser_that_stores_nothing_says_so_and_still_reloads(folders: Folders, browser: Any) -> None:
    key = folders.make(checks=0)
    browser.get((folders.out / PAGE).as_uri())
    browser.execute_script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    answer_one(browser, key, "a")
    assert "do not close the page" in browser.find_element(By.ID, "state").text
    browser.refresh()
    assert count(browser) == "2 of 6"


def test_an_answer_can_be_taken_back(folders: Folders, browser: Any) -> None:
    key = folders.make(checks=0)
    browser.get((folders.out / PAGE).as_uri())
    asked = shown(browser)
    assert not browser.find_element(By.ID, "back").is_enabled()
    answer_one(browser, key, "a")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.BACKSPACE)
    assert shown(browser) == asked
    answer_one(browser, key, "b")
    browser.find_element(By.ID, "back").click()
    assert shown(browser) == asked


def test_what_was_taken_back_is_not_kept_by_the_server(folders: Folders, browser: Any) -> None:
    key = folders.make(checks=0)
    with serving(folders) as server:
        browser.get(f"http://127.0.0.1:{server.port}/")
        assert not (folders.out / ANSWERS).exists()  # looking is no answer
        for wanted in ("a", "a"):
            answer_one(browser, key, wanted)
        for _ in range(2):
            browser.find_element(By.ID, "back").click()
        answer_one(browser, key, "b")
        until(lambda: browser.find_element(By.ID, "state").text == "saved")
        found = tally(key, kept_answers(folders.out))
    assert (found.everyone.answers, found.everyone.share) == (1, 0.0)


def test_two_raters_at_once_through_the_server(folders: Folders, browser: Any) -> None:
    key = folders.make(checks=2)
    with serving(folders) as server:
        page = f"http://127.0.0.1:{server.port}/"
        browser.get(page)
        first = browser.current_window_handle
        # Another rater has a browser, and so an address, of their own.
        browser.switch_to.new_window("tab")
        browser.get(page.replace("127.0.0.1", "localhost"))
        windows = {first: "a", browser.current_window_handle: "b"}
        for number in range(8):
            for window, wanted in windows.items():
                browser.switch_to.window(window)
                answer_one(browser, key, wanted)
                if number == 4:
                    browser.refresh()
        for window in windows:
            browser.switch_to.window(window)
            until(lambda: "have arrived" in browser.find_element(By.ID, "thanks").text)
    files = sorted((folders.out / ANSWERS).iterdir())
    found = tally(key, files)
    assert sorted(rater.share for rater in found.raters) == [0.0, 1.0]
    assert [rater.answered for rater in found.raters] == [6, 6]
    assert found.everyone.share == 0.5
    assert found.agreement == 0
    assert all(json.loads(path.read_text("utf-8"))["study"] == key.study for path in files)
    assert errors(browser) == []


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_is_cut_off(folders: Folders, browser: Any, width: int) -> None:
    folders.make(checks=0)
    browser.set_window_size(width, 800)
    browser.get((folders.out / PAGE).as_uri())
    wide, seen = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= seen
    for name in ("left", "right", "layout"):
        assert browser.find_element(By.ID, name).is_displayed()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (844, 390)])
def test_on_a_phone_everything_fits_and_a_tap_answers(
    folders: Folders, browser: Any, width: int, height: int
) -> None:
    key = folders.make(checks=0)
    screen = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    browser.get((folders.out / PAGE).as_uri())
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    places = {
        side: browser.execute_script(
            "const box = document.getElementById(arguments[0]).getBoundingClientRect();"
            "return [box.left, box.top, box.right, box.bottom]",
            side,
        )
        for side in ("left", "right", "layout")
    }
    for left, top, right, bottom in places.values():
        assert 0 <= left < right <= width
        assert 0 <= top < bottom
    left, top, right, bottom = places["right"]
    point = {"x": (left + right) / 2, "y": (top + min(bottom, height)) / 2}
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    until(lambda: count(browser) == "2 of 6")
    assert len(key.items) == 6
