"""What the shell is offered after TAB."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccfpse.published_import import SIZES
from ccfpse.sections import DATASETS
from ccfpse_cli import completion


def completed(*words: str, cwd: Path | None = None) -> list[str]:
    """What bash is offered in place of the last word."""
    environment = os.environ | {
        "_CCFPSE_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["ccfpse", *words]),
        "COMP_CWORD": str(len(words)),
    }
    code = "import sys; sys.argv = ['ccfpse']; from ccfpse_cli.main import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, cwd=cwd
    )
    assert ended.stderr == ""
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("synth",), ["synthesize"]),
        (("study", "s"), ["serve"]),
        (("synthesize", "--style", "p"), ["prior"]),
        (("synthesize", "--style", "photos/a"), []),  # then the shell offers files
        (("synthesize", "lay"), []),
        (("synthesize", "--device", "cuda:"), ["cuda:0", "cuda:1"]),
        (("synthesize", "--precision", "b"), ["bf16"]),
        (("synthesize", "--over"), ["--overwrite"]),
        (("preset", "c"), ["cityscapes", "coco-stuff", "camvid", "custom"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_shell_is_offered_what_fits(words: tuple[str, ...], offered: list[str]) -> None:
    assert completed(*words) == offered


def test_variants_are_those_of_the_settings_here(params: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(params.parent)
    assert completion.complete_variant("spade-p") == ["spade-patchgan"]
    params.write_text("data: [")
    assert completion.complete_variant("") == []


def test_names_are_those_that_commands_know() -> None:
    assert completion.complete_preset("") == list(DATASETS)
    assert completion.complete_published("") == list(SIZES)
