"""Looks of figures over HTTP: every figure takes one, recipes keep theirs, and bad parts are named.

Sizes, fonts and limits of the files are tested where they are drawn.
"""

import re

import pytest

from core.figures import COMPARISON_FIGURES, FIGURES, SWEEP_FIGURES
from core.recipe import Recipe
from store import saved_figures
from store.db.user_tables import figures
from tests.kit import sample_specs

RECORDED = ["eigenvalues", "response"]
RECIPE = {"query": "tag:a", "x": "training.length", "y": "train_loss", "name": "Named"}
PAPER = {"style": "paper", "width": "ieee"}
IEEE = 'width="252pt"'
BAD = {
    "style": "poster",
    "width": "icml",
    "height": "0.1",
    "font_size": "x",
    "title": "a\x07b",
    "footer": "maybe",
    "xlim": "5,1",
    "ylim": "1",
    "cmap": "jet",
    "legend": "left",
}


def words(svg: str) -> str:
    """All text that is text in an SVG."""
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def pointers(answer) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {error["pointer"] for error in answer.json()["errors"]}


@pytest.fixture
def completed(submit, worker):
    """Two completed experiments with the tag a; the paths of both."""
    paths = []
    for k in (2, 4):
        evaluation = {"horizon": 8, "record": RECORDED}
        paths.append(submit(tags=["a"], training={"length": k}, evaluation=evaluation))
        claim = worker.claim()
        points = sample_specs.points([0, 1, 10, 100], claim.spec.seeds, record=RECORDED)
        worker.complete(claim, points=points)
    return paths


@pytest.fixture
def sweep(submit_sweep, worker):
    """The path of a completed sweep over two axes."""
    path = submit_sweep(
        {"path": "training.length", "values": [2, 4]},
        {"path": "student.start.scale", "values": [0.01, 1.0]},
    )
    for _ in range(4):
        worker.complete(worker.claim())
    return path


@pytest.fixture
def save(client):
    """Saves a recipe; returns its path."""

    def save(**changes):
        answer = client.post("/v1/figures", json=RECIPE | changes)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    return save


def assert_takes_looks(client, path, **parameters):
    """Checks that a figure is drawn in a look, and that its caption is a format of its own."""
    plain = client.get(f"{path}.svg", params=parameters)
    paper = client.get(f"{path}.svg", params=parameters | PAPER)
    assert (plain.status_code, paper.status_code) == (200, 200), plain.text + paper.text
    assert IEEE in paper.text
    assert "<text" in paper.text
    assert "<text" not in plain.text
    assert plain.headers["etag"] != paper.headers["etag"]
    caption = client.get(f"{path}.txt", params=parameters | PAPER)
    assert caption.headers["content-type"] == "text/plain; charset=utf-8"
    assert caption.text.strip() == client.get(f"{path}.json", params=parameters).json()["caption"]


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_an_experiment_take_looks(client, completed, name):
    assert_takes_looks(client, f"{completed[0]}/figures/{name}")


@pytest.mark.parametrize("name", COMPARISON_FIGURES)
def test_comparisons_take_looks(client, completed, name):
    ids = ",".join(path.rpartition("/")[2] for path in completed)
    assert_takes_looks(client, f"/v1/compare/figures/{name}", ids=ids)


@pytest.mark.parametrize("name", SWEEP_FIGURES)
def test_figures_of_a_sweep_take_looks(client, sweep, name):
    assert_takes_looks(client, f"{sweep}/figures/{name}", y="train_loss")


def test_previews_and_saved_figures_take_looks(client, completed, save):
    assert_takes_looks(client, "/v1/figures/preview", **RECIPE)
    assert_takes_looks(client, save())


@pytest.mark.usefixtures("completed")
class TestRecipes:
    def test_a_recipe_keeps_its_look(self, client, save):
        path = save(**PAPER, xlim=[1, 9], legend="none")
        look = PAPER | {"xlim": [1.0, 9.0], "legend": "none"}
        assert client.get(path).json()["recipe"].items() >= look.items()
        assert IEEE in client.get(f"{path}.svg").text
        change = {"width": "2.7", "xlim": "2,4", "legend": None}
        changed = client.patch(path, json=change, headers={"If-Match": "*"}).json()["recipe"]
        assert (changed["width"], changed["xlim"], "legend" in changed) == (2.7, [2.0, 4.0], False)
        assert IEEE not in client.get(f"{path}.svg").text

    def test_parameters_come_before_the_recipe(self, client, save):
        path = save(**PAPER, title="Of the recipe")
        for parameters, titles in (
            ({}, ["Of the recipe"]),
            ({"title": "Of the request"}, ["Of the request"]),
            ({"title": "none"}, []),
        ):
            svg = client.get(f"{path}.svg", params=parameters).text
            assert re.findall("Of the [a-z]+|none", words(svg)) == titles
            assert IEEE in svg
        assert "<text" not in client.get(f"{path}.svg", params={"style": "screen"}).text

    def test_a_title_comes_before_the_name_which_the_data_keep(self, client, save):
        path = save(**PAPER, title="Titled")
        assert client.get(f"{path}.json").json()["title"] == "Named"
        assert "Titled" in words(client.get(f"{path}.svg").text)
        assert "Named" not in words(client.get(f"{path}.svg").text)

    def test_a_recipe_that_was_stored_without_a_look_is_read(self, client, worker, save):
        path = save()
        stored = {
            name: value
            for name, value in Recipe(**RECIPE).model_dump(mode="json").items()
            if name in {*RECIPE, "kind", "series", "facets", "statistic", "band"}
        }
        with worker.database.write() as tx:
            tx.execute(figures.update().values(recipe=stored))
        with worker.database.read() as tx:
            assert saved_figures.get(tx, path.rpartition("/")[2]).recipe == Recipe(**RECIPE)
        assert client.get(f"{path}.svg").status_code == 200


class TestRefusals:
    def test_every_bad_part_is_named_where_it_was_given(self, client, completed, save):
        path = save()
        parameters = {f"/query/{name}" for name in BAD}
        study = "/v1/studies/counterexample/figures/extrapolation.svg"
        for figure in (f"{completed[0]}/figures/response.svg", f"{path}.svg", study):
            assert pointers(client.get(figure, params=BAD)) == parameters
        assert pointers(client.get("/v1/figures/preview.svg", params=RECIPE | BAD)) == parameters
        members = {f"/{name}" for name in BAD}
        assert pointers(client.post("/v1/figures", json=RECIPE | BAD)) == members
        change = client.patch(path, json=BAD, headers={"If-Match": "*"})
        assert pointers(change) == members

    def test_the_same_sentence_is_said_everywhere(self, client, completed):
        for part, given in BAD.items():
            first, second = (
                client.get(path, params=parameters | {part: given}).json()["errors"][0]["message"]
                for path, parameters in (
                    (f"{completed[0]}/figures/response.svg", {}),
                    ("/v1/figures/preview.svg", RECIPE),
                )
            )
            assert first == second

    def test_an_unknown_part_is_named(self, client, completed):
        answer = client.get(f"{completed[0]}/figures/response.svg?widht=3")
        assert pointers(answer) == {"/query/widht"}
        assert "did you mean 'width'?" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            ("ylim=-1,5", "ylim=-1,5 should start above 0, as the y-axis is logarithmic"),
            ("xlim=1000,2000", "xlim=1000,2000 shows nothing"),
        ],
    )
    def test_limits_that_can_not_be_shown_are_refused(self, client, completed, limits, reason):
        answer = client.get(f"{completed[0]}/figures/response.svg?{limits}")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "not_drawable")
        assert reason in answer.json()["detail"]
