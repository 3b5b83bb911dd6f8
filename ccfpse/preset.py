"""Writes presets as settings files, without losing edits of the user's own."""

from pathlib import Path

from ccfpse.config import load_preset, preset_text
from ccfpse.errors import OutputError, SettingsError
from ccfpse.files import replacing
from ccfpse.opening import read_regular
from ccfpse.outputlock import output_lock
from ccfpse.sections import DATASETS
from ccfpse.yamltext import parse_yaml


def write_preset(name: str, path: Path, *, force: bool) -> Path | None:
    """Writes the preset `name` to `path`; the same values in another wording count as a preset.

    Args:
        name: which preset.
        path: settings file to write.
        force: replace a file with edits that are in no preset; it is kept as a copy beside it.

    Returns:
        The copy, where one was kept.

    Raises:
        SettingsError: there is no such preset, or `path` holds edits that are in no preset.
        OutputError: `path` cannot be written.
    """
    text = preset_text(name)
    with output_lock(path):
        return _write(text, path, force=force)


def _write(text: str, path: Path, *, force: bool) -> Path | None:
    edited = path.exists() and not path.is_dir() and not _is_a_preset(path)
    if edited and not force:
        raise SettingsError(
            f"{path}: holds edits that are in no preset; save it elsewhere, or --force keeps a copy"
        )
    copy = _keep_copy(path) if edited else None
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")
    return copy


def _is_a_preset(path: Path) -> bool:
    try:
        found = parse_yaml(read_regular(path), str(path))
    except SettingsError:
        return False
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror}), so it is not replaced") from error
    return any(found == load_preset(known).to_dict() for known in DATASETS)


def _keep_copy(path: Path) -> Path:
    number = 1
    while (copy := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    with replacing(copy) as temporary:
        temporary.write_bytes(read_regular(path))
    return copy
