"""`ccfpse study`: human preference between two folders of photos."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import AsJson, errors_as_messages, remark, say, say_json, say_table, warn
from .examples import add_command

if TYPE_CHECKING:
    from ccfpse.study.tally import Share, Tally

study = typer.Typer(
    help="Let people choose between two models' photos: make a page, collect answers, count them.",
    no_args_is_help=True,
)
_Folder = Annotated[Path, typer.Argument(help="Folder of the study.", show_default=False)]


def make(
    a: Annotated[Path, typer.Argument(help="Folder of photos.", show_default=False)],
    b: Annotated[
        Path, typer.Argument(help="Folder of other photos of the same layouts.", show_default=False)
    ],
    labels: Annotated[
        Path,
        typer.Option(help="Folder of the photos' label maps, or a prepared store.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the study, new.")] = Path("study"),
    classes: Annotated[
        Path | None, typer.Option(help="Class table (YAML), for the label maps' colours.", show_default=False)
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(min=1, help="Layouts to ask about, at random; otherwise all.", show_default=False),
    ] = None,
    checks: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Attention checks among them; otherwise one for ten pairs, two at least.",
            show_default=False,
        ),
    ] = None,
    question: Annotated[str | None, typer.Option(help="What raters are asked.", show_default=False)] = None,
) -> None:
    """Write page/ to give away, and key.json to keep.

    Example:
        ccfpse study make ours/ theirs/ --labels layouts/ --out study/
    """
    with errors_as_messages():
        from ccfpse.classfiles import read_class_yaml
        from ccfpse.study.key import KEY, PAGE
        from ccfpse.study.layouts import find_layouts
        from ccfpse.study.make import QUESTION, Choices, make_study

        layouts = find_layouts(labels, None if classes is None else read_class_yaml(classes))
        choices = Choices(question=question or QUESTION, pairs=pairs, checks=checks)
        key = make_study(a, b, layouts, out, choices)
        n_pairs = len(key.pairs)
        megabytes = (out / PAGE).stat().st_size / 2**20
        if megabytes > 40:
            warn(f"{out / PAGE} has {megabytes:.0f} MB, much for slow lines; --pairs asks less")
        say(f"{out / PAGE}: {n_pairs} pairs and {len(key.items) - n_pairs} attention checks, to give away")
        say(f"{out / KEY}: which photo is whose, to keep")


def serve(
    folder: _Folder,
    host: Annotated[
        str, typer.Option(help="Address to answer at; 127.0.0.1: this machine only.")
    ] = "0.0.0.0",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8080,
) -> None:
    """Serve the page on the local network and keep what raters answer, until Ctrl-C.

    Example:
        ccfpse study serve study/ --port 8080
    """
    with errors_as_messages():
        from ccfpse.network import own_address
        from ccfpse.outputlock import output_lock
        from ccfpse.study.key import load_key
        from ccfpse.study.serve import ANSWERS, StudyServer

        load_key(folder)  # nothing is made where there is no study
        with output_lock(folder / ANSWERS), StudyServer(folder, (host, port), say) as server:
            shown = own_address() if host in ("0.0.0.0", "") else host
            say(f"http://{shown}:{server.port}/ is for raters; answers go to {folder / ANSWERS}; Ctrl-C ends")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                say("ended")


def tally(
    folder: _Folder,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Answer files; without any, those that `serve` kept.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the same figures as JSON.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count answers: preference with intervals, agreement of raters, failed attention checks.

    Example:
        ccfpse study tally study/ --out preference.json
    """
    with errors_as_messages():
        from ccfpse.files import write_json
        from ccfpse.outputlock import output_lock
        from ccfpse.study.key import load_key
        from ccfpse.study.serve import kept_answers
        from ccfpse.study.tally import tally as count

        found = count(load_key(folder), files or kept_answers(folder))
        if out is not None:
            with output_lock(out):
                write_json(out, found.to_dict())
        if as_json:
            say_json(found.to_dict())
        else:
            _show(found)
        if out is not None:
            (remark if as_json else say)(f"wrote {out}")


for _command in (make, serve, tally):
    add_command(study, _command)


def _show(found: "Tally") -> None:
    header = ("", "raters", "answers", "a preferred", "95 % interval", "over raters and layouts")
    shares = {"everyone": found.everyone, "who failed no check": found.attentive}
    say_table(
        f"a: {found.a}   b: {found.b}   {found.pairs} pairs",
        header,
        [(name, *_cells(share)) for name, share in shares.items()],
    )
    rows = [
        (
            rater.rater[:8],
            f"{rater.answered} of {found.pairs}",
            _percent(rater.share),
            _percent(rater.agreement),
            f"{rater.failed} of {rater.checks}",
            "-" if rater.median_seconds is None else f"{rater.median_seconds:.1f} s",
        )
        for rater in found.raters
    ]
    say_table(
        "raters", ("", "answered", "a preferred", "agrees with others", "failed checks", "median time"), rows
    )
    say(f"agreement between raters: {_percent(found.agreement)} of the pairs that both answered")
    say(
        "95 % interval: Wilson's, as if all answers were independent; the last column draws raters and "
        "layouts again as wholes (bootstrap), as answers of one rater or to one layout resemble each other"
    )
    if found.everyone.answers < found.pairs * len(found.raters):
        warn("not every rater answered every pair")


def _cells(share: "Share") -> tuple[str, ...]:
    return (
        str(share.raters),
        str(share.answers),
        _percent(share.share),
        _interval(share.interval),
        _interval(share.clustered),
    )


def _interval(bounds: tuple[float, float] | None) -> str:
    return "-" if bounds is None else f"{_percent(bounds[0])} to {_percent(bounds[1])}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
