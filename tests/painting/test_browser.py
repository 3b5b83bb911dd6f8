"""The page in a real browser: drawn on with mouse, fingers and keys, saved, and opened again."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.painting.studio import NAME
from ccfpse.recipe import read_recipe
from ccfpse.styles import interpolated, prior_style
from tests.painting.browsing import DONT_CARE, OTHER, STUFF, THING, Page, instances
from tests.painting.servers import painting, png, queued
from tests.waiting import until

pytestmark = pytest.mark.slow
MakeModel = Callable[..., Path]


@pytest.fixture
def page(browser: Any, make_model: MakeModel) -> Any:
    browser.set_window_size(1280, 900)
    with painting(make_model()) as server:
        yield Page(browser, server)


def test_every_tool_does_what_it_says_and_the_photo_follows(page: Page) -> None:
    assert (page.labels == STUFF).all()
    page.shows_its_photo()
    page.size(3)
    page.take(OTHER)
    page.drag((5, 5), (20, 5))
    seen = page.labels
    assert (seen[4:7, 5:21] == OTHER).all()
    assert (seen == OTHER).sum() < 3 * 20
    page.shows_its_photo()
    assert re.fullmatch(r"made in ([0-9]+ ms|[0-9.]+ s)", page.find("#state").text)
    page.tool("line")
    page.drag((5, 12), (12, 28), (20, 12))
    assert (page.labels[11:14, 5:21] == OTHER).all()
    assert (page.labels[20:] == STUFF).all()  # on the way there is no trace
    page.tool("rectangle")
    page.drag((30, 20), (40, 28))
    assert (page.labels[20:29, 30:41] == OTHER).all()
    page.tool("polygon")
    page.click((44, 2), (60, 2), (44, 18), (44, 2))
    assert page.labels[4, 47] == OTHER
    assert page.labels[17, 58] == STUFF
    page.tool("eraser")
    page.drag((35, 24), (36, 24))
    assert page.labels[24, 35] == DONT_CARE
    page.tool("fill")
    page.take(THING)
    page.click((60, 30))
    assert page.labels[31, 63] == THING
    assert page.labels[20, 30] == OTHER
    page.tool("picker")
    page.click((35, 24))
    assert page.find(f"#class-{DONT_CARE}").get_attribute("aria-selected") == "true"
    assert page.find("[data-tool=brush]").get_attribute("aria-checked") == "true"
    page.shows_its_photo()
    after = page.labels
    for _ in range(6):
        page.find("#undo").click()
    assert (page.labels == STUFF).all()
    assert not page.find("#undo").is_enabled()
    page.shows_its_photo()
    for _ in range(5):
        page.find("#redo").click()
    page.control("y")
    np.testing.assert_array_equal(page.labels, after)
    assert page.complaints() == []


def test_each_stroke_is_an_object_of_its_own_unless_it_goes_on(page: Page) -> None:
    page.size(4)
    page.take(THING)
    page.drag((10, 10), (20, 10))
    page.drag((18, 12), (30, 12))
    page.shows_its_photo()
    assert set(np.unique(page.layout.objects)) == {0, 1, 2}
    page.find("#new-object").click()
    page.drag((30, 12), (40, 12))
    page.shows_its_photo()
    objects = page.layout.objects
    assert objects[12, 39] == objects[12, 25] == 2
    page.take(OTHER)
    page.drag((11, 10), (12, 10))
    page.shows_its_photo()
    assert page.layout.objects[10, 11] == 0


def test_what_is_saved_opens_again_and_the_photo_can_be_made_again(page: Page, tmp_path: Path) -> None:
    table, model = page.server.model.class_table, page.server.model
    page.take(THING)
    page.drag((10, 10), (40, 20))
    page.take(OTHER)
    page.drag((10, 25), (40, 25))
    page.shows_its_photo()
    layout = page.layout
    photo = page.save("photo", "photo.png", tmp_path)
    ids = np.asarray(Image.open(page.save("ids", "labels.png", tmp_path)))
    np.testing.assert_array_equal(table.from_raw(ids), layout.labels)
    colors = np.asarray(Image.open(page.save("colors", "labels-in-colours.png", tmp_path)))
    np.testing.assert_array_equal(table.from_colors(colors), layout.labels)
    numbers = np.asarray(Image.open(page.save("instances", "instances.png", tmp_path))).astype(np.int32)
    np.testing.assert_array_equal(numbers, instances(layout))
    recipe = read_recipe(photo.read_bytes(), "photo")
    assert recipe.layout_sha256 == model.layout_checksum(layout.labels, numbers)
    again = model.synthesize(ids, numbers, "prior", recipe.seed, names=[recipe.layout], as_arrays=True)
    np.testing.assert_array_equal(again, np.asarray(Image.open(photo)))
    kept = page.save("layout", "layout.ccfpse.json", tmp_path)
    page.browser.refresh()
    page.wait()
    np.testing.assert_array_equal(page.labels, layout.labels)  # a reload loses nothing
    page.run("sessionStorage.clear()")
    page.open()
    page.wait()
    assert (page.labels == STUFF).all()
    page.open_file(kept)
    until(lambda: np.array_equal(page.labels, layout.labels))
    np.testing.assert_array_equal(page.layout.objects, layout.objects)
    page.shows_its_photo()
    page.open_file(tmp_path / "downloads/labels-in-colours.png")
    until(lambda: not page.layout.objects.any())
    page.control("z")  # opening is undone as anything else
    until(lambda: page.layout.objects.any())
    bad = tmp_path / "bad.png"
    bad.write_bytes(png(np.full((4, 4), 99, np.uint8)))
    page.open_file(bad)
    until(lambda: "bad.png: value 99 (16 pixels) is not in the class table" in page.find("#message").text)


def test_by_keys_alone(page: Page, tmp_path: Path) -> None:
    page.keys("/", *"class 2", Keys.ENTER)  # leaves the focus on the layout, the pen in its middle
    page.keys("b", *"[" * 20, *"]" * 2)
    page.keys(Keys.SPACE, *[Keys.ARROW_RIGHT] * 5, Keys.SPACE)
    assert (page.labels[16, 32:38] == OTHER).all()
    page.keys("r", Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER, *[Keys.ARROW_DOWN] * 4)
    page.keys(*[Keys.ARROW_LEFT] * 3, Keys.ENTER)
    assert (page.labels[19:24, 34:38] == OTHER).all()
    page.keys("p", *[Keys.ARROW_UP] * 2)
    for key in (Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ARROW_RIGHT):
        page.keys(Keys.SPACE, *[key] * 10)
    before = page.labels
    page.keys(Keys.SPACE, Keys.ENTER)
    assert (page.labels != before).sum() > 60
    drawn = page.labels
    page.keys("b", Keys.SPACE, *[Keys.ARROW_DOWN] * 5)
    assert (page.labels != drawn).any()
    page.keys(Keys.ESCAPE)
    np.testing.assert_array_equal(page.labels, drawn)
    page.control("z")
    np.testing.assert_array_equal(page.labels, before)
    page.shows_its_photo()
    page.control("s")
    until((tmp_path / "downloads/layout.ccfpse.json").is_file)
    page.keys("?")
    assert page.find("#help").is_displayed()
    page.keys(Keys.ESCAPE)
    reached = set()
    for _ in range(25):
        page.keys(Keys.TAB)
        reached.add(page.run("return document.activeElement.id || document.activeElement.dataset.tool"))
    assert {
        "search",
        "classes",
        "brush",
        "size",
        "undo",
        "zoom-in",
        "opacity",
        "new-object",
        "overlay",
    } <= reached
    assert page.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_with_fingers(page: Page, scheme: str) -> None:
    send = page.browser.execute_cdp_cmd
    screen = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    send("Emulation.setDeviceMetricsOverride", screen)
    send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    send("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    page.open()
    page.wait()
    page.shows_its_photo()
    assert page.run("return [innerWidth, document.documentElement.scrollWidth]") == [390, 390]
    for part in ("#overlay", "#photo", f"#class-{OTHER}", "[data-tool=fill]", "#undo", "#save"):
        box = page.run(
            "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [b.left, b.top, b.right, b.bottom]",
            part,
        )
        assert 0 <= box[0] < box[2] <= 390, part
        assert 0 <= box[1] < box[3] <= 844, part  # all that is needed at one sight

    def at(x: float, y: float, finger: int = 0) -> dict[str, float]:
        box = page.run("const b = arguments[0].getBoundingClientRect(); return [b.x, b.y]", canvas)
        dx, dy = page.place(x, y)
        size = canvas.size
        return {
            "x": box[0] + size["width"] / 2 + dx,
            "y": box[1] + size["height"] / 2 + dy,
            "id": finger,
        }

    canvas = page.find("#overlay")
    page.take(OTHER)
    page.size(3)
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at(10, 10)]})
    for x in range(11, 31):
        send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at(x, 10)]})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert (page.labels[10, 10:31] == OTHER).all()
    page.shows_its_photo()
    drawn = page.labels
    # Two fingers zoom; what the first began to draw is given up.
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at(30, 20)]})
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at(30, 20), at(34, 20, 1)]})
    for wide in (2, 4, 6):
        fingers = [at(30 - wide, 20), at(34 + wide, 20, 1)]
        send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": fingers})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    np.testing.assert_array_equal(page.labels, drawn)
    assert page.find("#sheet").size["width"] > 1.5 * page.find("#view").size["width"]
    assert page.run("return document.documentElement.scrollWidth") == 390
    assert page.complaints() == []


def test_many_classes_with_odd_names(browser: Any, make_model: MakeModel) -> None:
    odd = ("<img src=x onerror=alert(1)>", "</script><b>bold", "größe", "a" * 200, "\"quoted'", "&amp;")
    names = (*odd, *(f"thing {i}" for i in range(176)))
    classes = tuple(LabelClass(n, (i, 255 - i, 90), i, False, True) for i, n in enumerate(names))
    table = ClassTable("many", classes, False, (), ())
    with painting(make_model(classes=table, boundary=False)) as server:
        page = Page(browser, server)
        rows = page.run("return Array.from(document.querySelectorAll('.class'), (row) => row.textContent)")
        assert sorted(rows) == sorted(names)
        assert page.run("return document.querySelectorAll('.class img, .class b, .class script').length") == 0
        page.keys("/", *"thing 17")
        shown = [row.text for row in browser.find_elements(By.CSS_SELECTOR, ".class") if row.is_displayed()]
        assert shown == ["thing 17", *(f"thing {i}" for i in range(170, 176))]
        page.keys(Keys.ENTER, Keys.SPACE, Keys.SPACE)
        until(lambda: (page.layout.labels == names.index("thing 17")).any())
        page.keys("/", *"no such thing")
        assert page.find("#no-class").is_displayed()
        assert browser.find_elements(By.CSS_SELECTOR, ".of-objects") == []
        assert page.complaints() == []


def test_styles_change_the_photo_and_are_saved_with_the_layout(
    browser: Any, make_model: MakeModel, tmp_path: Path
) -> None:
    browser.set_window_size(1280, 900)
    with painting(make_model(style=True)) as server:
        page = Page(browser, server)

        def put(selector: str, value: int) -> None:
            script = "const e = document.querySelector(arguments[0]); e.value = arguments[1];"
            page.run(script + "e.dispatchEvent(new Event('input'))", selector, value)

        page.shows_its_photo(prior_style(0, NAME, 256))
        put(".seed [type=number]", 1234)
        page.shows_its_photo(prior_style(1234, NAME, 256))
        photo = tmp_path / "beach.png"
        photo.write_bytes(png(np.random.default_rng(0).integers(0, 256, (50, 40, 3)).astype(np.uint8)))
        page.find(".drop [type=file]").send_keys(str(photo))
        own = server.model.encode_style(Image.open(photo))
        page.shows_its_photo(own)
        page.find("#blend").click()
        put("#share", 30)
        page.shows_its_photo(interpolated(own, prior_style(1, NAME, 256), 0.3))
        kept = page.save("layout", "layout.ccfpse.json", tmp_path)
        assert json.loads(kept.read_bytes())["style"]["share"] == 0.3
        page.run("sessionStorage.clear()")
        page.open()
        page.wait()
        page.shows_its_photo(prior_style(0, NAME, 256))
        page.open_file(kept)
        page.shows_its_photo(interpolated(own, prior_style(1, NAME, 256), 0.3))
        page.find("#blend").click()
        page.find("fieldset [value=mean]").click()
        page.shows_its_photo(np.zeros(256, np.float32))
        assert page.complaints() == []


def test_the_page_says_when_the_server_is_busy_slow_or_gone(
    browser: Any, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with painting(make_model(), queue_length=1) as server:
        page = Page(browser, server)
        page.shows_its_photo()
        go, real, accepted = threading.Event(), server.studio.photo, queued(monkeypatch)
        monkeypatch.setattr(server.studio, "photo", lambda *given: go.wait(60) and real(*given))
        page.take(OTHER)
        page.drag((10, 10), (20, 10))
        until(lambda: page.find("#state").text == "working …")
        labels = png(np.zeros((32, 64), np.uint8))
        others = [
            threading.Thread(
                target=server.post, args=("/api/synthesize",), kwargs={"labels": labels, "coding": "classes"}
            )
            for _ in range(3)
        ]
        for other in others:
            other.start()
        until(lambda: len(accepted) == 2)  # beside the page's own that is being made
        page.drag((10, 20), (20, 20))
        until(lambda: "The server is busy: " in page.find("#state").text)
        page.find("#save summary").click()
        page.find("[data-save=photo]").click()  # none of an older layout
        until(lambda: "not there yet" in page.find("#message").text)
        drawn = page.labels
        page.open()
        until(lambda: "The server is busy: " in page.find("#message").text)
        go.set()
        for other in others:
            other.join()
        page.wait()
        page.shows_its_photo()  # by itself
        assert not page.find("#message").is_displayed()
        np.testing.assert_array_equal(page.labels, drawn)
    page.take(OTHER)
    page.drag((30, 20), (40, 20))
    until(lambda: "does not answer" in page.find("#state").text)
