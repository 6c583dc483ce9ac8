"""MkDocs hooks: the navigation, the theme's files, mathematics, and links that leave ``docs``.

Pages link to code by its path, which works on a disk and in a repository. The site has only the
folder ``docs``, so the hook replaces such a link by its text, with the path if the text lacks it.
Formulas between dollar signs become MathML, which browsers set without a script.
"""

import hashlib
import html
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

import griffe
import mkdocs.contrib.search
from formulas import mark  # beside this hook
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "service" / "pages" / "static"
ASSETS = {
    **{f"fonts/{file.name}": file for file in (PAGES / "fonts").glob("*.woff2")},
    **{name: PAGES / name for name in ("page.css", "icon.svg")},
    **{file.name: file for file in (ROOT / "docs" / "theme" / "static").iterdir()},
    "lunr.js": Path(mkdocs.contrib.search.base_path) / "templates" / "search" / "lunr.js",
}
"""The theme's files by their names in the site; fonts and tokens are those of the lab's pages."""

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
PICTURE = re.compile(r'<img ((?:[^>]* )?)src="([^"]*)-light\.png"([^>]*)>')
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Lists the pages of each folder in the navigation, and names the folder of the theme's files.

    The folder's name changes with its content, so that browsers may keep the files for ever.
    """
    config.nav = [expand_folders(entry) for entry in config.nav or ()]
    config.theme.static_templates.discard("sitemap.xml")
    digest = hashlib.sha256()
    for name, file in sorted(ASSETS.items()):
        digest.update(name.encode() + file.read_bytes())
    config.extra["assets"] = f"assets/{digest.hexdigest()[:12]}"
    return config


def expand_folders(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    ((title, content),) = entry.items()
    if isinstance(content, list):
        return {title: [expand_folders(child) for child in content]}
    if isinstance(content, str) and content.endswith("/"):
        names = sorted(path.name for path in (ROOT / "docs" / content).glob("*.md"))
        overview = (ROOT / "docs" / content / "README.md").read_text()
        names.sort(key=lambda name: overview.find(f"({name})"))
        return {title: [{short_title(content + name): content + name} for name in names]}
    return entry


def short_title(page: str) -> str:
    """The title of a page up to its colon."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    title = next(line for line in lines if line.startswith("# ")).removeprefix("# ")
    return f"All {title.lower()}" if page.endswith("README.md") else title.partition(":")[0]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the theme's files, and drops the map of the site, which has no fixed address."""
    files.remove(files.src_uris["sitemap.xml"])
    for name, file in ASSETS.items():
        path = f"{config.extra['assets']}/{name}"
        files.append(File.generated(config, path, abs_src_path=str(file)))
    return files


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Sets formulas, shows dark pictures in the dark, and lets wide tables and code scroll.

    They scroll by the keyboard too.
    """
    content = FORMULA.sub(mathml, content)
    content = PICTURE.sub(
        r'<picture><source media="(prefers-color-scheme: dark)" srcset="\2-dark.png">'
        r'<img loading="lazy" width="1440" height="900" \1src="\2-light.png"\3></picture>',
        content,
    )
    content = content.replace("<pre>", '<pre tabindex="0">')
    content = content.replace("<table>", '<div class="scroll" tabindex="0"><table>')
    return content.replace("</table>", "</table></div>")


def mathml(formula: re.Match[str]) -> str:
    """A formula as MathML."""
    kind, source = formula[1], html.unescape(formula[2]).strip()
    return convert(source, display="block" if kind == "div" else "inline")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replaces links to files outside the site by text."""
    folder = posixpath.dirname(page.file.src_uri)

    def replacement(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        path = unquote(target.partition("#")[0])
        if not path or re.match(r"[a-z]+:", target):
            return link[0]
        file = files.get_file_from_path(posixpath.normpath(posixpath.join(folder, path)))
        if file is not None and file.inclusion.is_included():
            return link[0]
        repository_path = posixpath.normpath(posixpath.join("docs", folder, path))
        if not (ROOT / repository_path).exists():
            return link[0]  # MkDocs reports it
        return text if repository_path in text else f"{text} (`{repository_path}`)"

    return LINK.sub(replacement, markdown)


class Docstrings(griffe.Extension):
    """Marks formulas, and calls the section ``Example:`` ``Examples:``, which griffe knows."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Changes one docstring; names of arguments and code stay as they are."""
        if obj.docstring is None:
            return
        prose, example, code = re.split(r"(?m)(^Examples?:$|\Z)", obj.docstring.value, maxsplit=1)
        marked = re.sub(
            r"(?m)^( *\w+: )?(.*)$", lambda line: (line[1] or "") + mark(line[2]), prose
        )
        obj.docstring.value = marked + ("Examples:" if example else "") + code
