"""What there is to do in a folder of layouts: looked at as a whole, before the first photo is made."""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from ccfpse.errors import DataError, OutputError
from ccfpse.layoutfiles import LayoutSource
from ccfpse.layoutfit import Fit, SizeChoice
from ccfpse.model import Model
from ccfpse.placing import refuse_way_out

Format = Literal["png", "jpg", "webp"]
Progress = Callable[[int, int], None]

THREADS = 4
"""Of readers, and as many of writers."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where photos go, and in which form."""

    folder: Path
    format: Format
    size: SizeChoice
    """Of a photo: that of its label map (`input`) or the model's (`model`)."""
    overwrite: bool
    """Replace photos that are there; otherwise they are kept."""

    def path(self, name: str) -> Path:
        """The photo of the layout called `name`."""
        return self.folder / f"{name}.{self.format}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What there is to do."""

    layouts: tuple[LayoutSource, ...]
    """Layouts to synthesize, all of them readable."""
    fits: tuple[Fit, ...]
    """How each enters the network."""
    kept: int
    """Layouts whose photo is there already."""
    bad: tuple[str, ...]
    """What is wrong with each layout that was left out."""
    n_without_instances: int
    """Layouts without an instance map, although the model has a boundary channel."""


def plan(
    model: Model, layouts: Sequence[LayoutSource], output: Output, *, skip_bad: bool, progress: Progress
) -> Plan:
    """Looks at every layout whose photo is missing, so that nothing is refused half-way.

    Raises:
        DataError: layouts that cannot be used, all of them in one sentence, unless `skip_bad`.
        OutputError: a photo would replace one of the label maps, or cannot be written where it belongs.
    """
    _check_output(layouts, output)
    wanted = [x for x in layouts if output.overwrite or not output.path(x.name).exists()]
    good: list[LayoutSource] = []
    fits: list[Fit] = []
    bad: list[str] = []
    n_without_instances = 0
    with ThreadPoolExecutor(THREADS) as readers:
        for done, (layout, found) in enumerate(zip(wanted, readers.map(_look, wanted), strict=True), start=1):
            if isinstance(found, DataError):
                bad.append(str(found))
            else:
                size, has_instances = found
                good.append(layout)
                fits.append(model.fit(size, output.size))
                n_without_instances += model.has_boundary and not has_instances
            progress(done, len(wanted))
    if bad and not skip_bad:
        raise DataError(listed(bad))
    return Plan(
        layouts=tuple(good),
        fits=tuple(fits),
        kept=len(layouts) - len(wanted),
        bad=tuple(bad),
        n_without_instances=n_without_instances,
    )


def listed(bad: Sequence[str], most: int = 20) -> str:
    """What is wrong with several files as one message."""
    if len(bad) == 1:
        return bad[0]
    more = f"; and {len(bad) - most} more" if len(bad) > most else ""
    return f"{len(bad)} layouts cannot be used: {'; '.join(bad[:most])}{more}"


def _check_output(layouts: Sequence[LayoutSource], output: Output) -> None:
    if output.folder.exists() and not output.folder.is_dir():
        raise OutputError(f"{output.folder}: is a file; photos go into a folder, choose another name")
    for layout in layouts:
        path = output.path(layout.name)
        refuse_way_out(output.folder, path)
        if path.is_dir():
            raise OutputError(f"{path}: is a folder where a photo is to be written; choose another folder")
        if path.exists() and path.samefile(layout.origin):
            raise OutputError(f"{path}: is a label map, which its photo would replace; choose another folder")


def _look(layout: LayoutSource) -> tuple[tuple[int, ...], bool] | DataError:
    try:
        labels, instances = layout.read()
    except DataError as error:
        return error
    return labels.shape, instances is not None
