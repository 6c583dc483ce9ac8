r"""A paper as LaTeX: a document that compiles as it is, and parts for one of your own.

It needs no package beyond Debian's ``texlive-latex-base`` but ``booktabs``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from string import Template

from core.latex import latex, number
from core.references import COHEN_KARLIK_2023, SOFTWARE, Work
from core.studies import Hypothesis, Verdict
from service.paper.content import Paper, PaperFigure
from service.paper.setup import Row, shared_and_varied

MIN_WIDTH = 5.5
"""The width of the text in inches, unless a figure is wider."""

_DOCUMENT = Template(
    r"""\documentclass{article}
\usepackage[textwidth=${width}in,textheight=9in]{geometry}
\usepackage{array,booktabs,graphicx,longtable}
\emergencystretch=3em

\title{$title}
\author{Extrapolab}
\date{$date}

\begin{document}
\maketitle

$introduction

$results
\clearpage
\section*{Setup}

$setup
\section*{Provenance}

$provenance

\bibliographystyle{plain}
\bibliography{references}
\end{document}
"""
)

_FIGURE = Template(
    r"""\begin{figure}[!htbp]
\centering
\includegraphics{figures/$name}
\caption{$caption}
\label{fig:$name}
\end{figure}
"""
)

_VERDICTS = r"""\begin{table}[!htbp]
\caption{Claims as inequalities between stored numbers, and whether they hold.}
\label{tab:verdicts}
\centering
\input{verdicts}
\end{table}
"""

_WORDS = {Verdict.HOLDS: "holds", Verdict.FAILS: r"\textbf{fails}", Verdict.NOT_RUN: "not run"}

_PROVENANCE = {
    "extrapolab": "Extrapolab",
    "commit": "commit",
    "python": "Python",
    "numpy": "NumPy",
    "torch": "PyTorch",
    "numba": "Numba",
    "cpu": "on",
}
"""Entries of provenance that the text names, and how."""


def document(paper: Paper) -> str:
    """The whole document."""
    results = [_figure(figure) for figure in paper.figures]
    if paper.claims:
        results.append(_VERDICTS)
    return _DOCUMENT.substitute(
        width=f"{max(MIN_WIDTH, paper.width):g}",
        title=latex(paper.title),
        date=f"{_day(paper.ended_at)}",
        introduction=_introduction(paper),
        results="\n".join(results),
        setup=_setup(paper),
        provenance=_provenance(paper),
    )


def verdict_table(claims: Sequence[Hypothesis]) -> str:
    """The table of verdicts alone, for ``booktabs`` and ``array``."""
    rows = [
        " & ".join(
            (
                latex(claim.claim),
                latex(claim.inequality),
                number(claim.value),
                rf"{_WORDS[claim.verdict]} \\",
            )
        )
        for claim in claims
    ]
    lines = [
        r"% needs \usepackage{array,booktabs}",
        r"\begin{tabular}{@{}>{\raggedright}p{0.37\linewidth}>{\raggedright}p{0.32\linewidth}rl@{}}",
        r"\toprule",
        r"claim & inequality & value & verdict \\",
        r"\midrule",
        "\n\\addlinespace\n".join(rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def bibliography(paper: Paper) -> str:
    """The works that the document cites, as BibTeX."""
    return "\n\n".join([SOFTWARE, *(work.bibtex for work in paper.works)]) + "\n"


def _introduction(paper: Paper) -> str:
    sentences = [
        latex(paper.introduction),
        rf"They ran in Extrapolab~\cite{{extrapolab}}, which is built on the question of"
        rf"~{_cite([COHEN_KARLIK_2023])}.",
    ]
    if paper.background:
        sentences.append(
            rf"The study rests on~{_cite(paper.background)}; its claims are in our words."
        )
    if paper.methods:
        sentences.append(rf"The methods are of~{_cite(paper.methods)}.")
    return "\n".join(sentences)


def _cite(works: Sequence[Work]) -> str:
    return rf"\cite{{{','.join(work.key for work in works)}}}"


def _figure(figure: PaperFigure) -> str:
    return _FIGURE.substitute(name=figure.name, caption=latex(figure.info.caption))


def _setup(paper: Paper) -> str:
    shared, varied = shared_and_varied([experiment.content for experiment in paper.experiments])
    lines = [
        r"\begin{longtable}{@{}>{\raggedright}p{0.42\linewidth}>{\raggedright\arraybackslash}"
        r"p{0.54\linewidth}@{}}",
        r"\toprule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
    ]
    groups = [("Fields that vary", varied), ("Fields that all experiments share", shared)]
    blocks = [_rows(title, rows) for title, rows in groups if rows]
    return "\n".join([*lines, "\n\\addlinespace\n".join(blocks), r"\end{longtable}", ""])


def _rows(title: str, rows: Sequence[Row]) -> str:
    head = rf"\multicolumn{{2}}{{@{{}}l}}{{\emph{{{title}}}}} \\*"
    lines = [rf"{_name(row)} & {latex(row.values)} \\" for row in rows]
    return "\n".join([head, *lines])


def _name(row: Row) -> str:
    symbol = f"${row.symbol}$" if row.symbol.isascii() and row.symbol.isalpha() else ""
    return f"{latex(row.words)} {symbol or latex(row.symbol)}".rstrip()


def _provenance(paper: Paper) -> str:
    named = [
        f"{word} {', '.join(values)}"
        for entry, word in _PROVENANCE.items()
        if (values := paper.software(entry))
    ]
    last = f"The last of the experiments ended on {_day(paper.ended_at)}."
    files = r"\texttt{provenance.json} lists each with the hash of its spec."
    return f"{latex(', '.join(named) + '. ' if named else '')}{last} {files}"


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
