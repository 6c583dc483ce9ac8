"""Papers: a zip whose LaTeX compiles, whose numbers are the lab's, and whose bytes repeat."""

import io
import json
import re
import zipfile

import pytest

from core.latex import number
from tests.kit import sample_specs
from tests.kit.latex import compile_latex

ODD_NAME = r"50% of A_1 & B^2 \input{x} #3 ~ {学习} נص λ̂ ≤ ĥ_j – " + "x" * 60


def paper(client, **parameters):
    answer = client.get("/v1/paper", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def texts(archive):
    return {name: archive.read(name).decode() for name in archive.namelist() if "pdf" not in name}


def compiled(archive, folder):
    """The log of LaTeX, after checks that hold for every paper."""
    archive.extractall(folder)
    log = compile_latex(folder)
    assert "undefined" not in log, "a reference or citation"
    assert "Missing character" not in log
    assert "pk>" not in log, "a font of pixels"
    assert (folder / "paper.blg").read_text().count("Warning") == 0
    return log


@pytest.fixture
def balanced(client, worker):
    """The report of a study with numbers under which some claims fail, and one was not run."""
    members = client.post("/v1/studies/balanced").json()["experiments"]
    near_zero_start = members[:8]
    assert client.post(f"/v1/experiments/{near_zero_start[-1]['id']}:cancel").status_code == 200
    for _ in members[1:]:
        worker.complete(worker.claim())
    return client.get("/v1/studies/balanced/report").json()


def test_a_study_is_written_up_with_its_verdicts(client, balanced, tmp_path):
    archive = paper(client, study="balanced")
    assert archive.namelist() == [
        "README.txt",
        "paper.tex",
        "verdicts.tex",
        "references.bib",
        "provenance.json",
        "figures/balanced-extrapolation.pdf",
        "figures/balanced-extrapolation.txt",
    ]
    content = texts(archive)
    provenance = json.loads(content["provenance.json"])
    assert provenance["claims"] == balanced["claims"]
    assert {claim["verdict"] for claim in balanced["claims"]} == {"holds", "fails", "not_run"}
    rows = re.findall(r" & (\S+) & (\S+|not run) \\\\", content["verdicts.tex"])
    assert rows[0] == ("value", "verdict")
    words = {"holds": "holds", "fails": r"\textbf{fails}", "not_run": "not run"}
    assert rows[1:] == [
        (number(claim["value"]), words[claim["verdict"]]) for claim in balanced["claims"]
    ]
    assert len(provenance["experiments"]) == 31
    assert "31 of 32 experiments are completed" in content["paper.tex"]
    drawn = client.get("/v1/studies/balanced/figures/extrapolation.json").json()
    assert content["figures/balanced-extrapolation.txt"] == drawn["caption"] + "\n"
    assert provenance["figures"][0]["spec_hashes"] == drawn["spec_hashes"]
    assert "@inproceedings{cohenkarlik2023," in content["references.bib"]
    compiled(archive, tmp_path)


def test_the_same_results_have_the_same_bytes(client, balanced):
    study = client.get("/v1/studies").json()["items"][0]
    first, second = (client.get(study["links"]["quick"]["paper"]).content for _ in range(2))
    assert first[:2] == b"PK"
    assert first == second


def test_a_query_is_written_up_over_what_varies(client, submit, worker, tmp_path):
    for length in (4, 5, 6):
        for scale in (0.001, 0.01, 0.1):
            submit(
                name=ODD_NAME,
                tags=["paper"],
                training={"length": length},
                student={"kind": "linear", "dim": 3, "start": {"kind": "gaussian", "scale": scale}},
                optimizer={"kind": "adam", "steps": 100},
            )
            worker.complete(worker.claim())
    submit(tags=["paper"])
    archive = paper(client, q="tag:paper")
    content = texts(archive)
    assert {name for name in archive.namelist() if name.endswith(".pdf")} == {
        "figures/lines.pdf",
        "figures/heatmap.pdf",
    }
    assert "9 experiments are completed" in content["paper.tex"]
    assert "training length $k$ & 4, 5, 6 \\\\" in content["paper.tex"]
    assert "scale of the start $s$ & 0.001, 0.01, 0.1 \\\\" in content["paper.tex"]
    assert "student & linear \\\\" in content["paper.tex"]
    assert r"\cite{kingma2015}" in content["paper.tex"]
    compiled(archive, tmp_path)


def test_a_few_experiments_are_shown_one_by_one_whatever_their_names(
    client, submit, worker, tmp_path
):
    submit(name=ODD_NAME, tags=["paper"])
    claim = worker.claim()
    worker.complete(claim, None, sample_specs.points([0, 1, 100], claim.spec.seeds))
    archive = paper(client, q="tag:paper")
    assert [name for name in archive.namelist() if name.endswith(".pdf")] == [
        "figures/responses.pdf",
        "figures/response-1.pdf",
        "figures/training-1.pdf",
    ]
    (experiment,) = json.loads(archive.read("provenance.json"))["experiments"]
    assert experiment["name"] == ODD_NAME
    assert experiment["provenance"] == {"torch": "2.13"}
    compiled(archive, tmp_path)


def test_a_sweep_is_written_up_with_the_figures_that_its_axes_allow(
    client, submit_sweep, worker, tmp_path
):
    path = submit_sweep({"path": "training.length", "values": [3, 4]}, name=ODD_NAME)
    sweep = path.rpartition("/")[2]
    for _ in range(2):
        worker.complete(worker.claim())
    archive = paper(client, sweep=sweep[:12])
    assert [name for name in archive.namelist() if name.endswith(".pdf")] == ["figures/lines.pdf"]
    provenance = json.loads(archive.read("provenance.json"))
    assert provenance["source"] == {"sweep": sweep}
    assert provenance["left_out"] == ["heatmap: a heat map needs two axes; lines need one"]
    compiled(archive, tmp_path)


def test_saved_figures_are_written_up_together(client, submit, worker):
    submit(tags=["paper"])
    worker.complete(worker.claim())
    recipes = [
        {"query": "tag:paper", "x": "training.length", "name": "Error"},
        {"query": "tag:paper", "x": "lag", "y": "response"},
        {"query": "tag:nothing", "x": "training.length"},
    ]
    ids = [client.post("/v1/figures", json=recipe).json()["id"] for recipe in recipes]
    archive = paper(client, figures=",".join(ids))
    names = [name for name in archive.namelist() if name.endswith(".pdf")]
    assert names == [f"figures/{figure_id}.pdf" for figure_id in ids[:2]]
    provenance = json.loads(archive.read("provenance.json"))
    assert provenance["left_out"] == [f"{ids[2]}: no matching experiment is completed yet"]
    assert len(provenance["experiments"]) == 1


def test_figures_have_the_width_of_the_paper(client, submit, worker):
    submit(tags=["paper"])
    worker.complete(worker.claim())

    def width(**parameters):
        drawn = paper(client, q="tag:paper", **parameters).read("figures/response-1.pdf")
        return float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", drawn)[1]) / 72

    assert width() == pytest.approx(5.5, abs=0.01)
    assert width(width="ieee") == pytest.approx(3.5, abs=0.01)
    assert width(width="4") == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("", 422, "/query"),
        ("study=balanced&q=tag:a", 422, "/query"),
        ("study=nothing", 404, "/query/study"),
        ("study=balanced&size=huge", 422, "/query/size"),
        ("sweep=swp_00000000000000000000000000000000", 404, "/query/sweep"),
        ("figures=fig_00000000000000000000000000000000", 404, "/query/figures"),
        ("figures=a,,b", 422, "/query/figures"),
        ("study=balanced&width=huge", 422, "/query/width"),
        ("q=nothing", 400, "/query/q"),
        ("q=tag:nothing", 409, ""),
        ("study=balanced", 409, ""),
    ],
)
def test_a_request_that_names_nothing_is_refused(client, query, status, pointer):
    answer = client.get(f"/v1/paper?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
