"""The table as a picture: a bar for every variant, whiskers over its seeds, a line for the real photos."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from ccfpse.compare.table import SCORES, WITH_REAL, Table
from ccfpse.files import replacing

_BAR, _INK, _REAL = "#4c78a8", "#1a1a1a", "#d95f02"


def draw_chart(path: Path, table: Table) -> None:
    """Writes a PNG with a panel for every score.

    Raises:
        OutputError: it cannot be written.
    """
    n_rows, n_panels = len(table.rows), len(table.scores)
    figure = Figure(figsize=(2.2 + 3.2 * n_panels, 1.3 + 0.45 * n_rows), dpi=150, layout="constrained")
    panels = figure.subplots(1, n_panels, sharey=True, squeeze=False)[0]
    places = range(n_rows)[::-1]
    for panel, score in zip(panels, table.scores, strict=True):
        means = [row.mean(score) for row in table.rows]
        below = [mean - min(row.values[score]) for mean, row in zip(means, table.rows, strict=True)]
        above = [max(row.values[score]) - mean for mean, row in zip(means, table.rows, strict=True)]
        panel.barh(places, means, height=0.62, color=_BAR)
        if len(table.rows[0].values[score]) > 1:
            panel.errorbar(
                means, places, xerr=[below, above], fmt="none", ecolor=_INK, capsize=3, linewidth=1
            )
        if score in table.real:
            panel.axvline(table.real[score], color=_REAL, linestyle="--", linewidth=1.2, label="real photos")
            panel.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=8, borderpad=0)
        better = "higher" if score in WITH_REAL else "lower"
        panel.set_xlabel(f"{SCORES[score]} ({better} is better)", fontsize=9)
        panel.set_xlim(left=min(0, *means))
        panel.tick_params(labelsize=9)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(list(places), [row.variant for row in table.rows])
    content = io.BytesIO()  # what Pillow says of a full disk tells nothing
    figure.savefig(content, format="png")
    with replacing(path) as temporary:
        temporary.write_bytes(content.getvalue())
