"""`ccfpse doctor`: what is there, and what is missing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import AsJson, errors_as_messages, say, say_json, say_table

if TYPE_CHECKING:
    from ccfpse.doctor import Examination
    from ccfpse.doctor.weights import Weights


def doctor(
    params: Annotated[Path, typer.Option(help="Settings file, if there is one.")] = Path("params.yaml"),
    as_json: AsJson = False,
) -> None:
    """Say what this machine, installation and project have, and what is missing. Changes nothing.

    Example:
        ccfpse doctor
    """
    with errors_as_messages():
        from ccfpse.doctor import examine

        found = examine(params)
        if as_json:
            say_json(found.to_dict())
        else:
            _show(found)


def _show(found: "Examination") -> None:
    rows = [*found.versions.items(), *_machine(found), *_project(found)]
    say_table("this machine, installation and project", ("", ""), rows)
    weights = [(one.network, "yes" if one.found else "no", one.enables) for one in found.weights]
    say_table("weights that others publish", ("network", "found", "makes possible"), weights)
    for one in found.weights:
        say(f"{one.network}: {one.path if one.found else _how_to_get(one)}")


def _machine(found: "Examination") -> list[tuple[str, str]]:
    rows = [
        (
            device.name,
            f"{device.description}{_memory(device.free_bytes, device.memory_bytes)}",
        )
        for device in found.devices
    ]
    kernels = found.kernels
    half = ", half precision for bf16" if kernels.half_precision else ""
    return [
        *rows,
        ("cores, threads", f"{found.cores}, {found.threads}"),
        ("compiled kernels", f"{'yes' if kernels.used else 'no'}: {kernels.reason}{half}"),
        ("disk", f"{found.disk.folder}{_memory(found.disk.free_bytes, found.disk.total_bytes)}"),
        *(
            (
                f"extra {extra.name}",
                f"missing {', '.join(extra.missing)}: pip install 'ccfpse[{extra.name}]'"
                if extra.missing
                else "installed",
            )
            for extra in found.extras
        ),
    ]


def _project(found: "Examination") -> list[tuple[str, str]]:
    git, dvc = found.git, found.dvc
    if git is None:
        versioned = "no repository here"
    else:
        changed = "an unknown number of" if git.changed_files is None else git.changed_files
        versioned = f"{git.commit or 'nothing committed'}, {changed} files changed or new"
    if dvc is None:
        pipeline = "no dvc.yaml here"
    elif not dvc.initialised:
        pipeline = "not initialised; `dvc init`, or without git `dvc init --no-scm`"
    else:
        done = len(dvc.stages) - len(dvc.never_run)
        never = f"; never run: {', '.join(dvc.never_run)}" if dvc.never_run else ""
        pipeline = f"{done} of {len(dvc.stages)} stages have results{never}"
    return [
        ("settings", found.settings_problem or f"{found.settings}: fine"),
        ("git", versioned),
        ("dvc", pipeline),
    ]


def _how_to_get(one: "Weights") -> str:
    place = f"put it at {one.path}, or name" if one.path else "name"
    return f"get {one.file} from {one.source}; {place} your file in {one.setting}"


def _memory(free: int | None, total: int | None) -> str:
    if total is None:
        return ""
    return f", {total / 2**30:.0f} GiB" + ("" if free is None else f", {free / 2**30:.0f} free")
