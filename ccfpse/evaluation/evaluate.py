"""Compares synthesized photos with the validation split of a prepared store, and writes the results."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import torch

from ccfpse.config import Settings
from ccfpse.evaluation import diversity, outputs
from ccfpse.evaluation.figures import describe, loss_network_entry, style_sentence, versions
from ccfpse.evaluation.inception import missing_sentence
from ccfpse.evaluation.inputs import Inputs, Places, cached_folder, open_inputs, partial_folder
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
from ccfpse.files import sha256_file, write_json
from ccfpse.model import Model
from ccfpse.modelfile import load_model
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

    What was measured of the photos is kept beside it until all of it is written, so that an interrupted
    evaluation goes on; that of the real photos stays in the cache, for the next model.

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
        OutputError: the results cannot be written.
    """
    style = None if places.model is None else settings.synthesize.style
    inputs = open_inputs(settings, places, device, trust_program)
    partial = partial_folder(inputs, places.out, paired=style == "own")
    measured = _measure(settings, inputs, partial, style == "own", progress)
    metrics, drawn = _figures(inputs, measured)
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
    metrics |= _diversity(settings, places, inputs, progress)
    metrics |= _about(settings, places, inputs, metrics, style)
    _write(settings, places.out, inputs, measured, metrics, drawn)
    shutil.rmtree(partial, ignore_errors=True)
    return metrics


def _measure(
    settings: Settings, inputs: Inputs, partial: Path, paired: bool, progress: Progress
) -> _Measured:
    """Fills the records of all sets, with one bar for them together."""
    shift = len(inputs.split) // 2  # neighbours in a video have nearly the same labels
    own = {OWN: Truth(inputs.split, inputs.full)}
    others = {SHUFFLED: Truth(inputs.split, inputs.full, shift)} if shift else {}
    sets: list[tuple[PhotoSet, dict[str, Truth], Path, PhotoSet | None]] = [
        (inputs.real, own, cached_folder(inputs, inputs.real, has_truth=True), None),
        (inputs.synthesized, own | others, partial, inputs.real if paired else None),
    ]
    if settings.evaluate.reference != "val":
        sets.append((inputs.reference, {}, cached_folder(inputs, inputs.reference, has_truth=False), None))
    total = sum(len(photos) for photos, *_ in sets)
    before = 0
    found = []
    for photos, truths, folder, pairs in sets:
        records = Records(folder, len(photos))

        def onward(done: int, _of: int, before: int = before) -> None:
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


def _diversity(settings: Settings, places: Places, inputs: Inputs, progress: Progress) -> dict[str, Any]:
    chosen = settings.evaluate
    if chosen.diversity_styles == 0:
        return {}
    weights = diversity.lpips_path(chosen.lpips)
    model = _model(places, inputs.device)
    reason = diversity.why_none(model, weights)
    if reason is not None or model is None:
        return {"lpips_diversity": None, "lpips_diversity_missing": reason}
    found = diversity.measure_diversity(
        model,
        inputs.split,
        diversity.load_lpips(weights, inputs.device),
        layouts=chosen.diversity_layouts,
        styles=chosen.diversity_styles,
        progress=progress,
    )
    return {
        "lpips_diversity": found.lpips,
        "lpips_diversity_interval": None if found.interval is None else as_dict(found.interval),
        "lpips_diversity_layouts": found.layouts,
        "lpips_diversity_styles": found.styles,
    }


def _model(places: Places, device: torch.device) -> Model | None:
    if places.model is None or not places.model.is_file():
        return None
    return Model(load_model(places.model), name=str(places.model), device=str(device))


def _about(
    settings: Settings, places: Places, inputs: Inputs, metrics: dict[str, Any], style: str | None
) -> dict[str, Any]:
    """What the figures are, and what they depend on."""
    height, width = inputs.split.size
    judged = metrics.get("judge", metrics)
    n, size = len(inputs.split), f"{width}x{height}"
    inception = inputs.networks.inception and _entry("fid", inputs.weights.name, inputs.weights)
    return {
        "judge_floor": settings.evaluate.judge_floor,
        "judge_too_weak": judged["real"]["miou"] < settings.evaluate.judge_floor,
        "about_style": style_sentence(style),
        "figures": describe(
            inputs.networks.readings,
            metrics,
            photos=f"{n} synthesized from the validation layouts, {size}",
            reference=f"{settings.evaluate.reference}: {len(inputs.reference)} photos of {inputs.store.name}"
            f", {size}",
            inception=inception or None,
            labels=f"validation label maps of {settings.evaluate.labels or inputs.store.name}",
        ),
        "sources": _sources(places, inputs),
        "versions": versions(),
    }


def _sources(places: Places, inputs: Inputs) -> list[dict[str, Any]]:
    """Data and networks the figures depend on, with checksums. A list: DVC shows no lists as metrics."""
    entries: list[dict[str, Any]] = [
        {"role": "prepared data", "name": inputs.store.name, "sha256": inputs.store.checksum},
        {"role": "photos", "name": places.synthesized.name, "sha256": inputs.synthesized.digest()},
    ]
    entries += [{"role": reading.name, **reading.record} for reading in inputs.networks.readings]
    if places.model is not None:
        entries.append(loss_network_entry(places.model))
        if places.model.is_file():
            entries.append(_entry("model", places.model.name, places.model))
    if inputs.networks.inception is not None:
        entries.append(_entry("fid", inputs.weights.name, inputs.weights))
    return entries


def _entry(role: str, name: str, file: Path) -> dict[str, Any]:
    return {"role": role, "name": name, "sha256": sha256_file(file)}


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
    outputs.write_drawn(out / outputs.DRAWN, drawn, f"{inputs.store.checksum} {reading.name}")
    write_json(out / METRICS, metrics)
