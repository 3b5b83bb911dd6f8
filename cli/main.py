"""Assembles the commands into `ccfpse`. Nothing here imports torch: `--help` answers at once."""

from typing import Annotated

import typer

from ccfpse.memory import return_large_pieces

from .clean import clean
from .compare import compare
from .compile_ import compile_
from .console import show_tracebacks
from .describe import describe
from .doctor import doctor
from .evaluate import evaluate
from .examples import add_command
from .export import export
from .import_ import import_
from .init import init
from .judge import judge
from .loss_network import loss_network
from .paint import paint
from .prepare import prepare
from .preset import preset
from .remake import remake
from .report import report
from .scan import scan
from .shrink import shrink
from .study import study
from .styles import styles
from .synthesize import synthesize
from .train import train

app = typer.Typer(
    name="ccfpse",
    help="Photos from semantic layouts with conditional convolutions (CC-FPSE).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

for _command in (
    init,
    preset,
    scan,
    prepare,
    judge,
    loss_network,
    train,
    synthesize,
    remake,
    styles,
    paint,
    evaluate,
    report,
    compare,
    describe,
    export,
    shrink,
    clean,
    doctor,
):
    add_command(app, _command)
app.add_typer(study, name="study")
add_command(app, import_, "import")  # `import` and `compile` cannot name functions of ours
add_command(app, compile_, "compile")


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"ccfpse {metadata.version('ccfpse')}")
        raise typer.Exit


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", help="Show where errors come from.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and stop.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    show_tracebacks(verbose)


def main() -> None:
    """The console command `ccfpse`."""
    return_large_pieces()
    app()
