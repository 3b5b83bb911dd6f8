"""A fixed strip of validation layouts, synthesized again and again: collapse shows early."""

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from ccfpse.files import replacing
from ccfpse.judge import Judge
from ccfpse.layout import make_layout
from ccfpse.models import Generator
from ccfpse.pictures import encoded
from ccfpse.prepared import PreparedStore
from ccfpse.scores import Confusion

_COLUMNS = 8


@dataclasses.dataclass(frozen=True)
class Strip:
    """Rows of label, real photo, synthesized photo; a column a layout."""

    store: PreparedStore
    labels: npt.NDArray[np.uint8]
    real: npt.NDArray[np.uint8]
    layout: Tensor
    style: Tensor | None

    @classmethod
    def of(cls, store: PreparedStore, has_boundary: bool, style_dim: int | None) -> "Strip":
        """Layouts spread evenly over the validation split; styles drawn once, the same at every step."""
        split = store.split("val")
        indices = np.unique(np.linspace(0, len(split) - 1, min(_COLUMNS, len(split))).round().astype(int))
        labels = np.stack([split.labels(i) for i in indices])
        real = np.stack([split.image(i) for i in indices])
        maps = [split.instances(i) for i in indices]
        instances = None
        if has_boundary:
            instances = torch.from_numpy(np.stack([m for m in maps if m is not None]).astype(np.int32))
        layout = make_layout(torch.from_numpy(labels).long(), store.class_table.n_labels, instances)
        style = None
        if style_dim is not None:
            style = torch.randn(len(indices), style_dim, generator=torch.Generator().manual_seed(0))
        return cls(store, labels, real, layout, style)

    @torch.no_grad()
    def draw(self, generator: Generator, path: Path, judge: Judge | None) -> dict[str, float]:
        """Writes the picture; gives the mean IoU of its photos where there is a judge."""
        device = next(generator.parameters()).device
        was_training = generator.training
        generator.eval()
        style = None if self.style is None else self.style.to(device)
        fake = generator(self.layout.to(device), style)
        generator.train(was_training)
        pixels = fake.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)  # (B, 3, H, W)
        shown = pixels.permute(0, 2, 3, 1).cpu().numpy()
        colors = self.store.class_table.colorize(self.labels)
        picture = np.concatenate([np.concatenate(list(row), axis=1) for row in (colors, self.real, shown)])
        with replacing(path) as temporary:
            temporary.write_bytes(encoded(Image.fromarray(picture), "PNG"))
        if judge is None:
            return {}
        confusion = Confusion(self.store.class_table)
        confusion.add(self.labels, judge.predict(pixels).cpu().numpy())
        return {"strip_miou": confusion.scores().miou}
