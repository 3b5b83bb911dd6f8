"""`ccfpse evaluate`, before there is anything to evaluate."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccfpse.config import preset_text
from ccfpse_cli.main import app


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "data/prepared/sample"),
        (["--show"], "outputs/sample/evaluation/metrics.json: cannot be read"),
        (["--params", "none.yaml"], "none.yaml: cannot be read"),
        (["--synthesized", "others"], "--synthesized goes with --out"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(preset_text("sample"), "utf-8")
    ended = CliRunner().invoke(app, ["evaluate", *options])
    assert ended.exit_code == 2
    assert sentence in ended.output
