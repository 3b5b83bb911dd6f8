"""What every figure of `metrics.json` is: how, over how many photos, against what, by which network."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ccfpse.evaluation import edges, intervals
from ccfpse.evaluation.metrics import FRECHET, KID
from ccfpse.evaluation.reading import Reading
from ccfpse.modelfile import load_model

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
_PACKAGES = ("ccfpse", "torch", "torchvision", "pytorch-fid", "numpy", "scipy", "scikit-image", "pillow")


def style_sentence(style: str | None) -> str:
    """Where the photos' style came from; None: not known."""
    return f"Style: {_STYLES[style]}."


def describe(
    readings: tuple[Reading, ...],
    metrics: dict[str, Any],
    *,
    photos: str,
    reference: str,
    inception: dict[str, Any] | None,
    labels: str,
) -> list[dict[str, Any]]:
    """One record for every group of figures. A list: DVC shows no lists as metrics.

    Args:
        readings: that the scores are by.
        metrics: what `metrics.json` holds so far.
        photos: how many of which size.
        reference: the set that distances are taken to.
        inception: name and checksum of its weights; None: not there.
        labels: where the label maps are from.
    """
    records: list[dict[str, Any]] = [
        {
            "figures": ["miou", "accuracy", "accuracy_void_counted", "iou"],
            "protocol": reading.name,
            "what": f"{reading.protocol.rules} {intervals.BOOTSTRAP}",
            "source": reading.protocol.source,
            "photos": photos,
            "reference": labels,
            "network": reading.record,
        }
        for reading in readings
    ]
    for name in (*FRECHET, KID):
        if metrics.get(name) is not None:
            judged = name == "frechet_judge_features"
            records.append(
                {
                    "figures": [name],
                    "what": f"{_RESIZES[name]} {intervals.JACKKNIFE}",
                    "photos": photos,
                    "reference": reference,
                    "network": readings[0].record if judged else inception,
                }
            )
    records.append(
        {
            "figures": ["boundary_agreement", "instance_separation"],
            "what": "Shares of the layouts' border pixels (between classes; between instances of one class) "
            f"that have an edge of the photo near by. {edges.PROTOCOL}",
            "photos": photos,
            "reference": labels,
            "network": None,
        }
    )
    if "ssim" in metrics:
        records.append(
            {
                "figures": ["ssim", "psnr"],
                "what": "Mean over the pairs of real and synthesized photo (scikit-image, 7x7 windows, all "
                "channels; psnr without pairs that are equal), since the style was the photo's own.",
                "photos": photos,
                "reference": reference,
                "network": None,
            }
        )
    return records


def versions() -> list[str]:
    """Packages that figures depend on, with their versions."""
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue  # run from a source tree without installation
    return found


def loss_network_entry(model: Path) -> dict[str, Any]:
    """Name and checksum of the network that training compared features through, out of the model file."""
    if not model.is_file():
        return {"role": "loss", "name": f"unknown: {model} is not there", "sha256": None}
    record = load_model(model).provenance.get("loss_network")
    if not isinstance(record, dict) or "name" not in record:
        return {"role": "loss", "name": f"unknown: {model} does not say", "sha256": None}
    return {"role": "loss", "name": record["name"], "sha256": record.get("sha256")}
