"""Which image sizes the networks take, and the refusal that names them."""


def check_size(size: tuple[int, int], multiple: int) -> None:
    """Refuse an image size that is not made of multiples.

    Args:
        size: (height, width) in pixels.
        multiple: what both must be a multiple of, positive.

    Raises:
        ValueError: they are not; the message names the nearest sizes that are.
    """
    if all(side > 0 and side % multiple == 0 for side in size):
        return
    below = tuple(max(side // multiple, 1) * multiple for side in size)
    above = size_above(size, multiple)
    nearest = " or ".join(f"{height}x{width}" for height, width in dict.fromkeys([below, above]))
    raise ValueError(
        f"size {size[0]}x{size[1]} (height x width) does not fit: both must be multiples of {multiple}; "
        f"the nearest sizes that fit are {nearest}"
    )


def size_above(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """The smallest fitting (height, width) that covers ``size``."""
    height, width = (max(-(-side // multiple), 1) * multiple for side in size)
    return height, width
