"""The code on the pages of the documentation, and what it is to say when it is run.

A fence with a language is code: ``python`` is run, one block after the other with the names of
those before; ``console`` has commands behind ``$``, which a shell runs; a ``title`` names the file
that a block is written to. A ``text`` fence right behind a program is what it prints. A comment
above a fence says what is expected of it, or why it
is not run: ``<!-- exit code 4 -->``, ``<!-- not run: it needs a Docker engine -->``.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

RUN = frozenset({"python", "console", "yaml", "json", "text"})
"""What a fence may say that it holds; one that says nothing holds no code."""

_FENCE = re.compile(
    r"(?:^<!-- ([^\n]*?) -->\n)?^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_TITLE = re.compile(r'title="([^"]+)"')
_CODE = re.compile(r"exit code (\d+)")
_WORD = re.compile(
    r"\b(?:exp|swp|worker|fig|imp)_[0-9a-f]{32}\b|[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|\S+"
)


@dataclass(frozen=True)
class Block:
    """One fence.

    Attributes:
        place: ``docs/page.md:12``, its first line.
        language: What it says that it holds; nothing for no code.
        title: The file that it is.
        text: What it holds.
        not_run: Why it is not run.
        code: What its last command is to end with.
    """

    place: str
    language: str
    title: str
    text: str
    not_run: str
    code: int

    @property
    def commands(self) -> list[tuple[str, list[str]]]:
        """The commands of a console, each with the lines that it shows."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line:
                found[-1][1].append(line)
        return found


def blocks(page: Path) -> Iterator[Block]:
    """The fences of a page, in order."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        note, info, content = found[1] or "", found[2].strip(), found[3]
        line = text.count("\n", 0, found.start(3)) + 1
        title, code = _TITLE.search(info), _CODE.fullmatch(note)
        yield Block(
            place=f"{page.relative_to(ROOT)}:{line}",
            language=info.split()[0] if info else "",
            title=title[1] if title else "",
            text=content,
            not_run=note.removeprefix("not run: ") if note.startswith("not run: ") else "",
            code=int(code[1]) if code else 0,
        )


def prints(shown: str, printed: str) -> bool:
    """Whether a program prints what its page shows: the same words, and numbers that agree to two digits."""
    ours, theirs = _WORD.findall(shown), _WORD.findall(printed)
    return len(ours) == len(theirs) and all(map(_same, ours, theirs))


def shows(shown: list[str], printed: str) -> list[str]:
    """The lines on a page that a command did not print, ids and numbers aside; dots stand for anything."""
    lines = [_outline(line) for line in printed.splitlines()]
    wanted = [
        re.escape(_outline(line)).replace(r"\.\.\.", ".*")
        for line in shown
        if line.strip() != "..."
    ]
    return [pattern for pattern in wanted if not any(re.fullmatch(pattern, line) for line in lines)]


def _same(ours: str, theirs: str) -> bool:
    try:
        return math.isclose(
            float(ours.replace(",", "")), float(theirs.replace(",", "")), rel_tol=0.02
        )
    except ValueError:
        return ours == theirs


def _outline(line: str) -> str:
    words = re.sub(r"\b(?:exp|swp|worker|fig|imp)_[0-9a-f]{32}\b", "ID", " ".join(line.split()))
    return re.sub(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?", "#", words)
