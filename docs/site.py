"""MkDocs hooks: folders in the navigation, links that leave ``docs``, sections of docstrings.

Pages link to code by its path, which works on a disk and in a repository. The site has only the
folder ``docs``, so the hook replaces such a link by its text, with the path if the text lacks it.
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
    """Lists the pages of each folder in the navigation."""
    config.nav = [expand_folders(entry) for entry in config.nav or ()]
    return config


def expand_folders(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    ((title, content),) = entry.items()
    if isinstance(content, list):
        return {title: [expand_folders(child) for child in content]}
    if isinstance(content, str) and content.endswith("/"):
        names = sorted(path.name for path in (ROOT / "docs" / content).glob("*.md"))
        names.sort(key=lambda name: name != "README.md")
        return {title: [content + name for name in names]}
    return entry


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replaces links to files outside the site by text."""
    folder = posixpath.dirname(page.file.src_uri)

    def replacement(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        path = unquote(target.partition("#")[0])
        if not path or re.match(r"[a-z]+:", target):
            return link[0]
        if files.get_file_from_path(posixpath.normpath(posixpath.join(folder, path))) is not None:
            return link[0]
        repository_path = posixpath.normpath(posixpath.join("docs", folder, path))
        if not (ROOT / repository_path).exists():
            return link[0]  # MkDocs reports it
        return text if repository_path in text else f"{text} (`{repository_path}`)"

    return LINK.sub(replacement, markdown)


class ExampleSections(griffe.Extension):
    """Renames the section ``Example:`` of docstrings to ``Examples:``, which griffe knows."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Renames the section in one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"(?m)^Example:$", "Examples:", obj.docstring.value)
