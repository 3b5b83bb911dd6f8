"""Writes the prepared store: raw samples, checked and fitted by several processes, in one whole folder.

Beside the output NAME lies `.NAME.work`: `partial-KEY/` with unfinished work, where KEY is a hash
of all that decides the result, so that the same command goes on after an interruption; and
`finished.json`, which tells the next run that the store needs only be verified.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccfpse.config import plain
from ccfpse.datasets import find_samples
from ccfpse.datasets.drawn import draw_scenes
from ccfpse.datasets.fitting import changes_aspect
from ccfpse.datasets.raw import BadFile, RawData
from ccfpse.datasets.reading import Recipe
from ccfpse.errors import DataError, OutputError
from ccfpse.files import (
    code_checksum,
    put_folder,
    read_json,
    refuse_file,
    refuse_foreign,
    sha256_file,
    write_json,
    writing,
)
from ccfpse.outputlock import output_lock
from ccfpse.prepared import FORMAT, MANIFEST, PreparedStore, open_store, sample_digest
from ccfpse.preparing.partial import Done, PartialStore, Shape
from ccfpse.preparing.rawlist import raw_list
from ccfpse.preparing.tasks import Task, run_tasks
from ccfpse.sections import DataSettings

_CODE = ("classfiles.py", "datasets", "labelimage.py", "labelspace.py", "pictures.py", "preparing")
"""The part of this package that decides what a store holds."""

Update = Callable[[int, int], None]
"""Told how many of how many are done."""
Progress = Callable[[str], AbstractContextManager[Update]]
"""Starts showing a piece of work under a name."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of `prepare`."""

    path: Path
    counts: dict[str, int]
    """Samples in each split."""
    skipped: tuple[BadFile, ...]
    verified: bool
    """The store was there, and all its bytes are right."""
    continued: int
    """Samples that an interrupted run had finished."""
    notes: tuple[str, ...]
    """What the user should know, a sentence each."""


@contextlib.contextmanager
def silent(description: str) -> Iterator[Update]:
    """Shows nothing."""
    yield lambda done, total: None


def prepare(
    data: DataSettings, out: Path, *, skip_bad: bool, workers: int, progress: Progress = silent
) -> Report:
    """Prepares a data set, goes on with it, or verifies the store that is there.

    Args:
        data: which one and how; the embedded one is drawn first.
        out: folder of the store; an older store there is replaced when the new one is whole.
        skip_bad: leave out files that cannot be used, instead of refusing the data set.
        workers: processes; 0 and 1: this one alone. The store does not depend on it.
        progress: shows pieces of work.

    Raises:
        DataError: files that cannot be used, all in one message; nothing is kept then.
        OutputError: `out` holds something else, another process writes it, or the disk is full.
    """
    refuse_file(out)
    with output_lock(out), _work_folder(out) as work:
        refuse_foreign(out, MANIFEST, "prepared store")
        if data.sample is not None:
            with output_lock(Path(data.source)), progress("drawing scenes") as update:
                draw_scenes(Path(data.source), data.sample, workers, update)
        key = _key(data)
        damage = ""
        if (store := _finished_store(out, work, key)) is not None and not (_skipped(store) and not skip_bad):
            with progress("verifying") as update:
                damage = _damage(store, update)
            if not damage:
                _clean(work)
                return _report(store, verified=True, continued=0, damage="")
        continued = _write(data, out, work / f"partial-{key}", key, skip_bad, workers, progress)
        _clean(work)
        return _report(open_store(out), verified=False, continued=continued, damage=damage)


def _write(
    data: DataSettings, out: Path, folder: Path, key: str, skip_bad: bool, workers: int, progress: Progress
) -> int:
    """Does the work that is left and puts the store in its place; returns how much had been done."""
    raw = find_samples(data)
    sizes = {"train": data.load_size, "val": data.size}
    samples = {split: found.samples for split, found in raw.splits.items()}
    shapes = {split: Shape(len(samples[split]), sizes[split], data.instances) for split in samples}
    with writing(out):
        partial = PartialStore(folder, shapes)
    done = partial.done()
    continued, total = len(done), sum(map(len, samples.values()))
    tasks = [
        Task(split, index, sample, sizes[split])
        for split in samples
        for index, sample in enumerate(samples[split])
        if (split, index) not in done
    ]
    bad = [file for found in raw.splits.values() for file in found.bad]
    with progress("preparing") as update, writing(out), partial.journal() as note:
        update(continued, total)
        for number, result in enumerate(
            run_tasks(tasks, Recipe.of(data, raw.table), partial.store, workers), 1
        ):
            if isinstance(result, BadFile):
                bad.append(result)
            else:
                done[result.split, result.index] = result
                note(result)
            update(continued + number, total)
    kept = {split: [i for i in range(len(samples[split])) if (split, i) in done] for split in samples}
    bad.sort()
    if bad and not (skip_bad and all(kept.values())):
        shutil.rmtree(folder)
        raise _complaint(Path(data.source), bad, kept)
    with writing(out):
        finished = partial.finished(kept)
        write_json(finished / MANIFEST, _manifest(data, raw, kept, done, bad))
        # Before the store is in its place: the record counts only together with that very manifest.
        record = {"key": key, "manifest": sha256_file(finished / MANIFEST)}
        write_json(folder.parent / "finished.json", record)
        put_folder(finished, out)
    return continued


