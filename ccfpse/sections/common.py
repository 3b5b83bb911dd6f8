"""What all sections of the settings use to refuse values."""

from ccfpse.errors import SettingsError


def need(holds: bool, sentence: str) -> None:
    """Refuses settings for which something does not hold.

    Raises:
        SettingsError: with this sentence.
    """
    if not holds:
        raise SettingsError(sentence)


def need_at_least(section: str, least: int, **values: int) -> None:
    """Refuses values of a section that are smaller."""
    for name, value in values.items():
        need(value >= least, f"{section}.{name} is {value}; it must be at least {least}")
