"""`ccfpse clean`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import AsJson, errors_as_messages, say, say_json, say_table, warn

if TYPE_CHECKING:
    from ccfpse.cleaning import Leftover


def clean(
    outs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="OUT", help="Outputs to look beside; otherwise those that the settings name."),
    ] = None,
    params: Annotated[Path, typer.Option(help="Settings file.")] = Path("params.yaml"),
    yes: Annotated[bool, typer.Option("--yes", help="Remove all that is listed, without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what commands left beside their outputs, with sizes; then remove it, if so answered.

    That is what an unfinished run would go on from, and what a killed command left. Without OUT: beside the
    outputs that the settings name, and measurements in the cache. An output written elsewhere is to be named.

    Example:
        ccfpse clean
    """
    from ccfpse.cleaning import beside, leftovers
    from ccfpse.config import load_settings

    with errors_as_messages():
        found = beside(outs) if outs else leftovers(load_settings(params))
        if as_json:
            listed = [{"path": str(left.path), "what": left.what, "bytes": left.n_bytes} for left in found]
            say_json({"leftovers": listed, "removed_bytes": _removed(found) if yes else 0})
            return
        if not found:
            say("nothing is left over")
            return
        total = sum(left.n_bytes for left in found)
        rows = [(_size(left.n_bytes), left.what, str(left.path)) for left in found]
        say_table(f"{_size(total)} to go on from", ("size", "what", "where"), rows)
        if not yes:
            if not sys.stdin.isatty():
                say("`ccfpse clean --yes` removes all of it")
                return
            if not typer.confirm("Remove all of it?"):
                say("nothing is removed")
                return
        say(f"removed {_size(_removed(found))}")


def _removed(found: "Sequence[Leftover]") -> int:
    """Bytes that are free now; what a process uses stays, with a warning."""
    from ccfpse.cleaning import remove
    from ccfpse.errors import OutputError

    freed = 0
    for left in found:
        try:
            remove(left)
            freed += left.n_bytes
        except OutputError as error:
            warn(str(error))
    return freed


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.2f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.1f} MiB"
