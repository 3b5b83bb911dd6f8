"""Series of a run's figures, as dvclive writes them and `dvc plots` reads them."""

import json
from collections.abc import Mapping
from pathlib import Path

from dvclive.live import Live
from scmrepo.exceptions import SCMError

from ccfpse.errors import TrainingError
from ccfpse.files import write_json


class Log:
    """Figures by step, in a folder of their own."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """Opens the log after `first_step` steps; later ones, of a run that was cut off, are dropped.

        Raises:
            TrainingError: the project is a git repository without a commit, where dvclive cannot work.
        """
        _cut_back(folder, first_step)
        resume = first_step > 0
        try:
            # Left to itself dvclive rewrites the project's dvc.yaml and commits experiments into git.
            self._live = Live(str(folder), resume=resume, dvcyaml=None, save_dvc_exp=False, report=None)
        except SCMError as error:
            raise TrainingError(
                f"git refuses ({error}); commit the project once: git add . && git commit -m start"
            ) from error

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Adds one point to every series named."""
        self._live.step = step
        for name, value in figures.items():
            self._live.log_metric(name, value)
        self._live.make_summary()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Ends the log."""
        self._live.end()  # type: ignore[no-untyped-call]


def _cut_back(folder: Path, first_step: int) -> None:
    for series in folder.glob("plots/metrics/**/*.tsv"):
        header, *rows = series.read_text("utf-8").splitlines(keepends=True)
        at = header.rstrip("\n").split("\t").index("step")
        kept = [row for row in rows if row.endswith("\n") and int(row.split("\t")[at]) <= first_step]
        series.write_text(header + "".join(kept), "utf-8")
    summary = folder / "metrics.json"
    if summary.exists():
        write_json(summary, {**json.loads(summary.read_text("utf-8")), "step": first_step})
