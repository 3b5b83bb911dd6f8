"""Linear layer whose result for a row does not depend on the other rows of the batch."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RowwiseLinear(nn.Linear):
    """`torch.nn.Linear` that in evaluation mode multiplies one row at a time.

    Matrix products choose their order of summation by the number of rows: a style vector would
    give slightly different photos (1e-6) in batches of different sizes. Convolutions do not.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, in) -> (B, out)."""
        if self.training or len(x) < 2:
            return F.linear(x, self.weight, self.bias)
        return torch.cat([F.linear(row, self.weight, self.bias) for row in x[:, None]])
