"""Compiles LaTeX with the system's pdfLaTeX."""

import subprocess
from pathlib import Path

from tests.kit import tools

PACKAGES = "Debian's texlive-latex-base and texlive-latex-recommended"


def compile_latex(folder: Path, name: str = "paper") -> str:
    """Compiles a document as its README says, and returns the log of the last run.

    The test is skipped without a LaTeX, and fails if the document does not compile.
    """
    tools.require("pdflatex", "bibtex", package=PACKAGES)
    pdflatex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name]
    has_bibliography = (folder / "references.bib").exists()
    for command in (
        pdflatex,
        *([["bibtex", name]] if has_bibliography else []),
        pdflatex,
        pdflatex,
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
        output = done.stdout.decode(errors="replace")
        assert done.returncode == 0, output[-4000:]
    return (folder / f"{name}.log").read_text(errors="replace")
