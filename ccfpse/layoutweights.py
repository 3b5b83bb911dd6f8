"""Which weights of the networks read the layout's channels, and so depend on the class table's order."""

import re

from torch import Tensor

_READS_LAYOUT = re.compile(
    r"start\.weight|pyramid\.encoder\.0\.conv\.weight|embedding\.weight|scales\.\d\.first\.weight"
    r"|blocks\.\w+\.(conv\d\.(kernels|gate)\.first|(shortcut\.norm|norm\d)\.shared)\.weight"
)


def sees_layout(entry: str, weight: Tensor) -> bool:
    """Whether an entry of a generator's or discriminator's state dict is a convolution on the layout.

    Its input channels are the layout's K, then those of features where it reads features too.
    """
    return weight.dim() == 4 and _READS_LAYOUT.fullmatch(entry) is not None
