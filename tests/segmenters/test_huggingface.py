"""Checkpoints of `transformers`, tiny and random, written here and read from their folders."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ccfpse.classfiles import load_class_table
from ccfpse.errors import ModelFileError, SettingsError
from ccfpse.files import sha256_file
from ccfpse.segmenters.huggingface import HuggingFaceSegmenter
from ccfpse.segmenters.mapping import map_classes

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

CPU = torch.device("cpu")
NAMES = ("wall", "building", "sky", "bed ", "television receiver")
TINY = {
    "num_encoder_blocks": 2,
    "depths": [1, 1],
    "sr_ratios": [2, 1],
    "hidden_sizes": [8, 16],
    "patch_sizes": [7, 3],
    "strides": [4, 2],
    "num_attention_heads": [1, 2],
    "mlp_ratios": [2, 2],
    "decoder_hidden_size": 8,
}


def tiny_network(names: tuple[str, ...] = NAMES) -> Any:
    torch.manual_seed(0)
    labels = dict(enumerate(names))
    config = transformers.SegformerConfig(**TINY, id2label=labels, label2id={n: i for i, n in labels.items()})
    network = transformers.SegformerForSemanticSegmentation(config).eval()
    network.decode_head.classifier.weight.data *= 1000  # or all logits are nearly zero
    return network


def processor(**options: Any) -> Any:
    size = {"height": 32, "width": 32}
    return transformers.SegformerImageProcessor(size=size, do_reduce_labels=True, **options)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "segformer"
    tiny_network().save_pretrained(folder, safe_serialization=True)
    processor().save_pretrained(folder)
    return folder


@pytest.fixture
def pixels() -> Tensor:
    torch.manual_seed(1)
    return torch.randint(256, (2, 3, 40, 56), dtype=torch.uint8)


def test_logits_are_those_of_the_network_at_the_photos_size(checkpoint: Path, pixels: Tensor) -> None:
    segmenter = HuggingFaceSegmenter(str(checkpoint), CPU)
    images = [photo.permute(1, 2, 0).numpy() for photo in pixels]
    prepare = transformers.AutoImageProcessor.from_pretrained(checkpoint)
    inputs = prepare(images=images, return_tensors="pt")["pixel_values"]
    assert inputs.shape == (2, 3, 32, 32)
    with torch.no_grad():
        logits = tiny_network()(pixel_values=inputs).logits
    expected = torch.nn.functional.interpolate(logits, (40, 56), mode="bilinear", align_corners=False)
    found = segmenter.scores(pixels)
    assert found.std() > 0.01
    torch.testing.assert_close(found, expected)
    ids = segmenter.read(pixels)
    assert ids.dtype == torch.int64
    assert torch.equal(ids, found.argmax(dim=1))


def test_classes_come_from_the_configuration_and_find_the_data_sets(checkpoint: Path) -> None:
    segmenter = HuggingFaceSegmenter(str(checkpoint), CPU)
    assert segmenter.class_names == NAMES
    assert map_classes(segmenter.class_names, load_class_table("ade20k")).lookup.tolist() == [0, 1, 2, 7, 89]


def test_the_files_that_decide_are_named_with_their_checksums(checkpoint: Path) -> None:
    found = {file.name: file.sha256 for file in HuggingFaceSegmenter(str(checkpoint), CPU).files}
    names = ("config.json", "model.safetensors", "preprocessor_config.json")
    assert found == {name: sha256_file(checkpoint / name) for name in names}


def test_weights_in_pickle_alone_are_refused(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    torch.save(tiny_network().state_dict(), checkpoint / "pytorch_model.bin")
    with pytest.raises(ModelFileError, match="per class and pixel in safetensors"):
        HuggingFaceSegmenter(str(checkpoint), CPU)


def test_a_network_without_its_classifier_is_refused(checkpoint: Path) -> None:
    tiny_network().segformer.save_pretrained(checkpoint, safe_serialization=True)
    with pytest.raises(ModelFileError, match=r"lacks weights of the network, decode_head\."):
        HuggingFaceSegmenter(str(checkpoint), CPU)


def test_code_in_a_checkpoint_is_not_run(checkpoint: Path, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    (checkpoint / "evil.py").write_text(f"open({str(touched)!r}, 'w')\n")
    config = json.loads((checkpoint / "config.json").read_text())
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoConfig": "evil.C", "AutoModelForSemanticSegmentation": "evil.M"},
    }
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFileError, match="is not a checkpoint of one score per class"):
        HuggingFaceSegmenter(str(checkpoint), CPU)
    assert not touched.exists()


def test_networks_that_segment_by_masks_are_refused(tmp_path: Path) -> None:
    transformers.MaskFormerConfig().save_pretrained(tmp_path)
    with pytest.raises(
        ModelFileError, match="is not a checkpoint of one score per class and pixel"
    ) as caught:
        HuggingFaceSegmenter(str(tmp_path), CPU)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_without_its_processor_is_refused(checkpoint: Path) -> None:
    (checkpoint / "preprocessor_config.json").unlink()
    with pytest.raises(ModelFileError, match=r"add the checkpoint's preprocessor_config\.json"):
        HuggingFaceSegmenter(str(checkpoint), CPU)


@pytest.mark.parametrize("step", ["do_center_crop", "do_pad"])
def test_a_processor_that_crops_or_pads_is_refused(step: str, checkpoint: Path) -> None:
    path = checkpoint / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {step: True}))
    with pytest.raises(ModelFileError, match=f"its processor has {step}"):
        HuggingFaceSegmenter(str(checkpoint), CPU)


def test_what_is_no_folder_and_cannot_be_fetched_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for source in ("nobody/no-such-network", "outputs/no/such/folder"):
        with pytest.raises(ModelFileError, match=f"{source}: is neither a folder here nor a checkpoint"):
            HuggingFaceSegmenter(source, CPU)


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(SettingsError, match=r"pip install 'ccfpse\[segmenters\]'"):
        HuggingFaceSegmenter("nobody/no-such-network", CPU)
