"""CITATION.cff: what citation tools read."""

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))


def test_the_fields_that_the_format_asks_for_are_there() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION.keys() >= {"message", "title", "authors"}
    assert CITATION["type"] == "software"
    assert CITATION["authors"] == [{"name": "The ccfpse authors"}]


def test_version_and_licence_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (CITATION["version"], CITATION["license"]) == (project["version"], project["license"])


def test_the_paper_is_cited_as_notice_has_it() -> None:
    (paper,) = CITATION["references"]
    assert (paper["type"], paper["year"]) == ("conference-paper", 2019)
    assert paper["url"].startswith("https://")
    authors = [f"{one['given-names']} {one['family-names']}" for one in paper["authors"]]
    notice = (ROOT / "NOTICE").read_text("utf-8")
    assert ", ".join(authors) in notice
    assert paper["title"] in notice
    assert paper["identifiers"][0]["value"] in notice
