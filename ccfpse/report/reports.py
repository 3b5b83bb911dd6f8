"""The three pages: of the pipeline's evaluation, of any evaluations, of a grid's."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from ccfpse.config import Settings
from ccfpse.errors import SettingsError
from ccfpse.outputlock import output_lock
from ccfpse.report.content import gather
from ccfpse.report.curves import read_panels
from ccfpse.report.evaluation import read_evaluation
from ccfpse.report.grid import grid_logs, grid_runs, read_grid
from ccfpse.report.naming import Run, named_runs
from ccfpse.report.page import INDEX, write_page

# Not `paths` and `runtime`, which decide no figure and are not tracked: the page would be out of date.
_SHOWN = ("data", "model", "loss_network", "judge", "train", "synthesize", "evaluate")


def report_pipeline(settings: Settings, out: Path | None, beside: Sequence[str] = ()) -> Path:
    """The pipeline's evaluation, with training curves and settings.

    Args:
        settings: whose paths are read.
        out: file to write; None: in `paths.report`.
        beside: other evaluations, FOLDER or NAME=FOLDER, that it is compared with.

    Returns:
        The file.

    Raises:
        SettingsError: names or folders come twice.
        DataError: a file is missing or damaged.
        OutputError: the page cannot be written.
    """
    path = out or Path(settings.paths.report) / INDEX
    with output_lock(path):
        _report_pipeline(settings, path, beside)
    return path


def _report_pipeline(settings: Settings, path: Path, beside: Sequence[str]) -> None:
    run = Run(
        f"{settings.model.generator}-{settings.model.discriminator}",
        read_evaluation(Path(settings.paths.evaluation)),
    )
    panels = read_panels({run.name: Path(settings.paths.training) / "log"})
    others = named_runs(beside)
    if run.name in (other.name for other in others):
        raise SettingsError(f"{run.name}: is what the pipeline's own run is called; give NAME=FOLDER")
    write_page(path, gather([run, *others], panels=panels, settings=as_text(settings, _SHOWN)))


def report_folders(given: Sequence[str], out: Path) -> None:
    """Any evaluations, FOLDER or NAME=FOLDER, the first one's page.

    Raises:
        SettingsError: names or folders come twice.
        DataError: a file is missing or damaged.
        OutputError: the page cannot be written.
    """
    with output_lock(out):
        write_page(out, gather(named_runs(given)))


def report_grid(settings: Settings, out: Path | None) -> Path:
    """The grid's cells, compared with that of its first variant and seed, and its table.

    Result and errors are those of `report_pipeline`; without `out`, the file is in `paths.compare`.
    """
    folder = Path(settings.paths.compare)
    path = out or folder / "report" / INDEX
    with output_lock(path):
        content = gather(
            grid_runs(settings),
            panels=read_panels(grid_logs(settings)),
            settings=as_text(settings, (*_SHOWN, "compare")),
            grid=read_grid(folder / "table"),
        )
        write_page(path, content)
    return path


def as_text(settings: Settings, sections: Sequence[str]) -> str:
    """Some sections as YAML."""
    content = settings.to_dict()
    return yaml.safe_dump({name: content[name] for name in sections}, sort_keys=False, allow_unicode=True)
