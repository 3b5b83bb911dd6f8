"""What the user sees: messages, errors as one sentence, and progress. The only file that prints.

Everything goes to standard error, except what `say` prints: a command's answer. Names of files and classes
come from strangers: whatever they hold, a terminal shows it and does not obey it.
"""

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Annotated, Protocol

import typer

from ccfpse.errors import CcfpseError


class Progress(Protocol):
    """Shows how far the work is."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """`done` of `total` are done; `note` is shown beside it."""


AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as one JSON document, for scripts.")]
"""The option of commands whose answer is data."""
_SECONDS_BETWEEN_LINES = 10.0  # of progress where there is no terminal, such as in logs
_FOR_LESS_MEMORY = (
    "to train in less, lower train.batch or raise train.accumulation; to synthesize, lower --batch or use "
    "--size model; to evaluate, lower runtime.inference_batch"
)
_tracebacks: ContextVar[bool] = ContextVar("tracebacks", default=False)


def show_tracebacks(shown: bool) -> None:
    """Sets whether `errors_as_messages` shows where an error came from before its sentence."""
    _tracebacks.set(shown)


def say(line: str) -> None:
    """Prints a line of a command's answer."""
    print(_harmless(line), flush=True)


def say_text(text: str) -> None:
    """Prints lines of a command's answer."""
    for line in text.split("\n"):
        say(line)


def say_json(answer: object) -> None:
    """Prints a command's whole answer as one JSON document, for scripts; infinities and NaN are refused."""
    import json

    print(json.dumps(answer, indent=2, allow_nan=False), flush=True)


def remark(line: str) -> None:
    """Prints something worth knowing beside the answer."""
    print(_harmless(line), file=sys.stderr, flush=True)


def say_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a command's answer as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=_harmless(title))
    for name in header:
        table.add_column(name, overflow="fold")  # the end of a path is what tells it from others
    for row in rows:
        table.add_row(*map(_harmless, row))
    Console(markup=False, emoji=False).print(table)


def warn(sentence: str, *lines: str) -> None:
    """Prints something that the user should know, though the work goes on, perhaps with a list below."""
    _complain("warning", sentence, *lines)


def advise(device: str) -> None:
    """Says what would make work on a device faster, if something would."""
    from ccfpse.device import pick_device
    from ccfpse.native.build import advice

    if sentence := advice(pick_device(device).type):
        remark(f"note: {sentence}")


@contextlib.contextmanager
def errors_as_messages() -> Iterator[None]:
    """Ends the command with a sentence and an exit code where the block raises.

    `CcfpseError`: its own sentence and code. What the system refuses, such as writing to a full disk:
    its sentence, 2. Memory that is not there: what to do with less, 2. Ctrl-C: 130. Anything else is a
    mistake of ours and says so: 1.
    """
    try:
        yield
    except typer.Exit:
        raise
    except (KeyboardInterrupt, typer.Abort) as error:  # Abort: Ctrl-C at a question
        raise _ended("stopped", 130) from error
    except CcfpseError as error:
        raise _ended(error.sentence, error.exit_code, *error.lines) from error
    except BrokenPipeError as error:  # the reader of our output has gone: nobody to tell
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - or the interpreter's last flush fails too
        raise typer.Exit(1) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise _ended(f"{where}{error.strerror or error}", 2) from error
    except Exception as error:
        if is_lack_of_memory(error):
            raise _ended(f"out of memory; {_FOR_LESS_MEMORY}", 2) from error
        kind = type(error).__name__
        raise _ended(f"internal error: {kind}: {error}; run again with --verbose", 1) from error


@contextlib.contextmanager
def progress(description: str) -> Iterator[Progress]:
    """Shows how far the block is: a bar on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        with _bar(description) as update:
            yield update
    else:
        yield _lines(description)


@contextlib.contextmanager
def _bar(description: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(description, total=None, note="")

        def update(done: int, total: int, note: str = "") -> None:
            shown.update(task, completed=done, total=total, note=note)

        yield update


def _lines(description: str) -> Progress:
    started = last = time.monotonic()
    before: int | None = None  # done when the first call came, perhaps by an earlier process

    def update(done: int, total: int, note: str = "") -> None:
        nonlocal last, before
        now = time.monotonic()
        before = done if before is None else before
        if done == total or now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            spent = now - started
            counted = done - before
            left = f", {spent / counted * (total - done):.0f} s left" if counted and done < total else ""
            shown = f"{description}: {done}/{total}, {spent:.0f} s{left}{note and '  '}{note}"
            remark(shown)

    return update


def is_lack_of_memory(error: Exception) -> bool:
    """Whether there was too little memory, of the machine or of a device.

    PyTorch has an error of its own for a GPU's, which only a command that imported it can meet; on the CPU
    it raises a RuntimeError that names its allocator.
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))
    )


def _ended(sentence: str, exit_code: int, *lines: str) -> typer.Exit:
    if _tracebacks.get():
        for line in traceback.format_exc().split("\n"):
            remark(line)
    _complain("error", sentence, *lines)
    return typer.Exit(exit_code)


def _complain(kind: str, sentence: str, *lines: str) -> None:
    remark(f"{kind}: {sentence}")
    for line in lines:
        remark(f"  {line}")


def _harmless(text: str) -> str:
    """One line, in which whatever steers a terminal is replaced by its code.

    That is line breaks, escape sequences, marks that turn the writing direction, bytes that are no text.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
