"""Series of a run's figures, as dvclive writes them and `dvc plots` reads them."""

import csv
from collections.abc import Mapping
from pathlib import Path

from dvclive.live import Live
from scmrepo.exceptions import SCMError

from ccfpse.errors import TrainingError
from ccfpse.files import replacing, write_json, writing
from ccfpse.opening import read_text
from ccfpse.placing import flush_all

_SERIES = "plots/metrics/**/*.tsv"
_SUMMARY = "metrics.json"


class Log:
    """Figures by step, in a folder of their own."""

    def __init__(self, folder: Path, last: int, run: Path) -> None:
        """Opens the log after step `last`; later points, of a run that was cut off, are dropped.

        Args:
            folder: of the log.
            last: step; 0: none.
            run: folder of the run that the points come from, for the message.

        Raises:
            TrainingError: what is there is no log; or the project is a git repository without a commit,
                where dvclive cannot work.
        """
        resume = _cut_back(folder, last, run)
        self._folder = folder
        try:
            # Left to itself dvclive rewrites the project's dvc.yaml and commits experiments into git.
            self._live = Live(str(folder), resume=resume, dvcyaml=None, save_dvc_exp=False, report=None)
        except SCMError as error:
            raise TrainingError(
                f"git refuses ({error}); commit the project once: git add . && git commit -m start"
            ) from error

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Adds one point to every series named.

        Raises:
            OutputError: it cannot be written.
        """
        with writing(self._folder):
            self._live.step = step
            for name, value in figures.items():
                self._live.log_metric(name, value)
            self._live.make_summary()  # type: ignore[no-untyped-call]

    def flush(self) -> None:
        """Asks the system to put the points on the disk before going on."""
        with writing(self._folder):
            flush_all(self._folder)

    def close(self) -> None:
        """Ends the log."""
        with writing(self._folder):
            self._live.end()  # type: ignore[no-untyped-call]
        # In one order, whatever was logged first in the process that came last.
        write_json(self._folder / _SUMMARY, dict(sorted(self._live.summary.items())))


def _cut_back(folder: Path, last: int, run: Path) -> bool:
    """Drops the points after step `last` and lines that were cut off; whether any point is left."""
    newest: dict[str, float] = {}
    for series in sorted(folder.glob(_SERIES)):
        if last == 0:
            series.unlink()
            continue
        try:
            lines = [line for line in read_text(series).splitlines(keepends=True) if line.endswith("\n")]
            points = [point for point in csv.DictReader(lines, delimiter="\t") if int(point["step"]) <= last]
            values = [float(point[series.stem]) for point in points]
        except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
            raise TrainingError(
                f"{series}: damaged series of a training run; remove {run} to start anew"
            ) from error
        if not points:
            series.unlink()
            continue
        with replacing(series) as temporary:
            temporary.write_text("".join(lines[: 1 + len(points)]), "utf-8")
        newest[series.stem] = values[-1]
    if newest:
        write_json(folder / _SUMMARY, {**newest, "step": last})
    else:
        (folder / _SUMMARY).unlink(missing_ok=True)
    return bool(newest)
