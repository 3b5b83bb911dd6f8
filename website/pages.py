"""Pages that have no file of their own under docs/, and links that only a repository can follow."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"data/README.md": "data.md", "CHANGELOG.md": "changes.md"}
"""Files outside docs/ that are pages of the site."""
DESCRIBED = {
    "params.yaml": "reference/settings.md",
    "cli/main.py": "reference/commands.md",
    "ccfpse/__init__.py": "reference/python.md",
}
"""Files that a page of the site describes: where the repository leads to one, the site leads to the other."""
MODULES = {
    "Photos": (
        "ccfpse",
        "ccfpse.model",
        "ccfpse.trained",
        "ccfpse.styles",
        "ccfpse.recipe",
        "ccfpse.synthesis",
        "ccfpse.layoutfiles",
    ),
    "Classes and layouts": ("ccfpse.labelspace", "ccfpse.classfiles", "ccfpse.layout"),
    "Files": ("ccfpse.modelfile", "ccfpse.prepared", "ccfpse.published_import"),
    "Settings and training": ("ccfpse.config", "ccfpse.training.fit", "ccfpse.judge"),
    "Networks": (
        *("ccfpse.models.ccfpse", "ccfpse.models.block", "ccfpse.models.pyramid", "ccfpse.models.encoder"),
        *("ccfpse.models.fpse", "ccfpse.models.condition", "ccfpse.models.reference", "ccfpse.losses"),
    ),
    "Errors": ("ccfpse.errors",),
}
"""Of the Python reference."""
_LINK = re.compile(r"\[([^\]]*)\]\((\.\./[^)#\s]*)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages to the site (called by MkDocs)."""
    for source, page in ELSEWHERE.items():
        text = moved((ROOT / source).read_text("utf-8"), (ROOT / source).parent)
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "reference/python.md", content=python_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links out of docs/ to pages of the site (called by MkDocs)."""
    return _LINK.sub(_within_the_site, markdown) if "/" not in page.file.src_uri else markdown


def python_page() -> str:
    """The Python reference, in Markdown with the directives of mkdocstrings."""
    parts = ["# Python", "From the docstrings; [ccfpse/__init__.py] is the map of the whole package."]
    for title, modules in MODULES.items():
        parts.append(f"## {title}")
        parts += [f"::: {module}\n    options:\n      heading_level: 3" for module in modules]
    return "\n\n".join(parts).replace("[ccfpse/__init__.py]", "`ccfpse/__init__.py`") + "\n"


def _within_the_site(link: re.Match[str]) -> str:
    """The page that a file became; otherwise the words of the link alone."""
    text, path, anchor = link.groups(default="")
    page = (ELSEWHERE | DESCRIBED).get(path.removeprefix("../"))
    return text if page is None else f"[{text}]({page}{anchor})"


def moved(text: str, folder: Path) -> str:
    """Links of a file outside docs/, as from a page beside the others."""

    def link(found: re.Match[str]) -> str:
        target = (folder / found[2]).resolve()
        docs = ROOT / "docs"
        path = target.relative_to(docs).as_posix() if target.is_relative_to(docs) else None
        return found[1] if path is None else f"[{found[1]}]({path}{found[3] or ''})"

    return re.sub(r"\[([^\]]*)\]\((?!https?:)([^)#\s]+)(#[^)\s]*)?\)", link, text)
