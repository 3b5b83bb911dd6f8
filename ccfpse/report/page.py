"""The page itself: one file without scripts, with everything in it."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from ccfpse.files import replacing
from ccfpse.report import curves, papers
from ccfpse.report.content import NAMES, Content
from ccfpse.report.numbers import number, score, share, span

INDEX = "index.html"


def write_page(path: Path, content: Content) -> None:
    """Writes the page; whatever came from files is escaped.

    Raises:
        OutputError: it cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("ccfpse", "report"),
        autoescape=True,  # for every template, whatever its suffix
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "score": score, "span": span, "share": share}
    page = environment.get_template("page.html").render(
        content=content,
        names=NAMES,
        papers_sentence=papers.SENTENCE,
        curve_size=(curves.WIDTH, curves.HEIGHT),
        curve_points=curves.POINTS,
    )
    with replacing(path) as temporary:
        # File names may hold bytes that are no text.
        temporary.write_bytes(page.encode("utf-8", "replace"))
