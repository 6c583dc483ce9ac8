"""Figures, drawn on request."""

import pytest

from core.figures import FIGURES
from tests.kit import sample_specs

pytestmark = pytest.mark.filterwarnings(
    "ignore:Glyph .* missing"
)  # a name may hold what no font does

RECORDED = ["eigenvalues", "response"]
STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "json": b"{"}


@pytest.fixture
def completed(submit, worker) -> str:
    path = submit(
        name="costs $5, or $\\frac{1}{2$ <&> 🚂",
        notes="n",
        evaluation={"horizon": 8, "record": RECORDED},
    )
    claim = worker.claim()
    worker.complete(
        claim, points=sample_specs.points([0, 1, 10, 100], claim.spec.seeds, record=RECORDED)
    )
    return path


@pytest.mark.parametrize("form", STARTS)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_every_form_and_the_same_bytes_every_time(client, completed, name, form):
    path = f"{completed}/figures/{name}.{form}"
    first, second = client.get(path), client.get(path)
    assert first.status_code == 200, first.text
    assert first.content.startswith(STARTS[form])
    assert second.content == first.content
    assert client.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_the_media_types_are_those_of_the_forms(client, completed):
    types = [
        client.get(f"{completed}/figures/response.{form}").headers["content-type"]
        for form in STARTS
    ]
    assert types == ["image/svg+xml", "image/png", "application/pdf", "application/json"]


@pytest.mark.parametrize(
    ("name", "told"), [("respnse.svg", "'response'"), ("response.bmp", "svg, png, pdf, json")]
)
def test_an_unknown_figure_is_not_found_and_the_known_ones_are_named(client, completed, name, told):
    answer = client.get(f"{completed}/figures/{name}")
    assert answer.status_code == 404
    assert told in answer.json()["detail"]


def test_there_is_nothing_to_draw_of_a_result_before_the_end(client, submit):
    assert client.get(f"{submit()}/figures/response.svg").status_code == 409


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if figure.early])
def test_a_training_is_drawn_while_it_runs_as_soon_as_something_is_recorded(
    client, submit, worker, name
):
    figure = f"{submit(evaluation={'horizon': 8, 'record': RECORDED})}/figures/{name}.json"
    claim = worker.claim()
    answer = client.get(figure)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "no_result_yet")
    assert "nothing yet" in answer.json()["detail"]
    worker.record(claim, sample_specs.points([0, 1, 10], claim.spec.seeds, record=RECORDED))
    assert "so far" in client.get(figure).json()["title"]
    assert client.get(figure.replace("json", "svg")).content.startswith(b"<?xml")
    worker.fail(claim, "It broke.", "")
    assert client.get(figure).status_code == 200, "what was recorded stays to be seen"


@pytest.mark.parametrize(
    "case",
    [
        ("trajectory", {"kind": "linear", "dim": 3}, 'evaluation.record: ["response"]'),
        ("eigenvalues", {"kind": "linear", "dim": 3}, 'evaluation.record: ["eigenvalues"]'),
        ("imbalance", {"kind": "gru", "dim": 3}, "a gru student has no A"),
        ("weighted_spectrum", {"kind": "gru", "dim": 3}, "a gru student has no A"),
    ],
)
def test_what_an_experiment_does_not_have_is_not_drawn_and_said(client, submit, worker, case):
    name, student, told = case
    path = submit(student=student)
    claim = worker.claim()
    worker.complete(claim, points=sample_specs.points([0, 100], claim.spec.seeds))
    answer = client.get(f"{path}/figures/{name}.svg")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "not_drawable")
    assert told in answer.json()["detail"]
