"""Saved figures: recipes that are stored, changed and drawn."""

import pytest

from tests.integration.service.saved_figures.recipes import RECIPE

# a name below has characters that are in no font
pytestmark = pytest.mark.filterwarnings("ignore:Glyph .* missing")

DEFAULTS = {
    "kind": "lines",
    "facets": None,
    "output": None,
    "input": None,
    "statistic": "median",
    "band": "quartiles",
    "x_scale": "auto",
    "y_scale": "auto",
}


def pointers(answer):
    return [error["pointer"] for error in answer.json()["errors"]]


class TestRecipes:
    def test_a_saved_figure_has_its_recipe_with_defaults(self, client, save):
        path = save(name="first")
        answer = client.get(path)
        assert answer.json()["recipe"] == RECIPE | DEFAULTS | {"name": "first"}
        headers = {"If-None-Match": answer.headers["etag"]}
        assert client.get(path, headers=headers).status_code == 304

    def test_saved_figures_are_listed_newest_first(self, client, save):
        save(name="first")
        save(name="second")
        page = client.get("/v1/figures?limit=1").json()
        rest = client.get(f"/v1/figures?limit=1&cursor={page['next']}").json()
        names = [item["recipe"]["name"] for item in page["items"] + rest["items"]]
        assert (names, rest["next"]) == (["second", "first"], None)

    def test_a_recipe_is_changed_under_its_etag(self, client, save):
        path = save()
        before = client.get(path)
        headers = {"If-Match": before.headers["etag"]}
        change = {"statistic": "mean", "band": "standard_error", "series": None}
        changed = client.patch(path, json=change, headers=headers)
        assert changed.json()["recipe"] == before.json()["recipe"] | change
        assert changed.json()["id"] == before.json()["id"]
        assert client.patch(path, json={"name": "x"}, headers=headers).status_code == 412
        assert client.patch(path, json={"name": "x"}).status_code == 428

    def test_a_removed_figure_is_gone(self, client, save):
        path = save()
        assert client.delete(path).status_code == 204
        for answer in (client.get(path), client.delete(path), client.get(f"{path}.svg")):
            assert answer.status_code == 404

    def test_a_repeated_submission_is_saved_once(self, client):
        request = {"json": RECIPE, "headers": {"Idempotency-Key": "k"}}
        first, second = (client.post("/v1/figures", **request).json() for _ in range(2))
        assert first == second
        assert len(client.get("/v1/figures").json()["items"]) == 1

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"x": "training.lenth"}, ["/x"]),
            ({"x": "tag"}, ["/x"]),
            ({"series": "lag"}, ["/series"]),
            ({"y": "trainloss"}, ["/y"]),
            ({"x": "lag", "y": "train_loss"}, ["/y"]),
            ({"x": "step", "y": "zero_baseline"}, ["/y"]),
            ({"query": "tag:"}, ["/query"]),
            (
                {"query": "nothing = 1", "x": "a", "y": "b", "facets": "c"},
                ["/query", "/x", "/facets", "/y"],
            ),
            ({"kind": "heatmap", "series": None}, ["/series"]),
            ({"kind": "heatmap", "x": "step"}, ["/x"]),
            ({"kind": "heatmap", "x": "imbalance"}, ["/x"]),
            ({"x": "imbalance", "statistic": "mean", "band": "range"}, ["/statistic", "/band"]),
            ({"x": "train_loss"}, ["/y"]),
            ({"x": "time", "y": "time"}, ["/y"]),
            ({"facets": "student.start.scale"}, ["/facets"]),
            ({"series": "training.length"}, ["/series"]),
            ({"band": "standard_error"}, ["/band"]),
            ({"kind": "pie"}, ["/kind"]),
            ({"colour": "red"}, ["/colour"]),
            ({"statistic": "mode", "x_scale": "sqrt"}, ["/statistic", "/x_scale"]),
        ],
    )
    def test_all_problems_of_a_recipe_are_named_at_once(
        self, client, save, preview, changes, expected
    ):
        recipe = {name: part for name, part in (RECIPE | changes).items() if part is not None}
        for answer in (
            client.post("/v1/figures", json=recipe),
            client.patch(save(), json=changes, headers={"If-Match": "*"}),
        ):
            assert (answer.status_code, pointers(answer)) == (422, expected)
        previewed = preview(**changes)
        assert previewed.status_code == 422
        assert sorted(pointers(previewed)) == sorted(f"/query{pointer}" for pointer in expected)


def test_a_saved_figure_changes_only_if_results_arrive(client, save, complete, experiments):
    path = save()
    before = {form: client.get(f"{path}.{form}") for form in ("svg", "pdf", "png", "json")}
    for form, answer in before.items():
        assert answer.status_code == 200
        again = client.get(f"{path}.{form}")
        assert (again.content, again.headers["etag"]) == (answer.content, answer.headers["etag"])
        headers = {"If-None-Match": answer.headers["etag"]}
        assert client.get(f"{path}.{form}", headers=headers).status_code == 304
    assert path.rpartition("/")[2] in before["svg"].text
    complete(6, 1.0)
    for form, answer in before.items():
        headers = {"If-None-Match": answer.headers["etag"]}
        after = client.get(f"{path}.{form}", headers=headers)
        assert after.status_code == 200
        assert after.content != answer.content
    assert client.get(f"{path}.json").json()["panels"][0]["lines"][1]["x"] == [2.0, 4.0, 6.0]


def test_any_name_and_query_can_be_drawn(client, save, experiments):
    path = save(name="costs $5, or $\\frac{1}{2$ <&> 🚂", query="tag:a or name = '<&\"$x^2'")
    for form, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert client.get(f"{path}.{form}").content.startswith(start)
