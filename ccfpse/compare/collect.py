"""The end of a grid: `table.csv`, `table.md`, `table.png`, `pictures.png` and `metrics.json`."""

import csv
import io
from pathlib import Path

from ccfpse.compare.chart import draw_chart
from ccfpse.compare.grid import Cell
from ccfpse.compare.table import SCORES, Row, Table, read_table
from ccfpse.compare.timing import seconds_per_step
from ccfpse.config import Settings
from ccfpse.evaluation.photos import SynthesizedPhotos
from ccfpse.evaluation.picture import evenly_spaced, legend, write_picture
from ccfpse.files import adding, write_json
from ccfpse.outputlock import output_lock
from ccfpse.placing import refuse_way_out
from ccfpse.prepared import PreparedStore, open_store
from ccfpse.segmentation import Progress

TABLE, MARKDOWN, CHART, PICTURES, METRICS = (
    "table.csv",
    "table.md",
    "table.png",
    "pictures.png",
    "metrics.json",
)


def collect(settings: Settings, progress: Progress) -> Table:
    """Reads all cells of the grid and writes what they come to into ``paths.compare/table``.

    Raises:
        DataError: a cell or the prepared store is missing or damaged.
        ModelFileError: the loss network is.
        OutputError: the results cannot be written, or a link leads out of ``paths.compare``.
    """
    out = Path(settings.paths.compare) / "table"
    refuse_way_out(out.parent, out / TABLE)
    with output_lock(out):
        return _collect(settings, out, progress)


def _collect(settings: Settings, out: Path, progress: Progress) -> Table:
    store = open_store(Path(settings.paths.prepared))
    table = read_table(settings, store.class_table, seconds_per_step(settings, progress))
    with adding(out) as folder:
        for name, text in ((TABLE, as_csv(table)), (MARKDOWN, as_markdown(table))):
            (folder / name).write_text(text, "utf-8")
        draw_chart(folder / CHART, table)
        _write_pictures(folder / PICTURES, settings, store)
        write_json(folder / METRICS, as_metrics(table))
    return table


def as_csv(table: Table) -> str:
    """A line for every variant, one for the real photos; an empty field where there is nothing."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    header = ["variant", "seeds"]
    for score in table.scores:
        header += [score, f"{score}_deviation"]
    parameters = ["generator_parameters", "discriminator_parameters"]
    lines.writerow([*header, *parameters, "seconds_per_step"])
    for row in table.rows:
        cells: list[object] = [row.variant, len(row.values["miou"])]
        for score in table.scores:
            deviation = row.deviation(score)
            cells += [f"{row.mean(score):.6f}", "" if deviation is None else f"{deviation:.6f}"]
        lines.writerow([*cells, *row.parameters.values(), f"{row.seconds_per_step:.4f}"])
    real: list[object] = ["real photos", ""]
    for score in table.scores:
        real += [f"{table.real[score]:.6f}" if score in table.real else "", ""]
    lines.writerow([*real, "", "", ""])
    return text.getvalue()


def as_markdown(table: Table) -> str:
    """The table for people, and below it the conditions."""
    header, *rows = as_cells(table)
    lines = [header, ["---"] * len(header), *rows]
    return (
        "\n".join(f"| {' | '.join(line)} |" for line in lines)
        + "\n\n"
        + "".join(f"- {sentence}\n" for sentence in table.conditions)
    )


def as_cells(table: Table) -> list[list[str]]:
    """Header and rows, as text."""
    header = ["variant", *(SCORES[score] for score in table.scores)]
    rows = [[*header, "generator, M", "discriminator, M", "s per step"]]
    for row in table.rows:
        scores = [_with_deviation(row, score) for score in table.scores]
        parameters = [f"{count / 1e6:.2f}" for count in row.parameters.values()]
        rows.append([row.variant, *scores, *parameters, f"{row.seconds_per_step:.2f}"])
    real = [f"{table.real[score]:.3f}" if score in table.real else "" for score in table.scores]
    return [*rows, ["real photos", *real, "", "", ""]]


def as_metrics(table: Table) -> dict[str, object]:
    """Plain numbers at stable keys."""
    return {
        row.variant: {
            score: {"mean": row.mean(score), "deviation": row.deviation(score)} for score in table.scores
        }
        for row in table.rows
    } | {"real": dict(table.real)}


def _with_deviation(row: Row, score: str) -> str:
    deviation = row.deviation(score)
    digits = 5 if score == "kid" else 3
    return f"{row.mean(score):.{digits}f}" + ("" if deviation is None else f" ± {deviation:.{digits}f}")


def _write_pictures(path: Path, settings: Settings, store: PreparedStore) -> None:
    """A row for every layout, a column for every variant (its first seed)."""
    split, class_table = store.split("val"), store.class_table
    chosen = evenly_spaced(len(split), settings.compare.pictures)
    labels = [split.labels(i) for i in chosen]
    columns = {
        "label": [class_table.colorize(ids) for ids in labels],
        "real": [split.image(i) for i in chosen],
    }
    for variant in settings.compare.run:
        cell = Cell(variant, settings.compare.seeds[0])
        photos = SynthesizedPhotos(cell.folder(settings, "photos"), split)
        columns[variant] = [photos.image(i) for i in chosen]
    write_picture(path, columns, legend(class_table, labels))
