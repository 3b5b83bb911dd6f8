"""The learning rates' course: constant, then falling linearly to zero."""


def rate_factor(step: int, steps: int, decay_start: int) -> float:
    """What both learning rates are multiplied with at `step` (from 0): 1, then linearly to 0 at `steps`.

    Source: Liu et al. 2019, arXiv:1910.06809, section 4.1; the published code lowers it once an
    epoch, we once a step.
    """
    if step < decay_start:
        return 1.0
    return (steps - step) / (steps - decay_start)
