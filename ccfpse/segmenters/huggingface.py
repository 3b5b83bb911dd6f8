"""Any checkpoint for semantic segmentation of the Hugging Face library `transformers`.

A local folder is read as it is; anything else is taken for a name on the hub and fetched. Weights come
from safetensors alone, and code out of a checkpoint is never run.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.errors import ModelFileError, SettingsError
from ccfpse.segmenters.segmenter import Segmenter

_FILES = ("*.json", "*.safetensors")
# With these a processor shows the network another part of the plane than the photo.
_MOVING_STEPS = ("do_center_crop", "do_pad")


class HuggingFaceSegmenter(Segmenter):
    """Reads photos into the classes of a checkpoint (`id2label` of its configuration).

    The checkpoint's own processor resizes and normalises the photos; logits are enlarged bilinearly
    to the photo's size.

    Args:
        source: folder written by `save_pretrained`, or a name on the hub, such as
            "nvidia/segformer-b5-finetuned-ade-640-640".
        device: where it runs.

    Raises:
        SettingsError: `transformers` is not installed.
        ModelFileError: nothing of that name, no such checkpoint or a damaged one, one without its classifier,
            one that segments by masks (Mask2Former, ...), or whose processor crops or pads.
    """

    def __init__(self, source: str, device: torch.device) -> None:
        transformers = _transformers()
        folder = _fetched(source)
        model = _model(transformers, source, folder)
        self._processor = _processor(transformers, source, folder)
        names = [str(model.config.id2label[i]) for i in range(model.config.num_labels)]
        files = sorted(path for pattern in _FILES for path in folder.glob(pattern))
        super().__init__(f"{type(model).__name__} {Path(source).name}", names, files, device)
        self._model = model.eval().requires_grad_(False).to(device)

    def scores(self, pixels: Tensor) -> Tensor:
        """Logits (B, K, H, W)."""
        photos = [np.asarray(photo) for photo in pixels.permute(0, 2, 3, 1).cpu().numpy()]
        inputs = self._processor(images=photos, return_tensors="pt", input_data_format="channels_last")
        logits: Tensor = self._model(pixel_values=inputs["pixel_values"].to(self.device)).logits
        return F.interpolate(logits, pixels.shape[2:], mode="bilinear", align_corners=False)


def _transformers() -> ModuleType:
    try:
        import transformers
    except ImportError as error:
        raise SettingsError(
            "Hugging Face's segmenters need the package transformers; run pip install 'ccfpse[segmenters]'"
        ) from error
    module: ModuleType = transformers
    return module


def _fetched(source: str) -> Path:
    """The folder of a checkpoint on this machine."""
    if (folder := Path(source)).is_dir():
        return folder
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(source, allow_patterns=list(_FILES)))
    except (OSError, ValueError) as error:  # no such name or folder, no network, not allowed
        raise ModelFileError(
            f"{source}: is neither a folder here nor a checkpoint that the Hugging Face hub gives "
            f"({type(error).__name__}); give a folder of save_pretrained, or a name such as owner/model"
        ) from error


def _model(transformers: ModuleType, source: str, folder: Path) -> Any:
    try:
        model, loading = transformers.AutoModelForSemanticSegmentation.from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    except Exception as error:  # a checkpoint can be wrong in as many ways as there are architectures
        raise ModelFileError(
            f"{source}: is not a checkpoint of one score per class and pixel in safetensors, or is damaged "
            f"({_first_line(error)}); give one of transformers' AutoModelForSemanticSegmentation"
        ) from error
    wrong = sorted(map(str, (*loading["missing_keys"], *loading["mismatched_keys"])))
    if wrong:  # would be drawn at random, with no more than a warning
        raise ModelFileError(
            f"{source}: lacks weights of the network, {wrong[0]} first of {len(wrong)}; "
            "give a checkpoint that was trained for segmentation"
        )
    return model


def _processor(transformers: ModuleType, source: str, folder: Path) -> Any:
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # likewise
        raise ModelFileError(
            f"{source}: says not how photos are to be prepared ({_first_line(error)}); "
            "add the checkpoint's preprocessor_config.json"
        ) from error
    for step in _MOVING_STEPS:
        if getattr(processor, step, None):
            raise ModelFileError(
                f"{source}: its processor has {step}, so that scores are not those of the photo's pixels; "
                "give a checkpoint whose processor only resizes"
            )
    return processor


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
