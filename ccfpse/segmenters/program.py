"""Any network as a program: a `.pt2` file of `torch.export`.

Opening such a file runs what its author put there: PyTorch rebuilds the program, its shapes' formulas
and constants out of the file, and none of that is confined. So it is opened only when the user says that
the author is trusted; weights alone (safetensors, or the published files) need no such word.
"""

import logging
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.passes import move_to_device_pass

from ccfpse.errors import ModelFileError
from ccfpse.labelspace import ClassTable
from ccfpse.opening import open_regular, read_text
from ccfpse.segmenters.segmenter import Segmenter, evaluated_names

CONTRACT = (
    "a program takes one tensor, photos as RGB uint8 (1, 3, height, width), and returns one tensor, "
    "scores (1, classes, h, w) of floating point"
)
_Shape = tuple[int | torch.SymInt, ...]


class ProgramSegmenter(Segmenter):
    """Reads photos by an exported program, one at a time.

    The program normalises the pixels itself. Its scores are enlarged bilinearly to the photo's size where
    they are smaller. `<name>.classes.txt` beside `<name>.pt2` names its classes, one a line in the order
    of the channels; without it they are the evaluated classes of `table`, in order.

    Args:
        path: written by `torch.export.save`.
        table: the data set's classes.
        device: where it runs.
        trust_program: the user trusts the author of the file.

    Raises:
        ModelFileError: not trusted, not a program, one that takes or returns something else, or one
            whose number of classes is not that of the names.
    """

    def __init__(self, path: Path, table: ClassTable, device: torch.device, *, trust_program: bool) -> None:
        if not trust_program:
            raise ModelFileError(
                f"{path}: is a program, and opening it runs its author's code on this machine; "
                "add --trust-program if you trust the author"
            )
        self._path = path
        program = _load(path)
        (*_, height, width), n_classes = _signature(path, program)
        is_fixed = isinstance(height, int) and isinstance(width, int)
        self._takes = f"{height}x{width}" if is_fixed else "a range of sizes"
        listed = path.with_suffix(".classes.txt")
        names = _listed(listed) if listed.is_file() else evaluated_names(table)
        if len(names) != n_classes:
            where = listed if listed.is_file() else f"{table.name}, as there is no {listed.name} beside it,"
            raise ModelFileError(
                f"{path}: scores {n_classes} classes, but {where} has {len(names)}; "
                f"name its classes in {listed.name}, one a line in the order of its channels"
            )
        files = [path, listed] if listed.is_file() else [path]
        super().__init__(f"program {path.name}", names, files, device)
        self._program = move_to_device_pass(program, device).module()

    def scores(self, pixels: Tensor) -> Tensor:
        """Scores (B, K, H, W).

        Raises:
            ModelFileError: the program was exported for photos of another size.
        """
        return torch.cat([self._one(pixels[i : i + 1]) for i in range(len(pixels))])

    def _one(self, photo: Tensor) -> Tensor:
        H, W = photo.shape[2:]
        try:
            scores: Tensor = self._program(photo)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AssertionError, ValueError) as error:  # how its guards and operators refuse
            raise ModelFileError(
                f"{self._path}: was exported for photos of {self._takes} and fails on one of {H}x{W} "
                f"({type(error).__name__}); export it with dynamic height and width"
            ) from error
        if scores.shape[2:] == (H, W):
            return scores
        return F.interpolate(scores, (H, W), mode="bilinear", align_corners=False)


def _load(path: Path) -> ExportedProgram:
    try:
        with open_regular(path):
            pass
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be opened ({error.strerror}); give a file written by torch.export.save"
        ) from error
    log = logging.getLogger(torch.export.__name__)  # on which PyTorch prints a traceback before it raises
    try:
        log.disabled = True
        return torch.export.load(path)
    except Exception as error:  # torch.export.load raises whatever damaged bytes lead it to
        raise ModelFileError(
            f"{path}: is not a program of torch.export, or is damaged, or of a newer PyTorch "
            f"({type(error).__name__}); give a file written by torch.export.save"
        ) from error
    finally:
        log.disabled = False


def _signature(path: Path, program: ExportedProgram) -> tuple[_Shape, int]:
    """Shape of what the program takes, and its number of classes."""
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    inputs = [values.get(name) for name in program.graph_signature.user_inputs if isinstance(name, str)]
    outputs = [values.get(name) for name in program.graph_signature.user_outputs if isinstance(name, str)]
    if len(inputs) == len(outputs) == 1:
        taken, scores = inputs[0], outputs[0]
        if isinstance(taken, Tensor) and isinstance(scores, Tensor):
            right = taken.dtype == torch.uint8 and taken.dim() == 4 and taken.shape[1] == 3
            one_at_a_time = not isinstance(taken.shape[0], int) or taken.shape[0] == 1
            if right and one_at_a_time and scores.is_floating_point() and scores.dim() == 4:
                return tuple(taken.shape), int(scores.shape[1])
    raise ModelFileError(f"{path}: is not a segmenter; {CONTRACT}")


def _listed(path: Path) -> tuple[str, ...]:
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"{path}: cannot be read as text ({error}); one class a line") from error
    return tuple(line.strip() for line in lines if line.strip())
