"""Figures of one experiment, drawn on request."""

import sys

import pytest

from core.figures import FIGURES
from service.figures import rendering
from service.figures.cache import FigureCache
from service.figures.drawer import Drawer
from tests.kit import sample_specs

# the name below has characters that are in no font
pytestmark = pytest.mark.filterwarnings("ignore:Glyph .* missing")

RECORDED = ["eigenvalues", "response"]
EVALUATION = {"horizon": 8, "record": RECORDED}
STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "json": b"{"}


@pytest.fixture
def completed(submit, worker) -> str:
    """The path of a completed experiment that recorded its trajectories."""
    path = submit(name="costs $5, or $\\frac{1}{2$ <&> 🚂", notes="n", evaluation=EVALUATION)
    claim = worker.claim()
    points = sample_specs.points([0, 1, 10, 100], claim.spec.seeds, record=RECORDED)
    worker.complete(claim, points=points)
    return path


@pytest.mark.parametrize("form", STARTS)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_the_same_bytes_every_time_in_every_format(
    client, completed, monkeypatch, name, form
):
    monkeypatch.setattr(rendering, "_rendered", FigureCache(0))
    path = f"{completed}/figures/{name}.{form}"
    first, second = client.get(path), client.get(path)
    assert first.status_code == 200, first.text
    assert first.content.startswith(STARTS[form])
    assert second.content == first.content
    assert client.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_each_format_has_its_media_type(client, completed):
    answers = [client.get(f"{completed}/figures/response.{form}") for form in STARTS]
    types = [answer.headers["content-type"] for answer in answers]
    assert types == ["image/svg+xml", "image/png", "application/pdf", "application/json"]


@pytest.mark.parametrize(
    ("name", "hint"), [("respnse.svg", "'response'"), ("response.bmp", "svg, png, pdf, json")]
)
def test_an_unknown_figure_is_not_found_and_the_known_ones_are_named(client, completed, name, hint):
    answer = client.get(f"{completed}/figures/{name}")
    assert answer.status_code == 404
    assert hint in answer.json()["detail"]


@pytest.mark.parametrize("name", ["training", "imbalance", "eigenvalues"])
def test_a_training_is_drawn_over_steps_or_time(client, completed, name):
    by_default, by_time = (
        client.get(f"{completed}/figures/{name}.json{query}").json() for query in ("", "?x=time")
    )
    assert (by_default["x"], by_time["x"]) == ("step", "time")
    drawn = [client.get(f"{completed}/figures/{name}.svg{query}") for query in ("", "?x=time")]
    assert drawn[0].content != drawn[1].content


@pytest.mark.parametrize(
    ("name", "choice", "hint"),
    [
        ("response", "x=time", "takes no x; training, imbalance and eigenvalues do"),
        (
            "spectrum",
            "input=1",
            "the figure 'spectrum' takes no input; response, weighted_spectrum",
        ),
        ("training", "output=1", "the figure 'training' takes no output"),
        ("training", "x=lag", "/query/x"),
        ("response", "output=0", "/query/output"),
    ],
)
def test_a_choice_that_a_figure_does_not_offer_is_refused(client, completed, name, choice, hint):
    answer = client.get(f"{completed}/figures/{name}.svg?{choice}")
    assert answer.status_code == 422
    assert hint in answer.json()["detail"]


def test_a_channel_that_is_not_there_can_not_be_drawn(client, completed):
    problem = client.get(f"{completed}/figures/response.svg?output=9").json()
    assert (problem["status"], problem["title"]) == (409, "The figure can't be drawn")


def test_a_figure_whose_drawing_is_killed_is_a_problem_with_the_reason(
    client, completed, monkeypatch
):
    monkeypatch.setattr(rendering, "_drawer", Drawer())
    monkeypatch.setattr(sys, "executable", "/bin/true")  # ends at once
    answer = client.get(f"{completed}/figures/response.svg")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "not_drawable")
    assert "was killed" in answer.json()["detail"]


def test_a_figure_of_the_result_needs_a_completed_experiment(client, submit):
    assert client.get(f"{submit()}/figures/response.svg").status_code == 409


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if figure.early])
def test_a_figure_of_the_training_is_drawn_from_the_first_recorded_point_on(
    client, submit, worker, name
):
    figure = f"{submit(evaluation=EVALUATION)}/figures/{name}.json"
    claim = worker.claim()
    answer = client.get(figure)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "no_result_yet")
    assert "nothing yet" in answer.json()["detail"]
    worker.record(claim, sample_specs.points([0, 1, 10], claim.spec.seeds, record=RECORDED))
    assert "so far" in client.get(figure).json()["title"]
    assert client.get(figure.replace("json", "svg")).content.startswith(b"<?xml")
    worker.fail(claim, "It broke.", "")
    assert client.get(figure).status_code == 200, "recorded points outlive a failure"


@pytest.mark.parametrize(
    "case",
    [
        ("trajectory", {"kind": "linear", "dim": 3}, 'evaluation.record: ["response"]'),
        ("eigenvalues", {"kind": "linear", "dim": 3}, 'evaluation.record: ["eigenvalues"]'),
        ("imbalance", {"kind": "gru", "dim": 3}, "a GRU student has no A"),
        ("weighted_spectrum", {"kind": "gru", "dim": 3}, "a GRU student has no A"),
    ],
)
def test_a_figure_without_data_is_refused_with_the_reason(client, submit, worker, case):
    name, student, hint = case
    path = submit(student=student)
    claim = worker.claim()
    worker.complete(claim, points=sample_specs.points([0, 100], claim.spec.seeds))
    answer = client.get(f"{path}/figures/{name}.svg")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "not_drawable")
    assert hint in answer.json()["detail"]
