"""Compares synthesized photos with the validation split of a prepared store, and writes the results."""

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import torch

from ccfpse.config import Settings
from ccfpse.evaluation import outputs
from ccfpse.evaluation.diversity import Compared, measure_diversity
from ccfpse.evaluation.figures import describe, loss_network_entry, style_sentence
from ccfpse.evaluation.inception import missing_sentence
from ccfpse.evaluation.inputs import Inputs, Places, open_inputs, records_folder
from ccfpse.evaluation.measure import measure
from ccfpse.evaluation.metrics import (
    OWN,
    SHUFFLED,
    Drawn,
    as_dict,
    distances,
    score,
    similarity,
)
from ccfpse.evaluation.photos import PhotoSet
from ccfpse.evaluation.reading import Reading
from ccfpse.evaluation.records import Records
from ccfpse.evaluation.truths import Truth
from ccfpse.evaluation.versions import versions
from ccfpse.files import adding, refuse_file, sha256_file, write_json
from ccfpse.lockfile import empty_around, held_lock
from ccfpse.outputlock import output_lock
from ccfpse.segmentation import Progress

METRICS = "metrics.json"


@dataclasses.dataclass(frozen=True, slots=True)
class _Measured:
    """Records of the sets of photos."""

    synthesized: Records
    real: Records
    reference: Records


def evaluate(
    settings: Settings,
    places: Places,
    device: torch.device,
    progress: Progress,
    *,
    trust_program: bool = False,
) -> dict[str, Any]:
    """Writes `metrics.json` and the files named in `outputs` to `places.out`.

    What is measured of the photos lies in the cache until all of it is written, so that an interrupted
    evaluation goes on; that of the real photos stays there, for the next model.

    Args:
        settings: its section `evaluate`, and the style of the photos.
        places: what is read and written.
        device: where networks run.
        progress: called with (photos done, photos).
        trust_program: run the segmenter's code where it is a program.

    Returns:
        What `metrics.json` holds.

    Raises:
        DataError: the store or photos are missing, damaged or of different sizes.
        ModelFileError: a network is missing, damaged or for other classes.
        SettingsError: the protocol is for other data.
        OutputError: the results cannot be written, or another command writes them or measures the photos.
    """
    style = None if places.model is None else settings.synthesize.style
    places = dataclasses.replace(places, out=places.out.resolve())
    refuse_file(places.out)
    with output_lock(places.out):
        inputs = open_inputs(settings, places, device, trust_program)
        partial = records_folder(inputs, "synthesized", str(style))
        with held_lock(partial / "lock", f"{places.synthesized}: its evaluation"):
            metrics = _evaluate(settings, places, inputs, partial, style, progress)
            with contextlib.suppress(OSError):
                empty_around(partial / "lock")
        with contextlib.suppress(OSError):
            partial.rmdir()
    return metrics


def _evaluate(
    settings: Settings,
    places: Places,
    inputs: Inputs,
    partial: Path,
    style: str | None,
    progress: Progress,
) -> dict[str, Any]:
    measured = _measure(settings, inputs, partial, style == "own", progress)
    metrics, drawn = _figures(inputs, measured)
    metrics["intervals"] |= _add_diversity(settings, inputs, partial / "diversity", metrics, progress)
    metrics = {
        "protocol": inputs.reading.name,
        "photos": len(inputs.split),
        "reference_photos": len(inputs.reference),
        "height": inputs.split.size[0],
        "width": inputs.split.size[1],
        "style": style,
        "style_of_the_photos_themselves": style == "own",
        **metrics,
    }
    metrics |= _about(settings, places, inputs, metrics, style)
    with adding(places.out) as folder:
        _write(settings, folder, inputs, measured, metrics, drawn)
    return metrics


def _measure(
    settings: Settings, inputs: Inputs, partial: Path, paired: bool, progress: Progress
) -> _Measured:
    """Fills the records of all sets, with one bar for them together."""
    shift = len(inputs.split) // 2  # neighbours in a video have nearly the same labels
    own = {OWN: Truth(inputs.split, inputs.full)}
    others = {SHUFFLED: Truth(inputs.split, inputs.full, shift)} if shift else {}
    sets: list[tuple[PhotoSet, dict[str, Truth], Path, PhotoSet | None]] = [
        (inputs.real, own, records_folder(inputs, "real"), None),
        (inputs.synthesized, own | others, partial, inputs.real if paired else None),
    ]
    if settings.evaluate.reference != "val":
        sets.append((inputs.reference, {}, records_folder(inputs, "reference", "features"), None))
    total = sum(len(photos) for photos, *_ in sets)
    before = 0
    found = []
    for photos, truths, folder, pairs in sets:
        records = Records(folder, len(photos))

        def onward(done: int, _of: int, before: int = before) -> None:
            inputs.release()
            progress(before + done, total)

        measure(
            photos,
            truths,
            inputs.networks,
            records,
            pairs=pairs,
            batch=settings.runtime.inference_batch,
            progress=onward,
        )
        before += len(photos)
        found.append(records)
    return _Measured(synthesized=found[1], real=found[0], reference=found[-1] if len(found) > 2 else found[0])


