"""Figures that papers report, to have them at hand: never the same protocol, size and training as a run's."""

import dataclasses

SENTENCE = (
    "As reported in the papers, not measured here. Their segmentation networks, photo sizes and training "
    "differ from those of the run above, and so do details that papers leave out: read these rows as the "
    "scale of the task, not as a comparison."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Reported:
    """A row of a paper's table; scores in percent."""

    method: str
    paper: str
    """Where the row stands."""
    arxiv: str
    miou: float
    accuracy: float | None
    fid: float


# pix2pixHD's own paper has other data: its rows are those that the authors of SPADE measured.
_PIX2PIXHD = ("pix2pixHD", "Park et al. 2019", "1903.07291")
_SPADE = ("SPADE", "Park et al. 2019", "1903.07291")
_CCFPSE = ("CC-FPSE", "Liu et al. 2019", "1910.06809")
_OASIS = ("OASIS", "Schönfeld et al. 2021", "2012.04781")


def reported(dataset: str) -> tuple[Reported, ...]:
    """Rows for a data set; none where the papers have none."""
    if dataset == "coco-stuff":
        return (
            Reported(*_PIX2PIXHD, 14.6, 45.8, 111.5),
            Reported(*_SPADE, 37.4, 67.9, 22.6),
            Reported(*_CCFPSE, 41.6, 70.7, 19.2),
            Reported(*_OASIS, 44.1, None, 17.0),
        )
    if dataset == "cityscapes":
        return (
            Reported(*_PIX2PIXHD, 58.3, 81.4, 95.0),
            Reported(*_SPADE, 62.3, 81.9, 71.8),
            Reported(*_CCFPSE, 65.5, 82.3, 54.3),
            Reported(*_OASIS, 69.3, None, 47.7),
        )
    if dataset == "ade20k":
        return (
            Reported(*_PIX2PIXHD, 20.3, 69.2, 81.8),
            Reported(*_SPADE, 38.5, 79.9, 33.9),
            Reported(*_CCFPSE, 43.7, 82.9, 31.7),
            Reported(*_OASIS, 48.8, None, 28.3),
        )
    return ()
