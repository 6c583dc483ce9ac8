"""Code fences of the documentation, and comparison of their output.

A fence with a language is code. ``python`` blocks of a page run in order and share their names;
``console`` has shell commands after ``$``; a ``title`` names the file that a block is written to. A
``text`` fence after a program is its output. A comment above a fence gives an exit code, or the
reason why it is not run: ``<!-- exit code 4 -->``, ``<!-- not run: it needs a Docker engine -->``.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

LANGUAGES = frozenset({"python", "console", "yaml", "json", "text", "diff"})
"""Allowed languages; a fence without a language is no code."""

_FENCE = re.compile(
    r"(?:^<!-- ([^\n]*?) -->\n)?^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_TITLE = re.compile(r'title="([^"]+)"')
_EXIT_CODE = re.compile(r"exit code (\d+)")
_WORD = re.compile(
    r"\b(?:exp|swp|worker|fig|imp)_[0-9a-f]{32}\b|[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|\S+"
)


@dataclass(frozen=True)
class Block:
    """A code fence.

    Attributes:
        location: Page and first line, as ``docs/page.md:12``.
        language: Its language; empty if it is no code.
        title: The file that it is written to; empty for none.
        text: Its content.
        skip_reason: Why it is not run; empty if it is.
        exit_code: Expected exit code of its commands.
    """

    location: str
    language: str
    title: str
    text: str
    skip_reason: str
    exit_code: int

    @property
    def commands(self) -> list[tuple[str, list[str]]]:
        """The commands of a console, each with its output lines."""
        commands: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            elif line:
                commands[-1][1].append(line)
        return commands


def blocks(page: Path) -> Iterator[Block]:
    """The fences of a page, in order."""
    text = page.read_text()
    for match in _FENCE.finditer(text):
        note, info, content = match[1] or "", match[2].strip(), match[3]
        line = text.count("\n", 0, match.start(3)) + 1
        title, exit_code = _TITLE.search(info), _EXIT_CODE.fullmatch(note)
        yield Block(
            location=f"{page.relative_to(ROOT)}:{line}",
            language=info.split()[0] if info else "",
            title=title[1] if title else "",
            text=content,
            skip_reason=note.removeprefix("not run: ") if note.startswith("not run: ") else "",
            exit_code=int(exit_code[1]) if exit_code else 0,
        )


def output_matches(expected: str, printed: str) -> bool:
    """Whether outputs have the same words, and numbers that agree to two digits."""
    expected_words, printed_words = _WORD.findall(expected), _WORD.findall(printed)
    return len(expected_words) == len(printed_words) and all(
        map(_words_match, expected_words, printed_words)
    )


def missing_lines(expected: list[str], printed: str) -> list[str]:
    """Expected lines that were not printed; ids and numbers may differ, dots match anything."""
    lines = [_outline(line) for line in printed.splitlines()]
    patterns = [
        re.escape(_outline(line)).replace(r"\.\.\.", ".*")
        for line in expected
        if line.strip() != "..."
    ]
    return [
        pattern for pattern in patterns if not any(re.fullmatch(pattern, line) for line in lines)
    ]


def _words_match(expected: str, printed: str) -> bool:
    try:
        return math.isclose(
            float(expected.replace(",", "")), float(printed.replace(",", "")), rel_tol=0.02
        )
    except ValueError:
        return expected == printed


def _outline(line: str) -> str:
    words = re.sub(r"\b(?:exp|swp|worker|fig|imp)_[0-9a-f]{32}\b", "ID", " ".join(line.split()))
    return re.sub(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?", "#", words)