def _figures(inputs: Inputs, measured: _Measured) -> tuple[dict[str, Any], Drawn]:
    reading = inputs.reading
    main, drawn_scores = _scores(measured, reading)
    missing = missing_sentence(inputs.weights)
    to_reference, drawn_distances = distances(measured.synthesized, measured.reference, missing)
    metrics = main | to_reference | {"intervals": main["intervals"] | to_reference["intervals"]}
    metrics |= similarity(measured.synthesized)
    judge = inputs.networks.readings[0]
    if judge is not reading:
        metrics["judge"] = _scores(measured, judge)[0]
    return metrics, Drawn(drawn_scores, drawn_distances)


def _scores(measured: _Measured, reading: Reading) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of synthesized photos, and below them those of the real ones and of shuffled labels."""
    has_others = any(name.startswith(SHUFFLED) for name in measured.synthesized.names())
    sets = {"real": (measured.real, OWN), SHUFFLED: (measured.synthesized, SHUFFLED)}
    metrics, drawn = score(measured.synthesized, OWN, reading)
    for name, (records, truth) in sets.items():
        metrics[name] = score(records, truth, reading)[0] if truth == OWN or has_others else None
    return metrics, drawn


def _add_diversity(
    settings: Settings, inputs: Inputs, folder: Path, metrics: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    """Adds the figure to the metrics, or why there is none; returns its interval."""
    if inputs.diversity is None:
        return {}
    if isinstance(inputs.diversity, str):
        metrics |= {"lpips_diversity": None, "lpips_diversity_missing": inputs.diversity}
        return {}
    n = min(settings.evaluate.diversity_layouts, len(inputs.split))
    styles = settings.evaluate.diversity_styles
    files = (inputs.diversity.weights, inputs.diversity.model_file)
    records = Records(folder / "-".join([str(n), str(styles), *map(sha256_file, files)]), n)
    found = measure_diversity(inputs.diversity, inputs.split, records, styles=styles, progress=progress)
    metrics["lpips_diversity"] = found.lpips
    metrics["lpips_diversity_of"] = {"layouts": found.layouts, "styles": found.styles}
    return {} if found.interval is None else {"lpips_diversity": as_dict(found.interval)}


def _about(
    settings: Settings, places: Places, inputs: Inputs, metrics: dict[str, Any], style: str | None
) -> dict[str, Any]:
    """What the figures are, and what they depend on."""
    judged = metrics.get("judge", metrics)
    return {
        "judge_floor": settings.evaluate.judge_floor,
        "judge_too_weak": judged["real"]["miou"] < settings.evaluate.judge_floor,
        "about_style": style_sentence(style),
        "figures": describe(inputs, metrics, settings.evaluate),
        "sources": _sources(settings, places, inputs),
        "versions": versions(),
    }


def _sources(settings: Settings, places: Places, inputs: Inputs) -> list[dict[str, Any]]:
    """Data and networks the figures depend on, with checksums. A list: DVC shows no lists as metrics."""
    digests, chosen = inputs.digests, settings.evaluate
    entries: list[dict[str, Any]] = [
        {"role": "prepared data", "name": inputs.store.name, "sha256": inputs.store.checksum},
        {"role": "photos", "name": places.synthesized.name, "sha256": digests["synthesized"]},
        {"role": "reference", "name": Path(chosen.reference).name, "sha256": digests["reference"]},
    ]
    if chosen.labels is not None:
        labels = Path(chosen.labels).name
        entries.append({"role": "label maps", "name": labels, "sha256": inputs.full_checksum})
    entries += [{"role": reading.name, **reading.record} for reading in inputs.networks.readings]
    if places.model is not None:
        entries.append(loss_network_entry(places.model))
        if places.model.is_file():
            entries.append(_entry("model", places.model))
    if inputs.networks.inception is not None:
        entries.append(_entry("fid", inputs.weights))
    if isinstance(inputs.diversity, Compared):
        entries.append(_entry("lpips", inputs.diversity.weights))
    return entries


def _entry(role: str, file: Path) -> dict[str, Any]:
    return {"role": role, "name": file.name, "sha256": sha256_file(file)}


def _write(
    settings: Settings,
    out: Path,
    inputs: Inputs,
    measured: _Measured,
    metrics: dict[str, Any],
    drawn: Drawn,
) -> None:
    split, synthesized, reading = inputs.split, inputs.synthesized, inputs.reading
    rows = settings.evaluate.pictures
    outputs.write_iou(out / outputs.IOU, metrics)
    outputs.write_images(out / outputs.IMAGES, split.names, measured.synthesized, measured.real, reading)
    outputs.write_confusion(out / outputs.CONFUSION, measured.synthesized, reading)
    outputs.write_pictures(out / outputs.PICTURES, split, synthesized, reading, rows)
    outputs.write_extremes(
        out / outputs.EXTREMES, split, synthesized, measured.synthesized, reading, rows // 2
    )
    outputs.write_drawn(
        out / outputs.DRAWN, drawn, f"{inputs.store.checksum} {reading.name} {inputs.full_checksum}"
    )
    write_json(out / METRICS, metrics)