def _manifest(
    data: DataSettings,
    raw: RawData,
    kept: dict[str, list[int]],
    done: dict[tuple[str, int], Done],
    bad: list[BadFile],
) -> dict[str, Any]:
    """What the store is and was made of; the same for the same raw files and settings, on any machine."""
    sizes = {"train": data.load_size, "val": data.size}
    return {
        "format": FORMAT,
        "dataset": data.dataset,
        "fit": data.fit,
        "instances": data.instances,
        "class_table": raw.table.to_dict(),
        "skipped": [{"file": file.name, "problem": file.problem} for file in bad],
        "splits": {
            split: {
                "count": len(indices),
                "size": list(sizes[split]),
                "samples": [_sample_entry(raw, split, index, done[split, index]) for index in indices],
            }
            for split, indices in kept.items()
        },
    }


def _sample_entry(raw: RawData, split: str, index: int, done: Done) -> dict[str, Any]:
    sample = raw.splits[split].samples[index]
    return {
        "name": sample.name,
        "image": sample.image.name,
        "labels": sample.labels.name,
        "instances": None if sample.instances is None else sample.instances.name,
        "source_size": list(done.source_size),
        "sha256": done.sha256,
    }


def _complaint(source: Path, bad: list[BadFile], kept: dict[str, list[int]]) -> DataError:
    empty = [split for split, indices in kept.items() if not indices]
    advice = "put right" if empty else "put right, or left out with --skip-bad"
    if len(bad) == 1:
        folder = source if source.is_dir() else source.parent
        return DataError(f"{folder / bad[0].problem}; it must be {advice}")
    rest = f"; nothing is left to use for {' and '.join(empty)}" if empty else ""
    head = f"{source}: {len(bad)} files cannot be used and must be {advice}{rest}:"
    return DataError(head, *(file.problem for file in bad))


def _report(store: PreparedStore, *, verified: bool, continued: int, damage: str) -> Report:
    notes = [damage] if damage else []
    splits = store.manifest["splits"]
    stretched = total = 0
    for split in splits.values():
        for sample in split["samples"]:
            total += 1
            stretched += changes_aspect(sample["source_size"], split["size"])
    if stretched and store.manifest["fit"] == "stretch":
        notes.append(
            f"stretching changed width : height by more than a tenth for {stretched} of {total} photos; "
            "data.fit crop or pad would keep it"
        )
    counts = {name: len(store.split(name)) for name in splits}
    return Report(store.path, counts, _skipped(store), verified, continued, tuple(notes))


def _skipped(store: PreparedStore) -> tuple[BadFile, ...]:
    return tuple(BadFile(entry["file"], entry["problem"]) for entry in store.manifest["skipped"])


def _damage(store: PreparedStore, update: Update) -> str:
    """Compares all samples with their checksums; a sentence about the first that differs, or nothing."""
    number, total = 0, sum(len(store.split(name)) for name in store.manifest["splits"])
    for name, entry in store.manifest["splits"].items():
        split = store.split(name)
        for index, sample in enumerate(entry["samples"]):
            try:
                found = sample_digest(split.image(index), split.labels(index), split.instances(index))
            except DataError:  # labels that no class has
                found = ""
            if found != sample["sha256"]:
                return f"{store.path}: was damaged ({name} sample {sample['name']}) and has been made anew"
            number += 1
            update(number, total)
    return ""


def _key(data: DataSettings) -> str:
    """Names partial work: a hash of everything that decides the store."""
    content = {
        "format": FORMAT,
        "code": code_checksum(*_CODE),
        "data": plain(data),
        "raw": raw_list(data),
    }
    del content["data"]["flip"]  # decides nothing here
    del content["data"]["source"]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _finished_store(out: Path, work: Path, key: str) -> PreparedStore | None:
    """The store at `out`, if it is the one that was finished last and was made of the same."""
    record = work / "finished.json"
    if not (record.is_file() and (out / MANIFEST).is_file()):
        return None
    finished = read_json(record, OutputError, f"remove {work}")
    if finished != {"key": key, "manifest": sha256_file(out / MANIFEST)}:
        return None
    try:
        return open_store(out)
    except DataError:  # damaged beyond verifying: made anew
        return None


@contextlib.contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """Yields the folder beside `out`; it may not be there, and is not if it is empty in the end."""
    whole = Path(os.path.abspath(out))  # noqa: PTH100 - a link stays a link
    work = whole.with_name(f".{whole.name}.work")
    refuse_file(work)  # a link may be a stranger's, and unfinished work there is removed
    try:
        yield work
    finally:
        with contextlib.suppress(OSError):
            work.rmdir()


def _clean(work: Path) -> None:
    """Removes unfinished work, of other settings too."""
    for left in work.glob("partial-*"):
        shutil.rmtree(left, ignore_errors=True)
