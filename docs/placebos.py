"""Writes docs/studies/placebos.md: every claim of every study, judged where it must fail.

``python docs/placebos.py`` rewrites the page; a test fails while it differs from the code.
"""

import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from formulas import mark  # beside this script

from core import placebos
from core.studies import MUST_FAIL, STUDIES, ClaimKind, Placebo, Size, Verdict

PAGE = Path(__file__).parent / "studies" / "placebos.md"
SIZES: Sequence[Size] = ("quick", "full")

PLACEBOS: Mapping[Placebo, str] = {
    Placebo.UNTRAINED: "nothing is trained: every student is at its start",
    Placebo.OTHER_TEACHER: (
        "every student has learned another teacher, whose output is $-C$, to the last digit. This "
        "response is set, not trained: training on the labels of $-C$ from a start with $-C$ "
        "mirrors that on the labels of $C$ from one with $C$ step by step, so it would end there "
        "or less close. A tied student can't follow, and gets it all the same"
    ),
    Placebo.SHORT_MEMORY: (
        "every student answers as the teacher does within the training length $k$, and forgets "
        "what is $k$ steps old"
    ),
    Placebo.SILENT: "every student answers zero",
    Placebo.RANDOM_BEYOND: (
        "every student answers as the teacher does within $k$, and at random from there on"
    ),
    Placebo.EXACT: "every student answers as the teacher does, at every lag",
    Placebo.SWAPPED: (
        "the arms that a contrast compares have changed places; judged on results, so reports of "
        "studies show it"
    ),
}
KINDS: Mapping[ClaimKind, str] = {
    ClaimKind.EXTRAPOLATES: "says that students extrapolate, or have found what the teacher is",
    ClaimKind.DOES_NOT: "says that students fit and don't extrapolate",
    ClaimKind.FITS: "says that students fit",
    ClaimKind.CONTRAST: "compares arms",
    ClaimKind.TRAINING: "says how training moves",
    ClaimKind.METHOD: "is about a method without training; no placebo applies",
}
CELLS = {
    None: "",
    Verdict.FAILS: "fails",
    Verdict.NOT_RUN: "not run",
    Verdict.HOLDS: "**holds**",
}
COLUMNS = [placebo for placebo in PLACEBOS if placebo in placebos.ON_RESPONSES]

INTRODUCTION = """\
<!-- Written by docs/placebos.py from the code; run it after a change. -->

# Placebos: claims where they must fail

A claim is worth something only if it fails where the phenomenon is absent. Here every claim of
every study is judged on evidence of that sort. *Not run* means that too few seeds fit to judge it,
which is as good as *fails*. An empty cell means that the placebo has what the claim says, or that
it says nothing about such a claim. **Holds** is a defect of the claim."""

judge = cache(placebos.judge)


def page() -> str:
    """The whole page."""
    return "\n\n".join([INTRODUCTION, _placebos(), _kinds(), *map(_section, STUDIES)]) + "\n"


def _placebos() -> str:
    lines = [f"- **{_words(placebo)}**: {text}." for placebo, text in PLACEBOS.items()]
    return "\n".join(map(_fill, lines))


def _kinds() -> str:
    rows = [
        (
            _words(kind),
            text,
            ", ".join(_words(one) for one in PLACEBOS if one in MUST_FAIL[kind]) or "none",
        )
        for kind, text in KINDS.items()
    ]
    return _table(("kind", "a claim of this kind", "must fail on"), rows)


def _section(name: str) -> str:
    tables = [f"## {STUDIES[name].headline}"]
    for size in SIZES:
        rows = [
            (
                mark(row.claim.claim),
                _words(row.claim.kind),
                *(CELLS[row.verdicts[placebo]] for placebo in COLUMNS),
            )
            for row in judge(STUDIES[name], size)
        ]
        tables += [
            f"`{name}`, {size} size:",
            _table(("claim", "kind", *map(_words, COLUMNS)), rows),
        ]
    return "\n\n".join(tables)


def _words(member: Placebo | ClaimKind) -> str:
    return member.value.replace("_", " ")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))


def _fill(line: str) -> str:
    return textwrap.fill(line, 100, subsequent_indent="  ")


if __name__ == "__main__":
    PAGE.write_text(page())
