"""A paper as a zip of files; the same results give the same bytes."""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from service import schemas
from service.exports.encoding import WriteBuffer
from service.figures import rendering
from service.paper.content import Paper
from service.paper.document import bibliography, document, verdict_table

README = """A paper's worth of an Extrapolab: {title}

paper.tex          a document with everything below; compile it with
                   pdflatex paper && bibtex paper && pdflatex paper && pdflatex paper
figures/*.pdf      the figures, with their captions in figures/*.txt
verdicts.tex       the table of verdicts, for \\input (only of a study)
references.bib     the works that are named
provenance.json    the experiments with the hashes of their specs, and exact numbers of the verdicts

In LaTeX, a character that the standard fonts lack is written as its code point, such as [U+4E2D].
"""


def zipped(paper: Paper) -> Iterator[bytes]:
    """The zip of the paper's files, file by file.

    The same results give the same bytes: no file has a time.
    """
    buffer = WriteBuffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in _files(paper):
            with archive.open(path, "w") as file:
                file.write(content)
            yield buffer.take()
    yield buffer.take()


def _files(paper: Paper) -> Iterator[tuple[str, bytes]]:
    yield "README.txt", README.format(title=paper.title).encode()
    yield "paper.tex", document(paper).encode("ascii")
    if paper.claims:
        yield "verdicts.tex", verdict_table(paper.claims).encode("ascii")
    yield "references.bib", bibliography(paper).encode("ascii")
    yield "provenance.json", json.dumps(_provenance(paper), indent=2, ensure_ascii=False).encode()
    for figure in paper.figures:
        content = rendering.render(figure.figure, figure.info, "pdf", figure.look)
        yield f"figures/{figure.name}.pdf", content
        yield f"figures/{figure.name}.txt", f"{figure.info.caption}\n".encode()


def _provenance(paper: Paper) -> dict[str, Any]:
    return {
        "source": dict(paper.source),
        "ended_at": _iso(paper.ended_at),
        "figure_style": rendering.style_version(),
        "figures": [
            {"name": figure.name, "spec_hashes": figure.info.spec_hashes}
            for figure in paper.figures
        ],
        "left_out": list(paper.left_out),
        "claims": [
            schemas.JudgedClaim.from_record(claim).model_dump(mode="json") for claim in paper.claims
        ],
        "experiments": [
            {
                "id": experiment.id,
                "name": experiment.content["name"],
                "spec_hash": experiment.spec_hash,
                "setup_hash": experiment.setup_hash,
                "finished_at": _iso(experiment.finished_at or 0.0),
                "provenance": dict(experiment.provenance or {}),
            }
            for experiment in paper.experiments
        ],
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
