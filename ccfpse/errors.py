"""The one family of errors that users see.

A message is one sentence: which file or key, what was found, what was expected, what to do.
The library raises; only the command line prints.
"""


class CcfpseError(Exception):
    """Something the user can put right; the command line prints it and ends with `exit_code`.

    Args:
        sentence: what it is.
        lines: of a list below the sentence, where there is one.
    """

    exit_code = 2

    def __init__(self, sentence: str, *lines: str) -> None:
        super().__init__(sentence, *lines)
        self.sentence = sentence
        self.lines = lines

    def __str__(self) -> str:
        return "\n  ".join([self.sentence, *self.lines])


class SettingsError(CcfpseError):
    """A settings file or an option with an unknown, missing or impossible value."""


class DataError(CcfpseError):
    """A photo, label map, instance map, class table or prepared store that cannot be used."""


class ModelFileError(CcfpseError):
    """A model file or checkpoint that cannot be read, or does not fit what it is used for."""


class OutputError(CcfpseError):
    """An output that cannot be written where it was asked for."""


class TrainingError(CcfpseError):
    """A training run that cannot start, or had to stop."""


class ProcessLost(TrainingError):
    """A training process whose fellow died or does not answer; what ended that one says more."""


class NotFinite(TrainingError):
    """A loss, a gradient or a weight is no finite number."""


class TrainingStopped(CcfpseError):
    """Training was asked to stop by a signal and has saved its state."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type["TrainingStopped"], tuple[str, int]]:
        return TrainingStopped, (self.sentence, self.exit_code)


class SkippedFilesError(CcfpseError):
    """The work is done, except for files that were left out on request."""

    exit_code = 3
