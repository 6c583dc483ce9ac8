"""Text as LaTeX: what people write can be compiled, and nothing of it is lost."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import latex as module
from core.latex import latex, number
from tests.kit.latex import compile_latex

ODD = [
    r"\input{/etc/passwd} $x$ {%} #1 & ~ ^ _ \\ \end{document}",
    "h_j, ĥ_j, d̂ - 1, λ_i, |h_j - ĥ_j| ≤ 1e-3, 0.9^j, x^-2, y ∝ x^p, 2^(k - 1)",
    "--- << >> ?` !` ,, '' \"quoted\" a--b",
    "Gülçehre, Merriënboer, Šimůnek, Łódź, Ærø, Straße, naïve, Å, Ő, ễ, İstanbul",
    "学习 نص עברית русский 🙂 \u202e \ufeff ὰ",
    "tab\tnewline\nnull\0 bell\a",
    " ".join([*module._MATHEMATICS, *module._TEXT]),
    "".join(module._SUPERSCRIPTS) + "x" + "".join(module._SUBSCRIPTS),
    " ".join(f"a{accent}" for accent in module._ACCENTS),
    "x" * 200,
]


def test_any_text_compiles(tmp_path):
    lines = ["\\documentclass{article}", "\\begin{document}", "\\sloppy"]
    lines += [f"{latex(text)}\n" for text in ODD]
    (tmp_path / "paper.tex").write_text("\n".join([*lines, "\\end{document}"]), "ascii")
    log = compile_latex(tmp_path)
    assert "Missing character" not in log
    assert "pk>" not in log, "a font of pixels"
    assert "Overfull" not in log
    assert "Output written on paper.pdf (1 page" in log


@given(st.text())
def test_no_text_makes_a_command_or_leaves_ascii(text):
    typeset = latex(text)
    assert typeset.isascii()
    assert "\n" not in typeset
    assert typeset.count("$") % 2 == 0
    assert "$$" not in typeset


@pytest.mark.parametrize(
    ("text", "typeset"),
    [
        ("50%_a&b#c", r"50\%\_a\&b\#c"),
        ("{a}~^", r"\{a\}\textasciitilde{}\textasciicircum{}"),
        ("the student's d = 5, e.g. 3 h of it", "the student's $d$ = 5, e.g. 3 h of it"),
        ("3 <= k and d >= 2 k", r"3 $\le$ $k$ and $d$ $\ge$ 2\,$k$"),
        ("train_loss", r"train\_loss"),
        ("learning-rate 2026-11-30", "learning-rate 2026-11-30"),
        ("الف and 中文", "[U+0627 U+0644 U+0641] and [U+4E2D U+6587]"),
    ],
)
def test_text(text, typeset):
    assert latex(text) == typeset


@pytest.mark.parametrize(
    ("value", "typeset"),
    [
        (0.0, "0"),
        (-0.25, "$-0.25$"),
        (1.0, "1"),
        (5e-324, r"$4.94\times10^{-324}$"),
        (1e300, r"$1\times10^{300}$"),
        (-math.inf, r"$-\infty$"),
        (math.nan, "undefined"),
        (0.000123456, r"0.000123"),
        (12345.0, r"$1.23\times10^{4}$"),
    ],
)
def test_number(value, typeset):
    assert number(value) == typeset
