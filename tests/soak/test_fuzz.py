"""Readers of files from strangers: whatever the bytes, only our own errors, and no hanging or swelling."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from benchmarks.peak import forget_peak, peak
from tests.hostile.readers import READERS, read, seeds
from tests.soak.conftest import Soak

ROOT = Path(__file__).parents[2]
_TOKENS = (
    *(b"[", b"{", b"&a ", b"*a", b"!!int ", b"!!timestamp ", b'"', b"null", b"NaN", b"Infinity", b"1e999"),
    *(b"-1", b"9" * 400, b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"../", b"/", b"\\ud800", b"\x1b[2J"),
)
_SECONDS = 120
_LARGEST_GROWTH = 1024  # MiB


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A good file after a few changes."""
    content = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(content)))
        to = min(len(content), at + draw(st.sampled_from([0, 1, 2, 4, 16, 256])))
        new = draw(st.one_of(st.binary(max_size=4), st.sampled_from(_TOKENS), st.just(content[at:to] * 3)))
        content = content[:at] + new + content[to:]
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reader", READERS)
def test_whatever_the_bytes_a_file_is_read_or_refused(reader: str, soak: Soak, tmp_path: Path) -> None:
    tried = 0

    @hypothesis.settings(max_examples=300, derandomize=True, deadline=None, database=None)
    @hypothesis.given(mutated(seeds(reader)))
    def try_one(content: bytes) -> None:
        nonlocal tried
        tried += 1
        read(reader, content)

    forget_peak()
    before = peak()
    try_one()
    assert peak() - before < _LARGEST_GROWTH
    if soak.is_long:
        guided, crashes = _guided(reader, tmp_path)
        soak.figure(f"inputs tried, {reader}", tried + guided)
        soak.figure(f"crashes, {reader}", len(crashes))
        assert crashes == []


@pytest.mark.parametrize("reader", [name for name in READERS if name != "model"])
def test_good_files_are_read(reader: str) -> None:
    for content in seeds(reader)[:2]:
        READERS[reader][0](content)


def _guided(reader: str, folder: Path) -> tuple[int, list[str]]:
    """Two minutes in a process of its own, guided by the code that inputs reach.

    Returns:
        How many inputs were tried, and those at which the reader raised, hung or swelled.
    """
    assert importlib.util.find_spec("atheris"), "atheris is missing: pip install -e '.[dev]'"
    corpus = folder / "corpus"
    corpus.mkdir()
    for i, content in enumerate(seeds(reader)):
        (corpus / str(i)).write_bytes(content)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.hostile.fuzz", reader, str(corpus), str(_SECONDS), "1"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=5 * _SECONDS,
    )
    crashes = [repr(path.read_bytes()[:2000]) for path in sorted(folder.glob("crash-*"))]
    found = re.search(r"stat::number_of_executed_units:\s*(\d+)", ended.stderr)
    assert found is not None or crashes, f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    assert ended.returncode == 0 or crashes, ended.stderr[-3000:]
    tried = 0 if found is None else int(found[1])
    return tried, [*crashes, ended.stdout[-3000:]] if crashes else []
