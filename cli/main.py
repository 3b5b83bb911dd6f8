"""Assembles the commands into `ccfpse`. Nothing here imports torch: `--help` answers at once."""

from importlib import import_module, util
from typing import Annotated

import typer

from .console import show_tracebacks

app = typer.Typer(
    name="ccfpse",
    help="Photos from semantic layouts with conditional convolutions (CC-FPSE).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for _name in (
    "preset",
    "scan",
    "prepare",
    "judge",
    "loss_network",
    "train",
    "synthesize",
    "evaluate",
    "import_",
):
    if util.find_spec(f"ccfpse_cli.{_name}"):
        app.command(_name.strip("_").replace("_", "-"))(getattr(import_module(f"ccfpse_cli.{_name}"), _name))


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
    app()
