"""What every figure of `metrics.json` is: how, over how many photos, against what, by which network."""

from pathlib import Path
from typing import Any

from ccfpse.evaluation import edges, intervals
from ccfpse.evaluation.diversity import Compared
from ccfpse.evaluation.inputs import Inputs
from ccfpse.evaluation.metrics import FRECHET, KID
from ccfpse.evaluation.reading import Reading
from ccfpse.files import sha256_file
from ccfpse.modelfile import load_model
from ccfpse.sections import EvaluateSettings

_STYLES: dict[str | None, str] = {
    None: "not known, the photos are not the pipeline's",
    "prior": "drawn from the prior, by seed and name",
    "mean": "the zero vector",
    "own": "that of the real photo itself, which tells the network something about the answer",
}
_RESIZES = {
    "frechet_judge_features": "Fréchet distance in the judge's features, averaged over the photo; comparable "
    "under one judge only.",
    "fid": "Fréchet distance in pytorch-fid's Inception features (pool3), photos resized to 299x299 as "
    "pytorch-fid does (bilinear, without a low-pass filter).",
    "fid_clean_resize": "The same network, photos resized to 299x299 by Pillow's bicubic filter without "
    "rounding, as clean-fid does; not comparable with fid.",
    KID: "Kernel distance in the features of fid: unbiased squared maximum mean discrepancy, kernel "
    "(x·y/2048 + 1)³, of all photos; kid_subset_deviation is its deviation over the subsets.",
}
_BORDERS = (
    "Shares of the layouts' border pixels (between classes; between instances of one class) that have an "
    "edge of the photo near by."
)
_DIVERSITY = (
    "Mean LPIPS (version 0.1, AlexNet) over all pairs of photos of a layout, then over layouts. Interval: "
    "95 %, percentiles of 1000 resamples of the layouts."
)
_SIMILARITY = (
    "Mean over the pairs of real and synthesized photo (scikit-image, 7x7 windows, all channels; psnr "
    "without pairs that are equal), since the style was the photo's own."
)


def style_sentence(style: str | None) -> str:
    """Where the photos' style came from; None: not known."""
    return f"Style: {_STYLES[style]}."


def describe(inputs: Inputs, metrics: dict[str, Any], chosen: EvaluateSettings) -> list[dict[str, Any]]:
    """One record for every group of figures. A list: DVC shows no lists as metrics.

    Args:
        inputs: photos, label maps and networks.
        metrics: what `metrics.json` holds so far.
        chosen: names the reference photos and the label maps.
    """
    height, width = inputs.split.size
    size = f"{width}x{height}"
    photos = f"{len(inputs.split)} synthesized from the validation layouts, {size}"
    own = f"validation label maps of {inputs.store.name}"
    judge, chosen_reading = inputs.networks.readings[0], inputs.reading
    records = []
    for reading in inputs.networks.readings:
        other = chosen.labels is not None and reading is chosen_reading and reading is not judge
        labels = f"validation label maps of the store {Path(str(chosen.labels)).name}" if other else own
        records.append(_scores(reading, photos, labels))
    records += _distances(inputs, metrics, photos, chosen.reference)
    of_borders = ["boundary_agreement", "instance_separation"]
    records.append(_record(of_borders, f"{_BORDERS} {edges.PROTOCOL} {intervals.BOOTSTRAP}", photos, own))
    if isinstance(inputs.diversity, Compared):
        of = metrics["lpips_diversity_of"]
        what = f"{of['layouts']} layouts in {of['styles']} styles of the prior each. {_DIVERSITY}"
        weights = inputs.diversity.weights
        network = {"name": f"AlexNet, {weights.name}", "sha256": sha256_file(weights)}
        records.append(_record(["lpips_diversity"], what, photos, "each other", network))
    if "ssim" in metrics:
        records.append(_record(["ssim", "psnr"], _SIMILARITY, photos, "the real photos, pair by pair"))
    return records


def _scores(reading: Reading, photos: str, labels: str) -> dict[str, Any]:
    figures = ["miou", "accuracy", "accuracy_void_counted", "iou"]
    what = f"{reading.protocol.rules} {intervals.BOOTSTRAP} IoU of single classes has none."
    record = _record(figures, what, photos, labels, reading.record)
    return record | {"protocol": reading.name, "source": reading.protocol.source}


def _distances(inputs: Inputs, metrics: dict[str, Any], photos: str, reference: str) -> list[dict[str, Any]]:
    height, width = inputs.split.size
    whose = f" of {inputs.store.name}" if reference in ("val", "train") else ""
    to = f"{Path(reference).name}: {len(inputs.reference)} photos{whose}, {width}x{height}"
    inception = {"name": inputs.weights.name}
    if inputs.networks.inception is not None:
        inception["sha256"] = sha256_file(inputs.weights)
    records = []
    for name in (*FRECHET, KID):
        if metrics.get(name) is not None:
            judged = name == "frechet_judge_features"
            network = inputs.networks.readings[0].record if judged else inception
            record = _record([name], f"{_RESIZES[name]} {intervals.JACKKNIFE}", photos, to, network)
            records.append(record | {"reference_sha256": inputs.digests["reference"]})
    return records


def _record(
    figures: list[str], what: str, photos: str, reference: str, network: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "figures": figures,
        "what": what,
        "photos": photos,
        "reference": reference,
        "network": network,
    }


def loss_network_entry(model: Path) -> dict[str, Any]:
    """Name and checksum of the network that training compared features through, out of the model file."""
    if not model.is_file():
        return {"role": "loss", "name": f"unknown: {model} is not there", "sha256": None}
    record = load_model(model).provenance.get("loss_network")
    if not isinstance(record, dict) or "name" not in record:
        return {"role": "loss", "name": f"unknown: {model} does not say", "sha256": None}
    return {"role": "loss", "name": record["name"], "sha256": record.get("sha256")}
