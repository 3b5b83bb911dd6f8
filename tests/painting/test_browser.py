"""The page in a real browser: drawn on with mouse, fingers and keys, saved, and opened again."""

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.painting.layout import Layout, parse_layout
from ccfpse.painting.studio import NAME
from ccfpse.recipe import read_recipe
from ccfpse.styles import interpolated, prior_style
from tests.painting.servers import Painting, painting, png

pytestmark = pytest.mark.slow
MakeModel = Callable[..., Path]
THING, STUFF, OTHER, DONT_CARE = range(4)  # of the tests' class table; the page begins with all STUFF


def until(holds: Callable[[], Any]) -> Any:
    """What it gives, once that is something."""
    end = time.monotonic() + 120
    while not (found := holds()):
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.05)
    return found


class Page:
    """The open page, and what a painter does on it."""

    def __init__(self, browser: Any, server: Painting) -> None:
        self.browser, self.server = browser, server
        self.open()

    def open(self) -> None:
        self.browser.get(self.server.address)
        self.wait()

    def wait(self) -> None:
        until(lambda: self.run("return document.documentElement.dataset.ready"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def tool(self, name: str) -> None:
        self.find(f"[data-tool={name}]").click()

    def take(self, class_: int) -> None:
        self.find(f"#class-{class_}").click()

    def size(self, size: int) -> None:
        script = "const e = document.getElementById('size'); e.value = arguments[0];"
        self.run(script + "e.dispatchEvent(new Event('input'))", size)

    def place(self, x: float, y: float) -> tuple[int, int]:
        """The middle of a pixel of the layout, from the middle of the canvas on the screen."""
        height, width = self.server.model.size
        box = self.find("#overlay").rect
        return round(((x + 0.5) / width - 0.5) * box["width"]), round(
            ((y + 0.5) / height - 0.5) * box["height"]
        )

    def drag(self, *points: tuple[float, float]) -> None:
        canvas, chain = self.find("#overlay"), ActionChains(self.browser, duration=10)
        chain.move_to_element_with_offset(canvas, *self.place(*points[0])).click_and_hold()
        for point in points[1:]:
            chain.move_to_element_with_offset(canvas, *self.place(*point))
        chain.release().perform()

    def click(self, *points: tuple[float, float]) -> None:
        canvas, chain = self.find("#overlay"), ActionChains(self.browser, duration=10)
        for point in points:
            chain.move_to_element_with_offset(canvas, *self.place(*point)).click()
        chain.perform()

    def keys(self, *keys: str) -> None:
        chain = ActionChains(self.browser, duration=10)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def control(self, key: str) -> None:
        ActionChains(self.browser).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

    @property
    def layout(self) -> Layout:
        """As the page keeps it for a reload."""
        until(lambda: self.run("return sessionStorage.length"))
        held = self.run("return sessionStorage.getItem(sessionStorage.key(0))").encode()
        return parse_layout(held, "kept", self.server.model.class_table, self.server.model.style_dim)

    @property
    def labels(self) -> np.ndarray:
        """As they are seen."""
        pixels = self._pixels("canvas")
        palette = self.server.model.class_table.palette()
        return (pixels[:, :, None] == palette).all(-1).argmax(-1)

    def _pixels(self, name: str) -> np.ndarray:
        script = """
            const from = document.getElementById(arguments[0]), canvas = document.createElement("canvas");
            canvas.width = from.naturalWidth ?? from.width; canvas.height = from.naturalHeight ?? from.height;
            const context = canvas.getContext("2d");
            context.drawImage(from, 0, 0);
            const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
            return [canvas.height, canvas.width, Array.from(data)];
        """
        height, width, values = self.run(script, name)
        return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]

    def shows_its_photo(self, style: Any = "prior") -> None:
        """Waits for the photo of the layout as it is now."""

        def is_shown() -> bool:
            if self.find("#photo-pane").get_attribute("data-state") != "ready":
                return False
            layout = self.layout
            wanted = self.server.model.synthesize(
                layout.labels, layout.instances(), style, coding="classes", names=None, as_arrays=True
            )
            return np.array_equal(layout.labels, self.labels) and np.array_equal(
                self._pixels("photo"), wanted
            )

        until(is_shown)

    def save(self, what: str, name: str, folder: Path) -> Path:
        self.find("#save summary").click()
        self.find(f"[data-save={what}]").click()
        path = folder / "downloads" / name
        until(lambda: path.is_file() and path.stat().st_size)
        return path

    def open_file(self, path: Path) -> None:
        self.find("#open-file").send_keys(str(path))

    def complaints(self) -> list[str]:
        return [e["message"] for e in self.browser.get_log("browser") if e["level"] == "SEVERE"]


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
    np.testing.assert_array_equal(numbers, layout.instances())
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
        go, real = threading.Event(), server.studio.photo
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
        page.drag((10, 20), (20, 20))
        until(lambda: "The server is busy: " in page.find("#state").text)
        go.set()
        for other in others:
            other.join()
        page.shows_its_photo()  # by itself
    page.drag((30, 20), (40, 20))
    until(lambda: "does not answer" in page.find("#state").text)
