"""What MkDocs asks while it builds the site: folders in the navigation, links that leave ``docs``, our docstrings.

Pages link to code by its path, as is right on a disk and in a repository. The site holds the folder
``docs`` alone, so there such a link becomes the words that it had, with the path where they don't
say it.
"""

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Names the pages of the folders that the navigation has as a whole."""
    config.nav = [_unfolded(entry) for entry in config.nav or ()]
    return config


def _unfolded(entry: object) -> object:
    if isinstance(entry, dict):
        ((title, inside),) = entry.items()
        if isinstance(inside, list):
            return {title: [_unfolded(each) for each in inside]}
        if isinstance(inside, str) and inside.endswith("/"):
            names = sorted(path.name for path in (ROOT / "docs" / inside).glob("*.md"))
            names.sort(key=lambda name: name != "README.md")
            return {title: [inside + name for name in names]}
    return entry


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links to what isn't in the site into words."""
    here = posixpath.dirname(page.file.src_uri)

    def kept(link: re.Match[str]) -> str:
        words, target = link[1], link[2]
        path = unquote(target.partition("#")[0])
        if not path or re.match(r"[a-z]+:", target):
            return link[0]
        inside = posixpath.normpath(posixpath.join(here, path))
        if files.get_file_from_path(inside) is not None:
            return link[0]
        outside = posixpath.normpath(posixpath.join("docs", here, path))
        if not (ROOT / outside).exists():
            return link[0]  # MkDocs will say so
        return words if outside in words else f"{words} (`{outside}`)"

    return LINK.sub(kept, markdown)


class Examples(griffe.Extension):
    """Our docstrings have an ``Example:``, and griffe reads ``Examples:``."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Calls an example by the name that is understood."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"(?m)^Example:$", "Examples:", obj.docstring.value)
