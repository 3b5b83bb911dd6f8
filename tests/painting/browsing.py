"""The painting page in a real browser, and what a painter does on it."""

from pathlib import Path
from typing import Any

import numpy as np
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ccfpse.painting.layout import Layout, parse_layout
from tests.painting.servers import Painting
from tests.waiting import until

THING, STUFF, OTHER, DONT_CARE = range(4)  # of the tests' class table; the page begins with all STUFF


def instances(layout: Layout) -> np.ndarray:
    """Instance numbers as the page sends them: class ids, 256 and more for objects."""
    objects = layout.objects.astype(np.int32)
    return np.where(objects > 0, objects + 255, layout.labels)


class Page:
    """The open page, and what a painter does on it."""

    def __init__(self, browser: Any, server: Painting) -> None:
        self.browser, self.server = browser, server
        self.open()
        self.wait()

    def open(self) -> None:
        self.browser.get(self.server.address)

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
        # What was drawn is on the canvas with the next picture of the screen.
        self.browser.execute_async_script(
            "requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()))"
        )
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
                layout.labels, instances(layout), style, coding="classes", names=None, as_arrays=True
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
