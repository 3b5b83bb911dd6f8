"""Layouts become photo files: reading, the network and writing at the same time.

Threads read label maps ahead of the network and write photos behind it; decoding and encoding
pictures leaves Python's lock alone. Nothing is computed before every layout has been looked at.
"""

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
from PIL import Image

from ccfpse.files import replacing
from ccfpse.labelspace import Ids
from ccfpse.layoutfiles import LayoutSource
from ccfpse.layoutfit import Fit, Size, equal_batches
from ccfpse.model import Model
from ccfpse.modelinputs import Instances, Pixels
from ccfpse.outputlock import output_lock
from ccfpse.pictures import encoded
from ccfpse.recipe import Recipe, with_recipe
from ccfpse.styles import NamedStyle, Style
from ccfpse.synthesisplan import THREADS, Output, Plan, Progress, plan

_BATCHES_AHEAD = 2  # read before the network needs them
_MUCH_LARGER = 4  # times the pixels of the model's size
_LOSSY: dict[str, str] = {"jpg": "JPEG", "webp": "WEBP"}
_QUALITY = 95


class _Input(NamedTuple):
    """A layout on its way into the network."""

    labels: Ids
    instances: Instances
    checksum: str
    """As recipes have it, of the layout as it came."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done."""

    written: int
    kept: int
    bad: tuple[str, ...]
    """What is wrong with each layout that was left out."""
    seconds: float
    """From the first read to the last write, looking at layouts beforehand not counted."""
    network_seconds: float
    """Of these, spent in the network; the rest is waiting for files."""

    def __str__(self) -> str:
        share = self.network_seconds / self.seconds if self.written else 0
        kept = f"; kept {self.kept} that were there, --overwrite replaces them" if self.kept else ""
        photos = "1 photo" if self.written == 1 else f"{self.written} photos"
        return f"wrote {photos} in {self.seconds:.1f} s, {share:.0%} of it in the network{kept}"


def synthesize_files(
    model: Model,
    layouts: Sequence[LayoutSource],
    output: Output,
    *,
    style: str | NamedStyle,
    seed: int,
    batch: int,
    skip_bad: bool,
    progress: Callable[[str], AbstractContextManager[Progress]],
    warn: Callable[[str], None],
) -> Report:
    """Looks at all layouts, then writes their photos; the arguments are those of `plan` and `write_photos`.

    Args:
        model: what makes the photos.
        layouts: from `ccfpse.layoutfiles.find_layouts`.
        output: where they go.
        style: `prior`, `mean`, `own` (the real photo's, of a prepared store), or one that all get.
        seed: of the prior's styles.
        batch: layouts of the model's size computed at a time, fewer larger ones; changes no result.
        skip_bad: leave out layouts that cannot be used, instead of refusing them all.
        progress: opens the display of one stage's progress.
        warn: told what the user should know.

    Raises:
        DataError, OutputError, SettingsError: as `plan` and `write_photos`.
    """
    _styles(model, layouts[:1], style, seed)  # refuses a style that cannot be, before any work
    with output_lock(output.folder):
        with progress("looking at layouts") as update:
            todo = plan(model, layouts, output, skip_bad=skip_bad, progress=update)
        _warn(model, todo, warn)
        with progress("synthesizing") as update:
            seconds, network_seconds = write_photos(
                model, todo, output, style=style, seed=seed, batch=batch, progress=update
            )
    return Report(
        written=len(todo.layouts),
        kept=todo.kept,
        bad=todo.bad,
        seconds=seconds,
        network_seconds=network_seconds,
    )


def _warn(model: Model, todo: Plan, warn: Callable[[str], None]) -> None:
    if todo.n_without_instances:
        warn(
            "the model was trained with instance maps; where there are none "
            f"({todo.n_without_instances} of {len(todo.layouts)}), objects end where classes do"
        )
    if n_large := sum(_area(fit.network_size) > _MUCH_LARGER * _area(model.size) for fit in todo.fits):
        warn(
            f"{n_large} of {len(todo.layouts)} label maps are much larger than the {_sides(model.size)} the "
            "model was trained at: it is slow there and paints large areas flat; --size model fits them to it"
        )


