"""What may differ between a run and the one it goes on from: how many steps, at which learning rates."""

import dataclasses
from typing import Self

from ccfpse.config import Settings


@dataclasses.dataclass(frozen=True)
class Course:
    """The settings in which a run may differ from the one it goes on from."""

    steps: int
    decay_start: int
    learning_rate_generator: float
    learning_rate_discriminator: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The course that these settings ask for."""
        return cls(**{field.name: getattr(settings.train, field.name) for field in dataclasses.fields(cls)})

    def equals_until(self, step: int, other: "Course") -> bool:
        """Whether both have the same learning rates in each of the first `step` steps."""
        return self == other or (
            self.learning_rate_generator == other.learning_rate_generator
            and self.learning_rate_discriminator == other.learning_rate_discriminator
            and step <= min(self.decay_start, other.decay_start)
        )
