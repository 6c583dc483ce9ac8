"""Hard cases: nothing is clipped, nothing lies over anything, and the words are true."""

import re
from collections.abc import Iterator, Sequence

import pytest

from core.figures.drawing.characters import BOXES, has_boxes
from core.look import SCREEN, Look
from tests.figures import drawn
from tests.figures.faults import Fault, faults
from tests.figures.gallery import GALLERY, Exhibit

ELLIPSIS = "…"
SHORTEST_CUT = 8
"""The fewest characters of a name that a cut has to leave."""


LOOKS = {
    "one column": Look(style="paper", width="ieee"),
    "half a column": Look(style="paper", width="neurips-half"),
    "talk": Look(style="talk"),
    "narrow": Look(width=3.25),
}
EXPLAINED = (
    "hollow: at most half of the seeds fit",
    "hollow: the seed does not fit",
    "hatched: at most half of the seeds fit",
    "zero baseline",
)
"""Entries of legends that captions explain, with a capital or after another word."""

SHOWN_IN_LOOKS = (", ordinary", ", two", ", run", ", 12 seeds", ", some diverged", ", 24 lines")
"""How the names of the cases end that are drawn in every look."""


def problems(exhibit: Exhibit, look: Look = SCREEN) -> Iterator[Fault]:
    """Faults of the layout, and of the words."""
    figure = exhibit.figure.draw(exhibit.info, look)
    yield from faults(figure)
    texts = [text.text for text in drawn.words(figure)]
    said = " ".join([*texts, exhibit.info.title, exhibit.info.caption])
    if ("diverged" in said) != exhibit.diverged:
        yield Fault("untrue words", f"some runs diverged: {exhibit.diverged}; said: {said[:300]}")
    for words in EXPLAINED:
        if words in texts and words[1:] not in exhibit.info.caption:
            yield Fault("unexplained marks", words)
    if look.has_footer and any(map(has_boxes, texts)) and BOXES not in _joined(texts):
        yield Fault("unsaid boxes", "")
    plain = [_plain(text) for text in texts]
    for name in exhibit.names if look.has_title else ():
        if not any(_says(text, _plain(name)) for text in plain):
            yield Fault("a name is not shown", name)


def _joined(texts: Sequence[str]) -> str:
    return " ".join(texts).replace("\n", " ")


def _plain(text: str) -> str:
    """A text without what only places it: spaces, isolates, and mathematics."""
    symbols = re.sub(
        r"\$(?:\\hat\{)?(\\?\w+)\}?_\{(\w)\}\$", r"\1_\2", text.replace("ĥ", "h").replace("ⱼ", "_j")
    )
    return re.sub(r"[\s\u200e\u200f\u2066-\u2069]|\\(?=\$)", "", symbols)


def _says(text: str, name: str) -> bool:
    """Whether a text says a name, in full or cut with an ellipsis."""
    if name in text:
        return True
    starts, dots, _ = text.partition(ELLIPSIS)
    return bool(dots) and any(
        name.startswith(starts[i:]) for i in range(len(starts) - SHORTEST_CUT + 1)
    )


@pytest.mark.parametrize("case", GALLERY)
def test_a_hard_case_is_drawn_without_faults(case):
    assert list(problems(GALLERY[case]())) == []


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("case", [case for case in GALLERY if case.endswith(SHOWN_IN_LOOKS)])
def test_every_look_is_drawn_without_faults(case, look):
    assert list(problems(GALLERY[case](), look)) == []