def write_photos(
    model: Model,
    plan: Plan,
    output: Output,
    *,
    style: str | NamedStyle,
    seed: int,
    batch: int,
    progress: Progress,
) -> tuple[float, float]:
    """Writes the photos of a plan, each file whole; each depends on its layout, name, style and seed alone.

    Returns:
        Seconds that it took, and how many of them in the network.

    Raises:
        SettingsError: the style is not one that the model or the layouts can have.
        OutputError: a photo cannot be written.
    """
    started, network_seconds, done = time.monotonic(), 0.0, 0
    batches = equal_batches([fit.network_size for fit in plan.fits], batch, model.size)
    with ThreadPoolExecutor(THREADS) as readers, ThreadPoolExecutor(THREADS) as writers:
        writing: deque[Future[None]] = deque()
        try:
            for members, inputs in _read_ahead(model, plan, batches, readers):
                before = time.monotonic()
                layouts = [plan.layouts[i] for i in members]
                styles = _styles(model, layouts, style, seed)
                pixels = model.generate(
                    np.stack([one.labels for one in inputs]),
                    np.stack([one.instances for one in inputs]),
                    styles,
                )
                network_seconds += time.monotonic() - before
                for at, (i, layout, photo) in enumerate(zip(members, layouts, pixels, strict=True)):
                    recipe = model.recipe(
                        inputs[at].checksum,
                        layout=layout.name,
                        style=style if style != "own" or styles is None else NamedStyle("own", styles[at]),
                        seed=seed,
                        size=output.size,
                    )
                    writing.append(writers.submit(_write, photo, plan.fits[i], output, layout.name, recipe))
                while len(writing) > _BATCHES_AHEAD * batch or (writing and writing[0].done()):
                    writing.popleft().result()
                    progress(done := done + 1, len(plan.layouts))
            for future in writing:
                future.result()
                progress(done := done + 1, len(plan.layouts))
        except BaseException:
            readers.shutdown(wait=False, cancel_futures=True)
            writers.shutdown(wait=False, cancel_futures=True)
            raise
    return time.monotonic() - started, network_seconds


def _area(size: Size) -> int:
    return size[0] * size[1]


def _sides(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _read_ahead(
    model: Model, plan: Plan, batches: Sequence[Sequence[int]], readers: ThreadPoolExecutor
) -> Iterator[tuple[Sequence[int], list[_Input]]]:
    """Batches in order; while one is in use, the next are being read."""

    def read(i: int) -> _Input:
        labels, instances = plan.layouts[i].read()
        fitted = model.fitted(labels, instances, plan.fits[i])
        return _Input(*fitted, model.layout_checksum(labels, instances))

    reading: deque[tuple[Sequence[int], list[Future[_Input]]]] = deque()
    for members in batches:
        reading.append((members, [readers.submit(read, i) for i in members]))
        if len(reading) > _BATCHES_AHEAD:
            oldest, futures = reading.popleft()
            yield oldest, [future.result() for future in futures]
    for oldest, futures in reading:
        yield oldest, [future.result() for future in futures]


def _styles(
    model: Model, layouts: Sequence[LayoutSource], style: str | NamedStyle, seed: int
) -> Style | None:
    if isinstance(style, str) and style == "own":
        return model.encode_styles([layout.photo() for layout in layouts])
    return model.styles(style, [layout.name for layout in layouts], seed)


def _write(photo: Pixels, fit: Fit, output: Output, name: str, recipe: Recipe) -> None:
    picture = Image.fromarray(fit.undo(photo) if output.size == "input" else photo)
    if output.format == "png":
        content = with_recipe(picture, recipe)
    else:
        content = encoded(picture, _LOSSY[output.format], quality=_QUALITY)
    with replacing(output.path(name)) as temporary:
        temporary.write_bytes(content)
