"""The works of the literature: each once, each used, each compiled by BibTeX."""

import inspect
import re

from core import references
from core.references import Work
from core.studies import STUDIES
from tests.kit.latex import compile_latex

WORKS = [work for work in vars(references).values() if isinstance(work, Work)]


def test_each_work_has_a_key_of_its_own_and_is_used():
    assert len({work.key for work in WORKS}) == len(WORKS)
    used = {work for works in references.OF_PARTS.values() for work in works}
    used |= {work for study in STUDIES.values() for work in study.works}
    assert used == set(WORKS)


def test_a_study_names_the_works_of_its_text():
    years = re.compile(r"\((\d{4})\)|\bal\. (\d{4})|\(\w+ (\d{4})\)")
    for study in STUDIES.values():
        text = inspect.getdoc(inspect.getmodule(type(study))) or ""
        named = {int(next(filter(None, found))) for found in years.findall(text)}
        assert named <= {work.year for work in study.works}, study.name


def test_bibtex_reads_every_work(tmp_path):
    (tmp_path / "references.bib").write_text("\n\n".join(work.bibtex for work in WORKS), "ascii")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\begin{document}\n\\nocite{*}\n"
        "\\bibliographystyle{plain}\n\\bibliography{references}\n\\end{document}\n"
    )
    compile_latex(tmp_path)
    assert (tmp_path / "paper.bbl").read_text().count("\\bibitem") == len(WORKS)
    assert "Warning" not in (tmp_path / "paper.blg").read_text()
