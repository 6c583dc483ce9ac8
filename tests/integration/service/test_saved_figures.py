"""Saved figures: recipes that are kept, changed and drawn anew, and figures that nobody saved."""

import pytest

from core.result import Outcome
from tests.kit import sample_specs

pytestmark = pytest.mark.filterwarnings(
    "ignore:Glyph .* missing"
)  # a name may hold what no font does

RECIPE = {
    "query": "tag:a",
    "x": "training.length",
    "y": "train_loss",
    "series": "student.start.scale",
}


def start(scale):
    return {"kind": "linear", "dim": 3, "start": {"kind": "gaussian", "scale": scale}}


@pytest.fixture
def complete(submit, worker):
    """Submits an experiment under the tag a and completes it; its id."""

    def complete(length, scale, *, lost=(), name="", **more):
        path = submit(
            name=name, tags=["a"], training={"length": length}, student=start(scale), **more
        )
        claim = worker.claim()
        ends = [Outcome.DIVERGED if seed in lost else Outcome.FITTED for seed in claim.spec.seeds]
        runs = [
            sample_specs.run(s, outcome=ends[s], value=length * scale * (1 + 2 * s))
            for s in claim.spec.seeds
        ]
        worker.complete(
            claim, sample_specs.result(*runs), sample_specs.points([0, 1, 100], claim.spec.seeds)
        )
        return path.rpartition("/")[2]

    return complete


@pytest.fixture
def some(complete):
    """Four experiments over k and scale, one of them with a diverged seed."""
    return [
        complete(k, scale, lost=(1,) if (k, scale) == (4, 1.0) else ())
        for scale in (0.01, 1.0)
        for k in (2, 4)
    ]


@pytest.fixture
def saved(client):
    """Saves a recipe; its path."""

    def saved(**changes):
        answer = client.post("/v1/figures", json=RECIPE | changes)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    return saved


def test_a_saved_figure_is_read_listed_changed_and_removed(client, saved):
    paths = [saved(name="first"), saved(name="second")]
    one = client.get(paths[0])
    assert one.json()["recipe"] == RECIPE | {
        "name": "first", "kind": "lines", "facets": None, "statistic": "median", "band": "quartiles",
        "x_scale": "auto", "y_scale": "auto",
    }  # fmt: skip
    assert client.get(paths[0], headers={"If-None-Match": one.headers["etag"]}).status_code == 304
    page = client.get("/v1/figures?limit=1").json()
    rest = client.get(f"/v1/figures?limit=1&cursor={page['next']}").json()
    assert [item["recipe"]["name"] for item in page["items"] + rest["items"]] == ["second", "first"]
    assert rest["next"] is None
    change = {"statistic": "mean", "band": "standard_error", "series": None}
    changed = client.patch(paths[0], json=change, headers={"If-Match": one.headers["etag"]})
    assert changed.json()["recipe"] == one.json()["recipe"] | change
    assert changed.json()["id"] == one.json()["id"]
    stale = client.patch(paths[0], json={"name": "x"}, headers={"If-Match": one.headers["etag"]})
    assert (stale.status_code, client.patch(paths[0], json={"name": "x"}).status_code) == (412, 428)
    assert client.delete(paths[0]).status_code == 204
    for answer in (client.get(paths[0]), client.delete(paths[0]), client.get(f"{paths[0]}.svg")):
        assert answer.status_code == 404


def test_the_same_submission_is_saved_once(client):
    first, second = (
        client.post("/v1/figures", json=RECIPE, headers={"Idempotency-Key": "k"}).json()
        for _ in range(2)
    )
    assert first == second
    assert len(client.get("/v1/figures").json()["items"]) == 1


@pytest.mark.parametrize(
    ("changes", "pointers"),
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
        ({"facets": "student.start.scale"}, ["/facets"]),
        ({"series": "training.length"}, ["/series"]),
        ({"band": "standard_error"}, ["/band"]),
        ({"kind": "pie"}, ["/kind"]),
        ({"colour": "red"}, ["/colour"]),
        ({"statistic": "mode", "x_scale": "sqrt"}, ["/statistic", "/x_scale"]),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named_all_at_once(client, saved, changes, pointers):
    recipe = {name: value for name, value in (RECIPE | changes).items() if value is not None}
    refused = client.post("/v1/figures", json=recipe)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (
        422,
        pointers,
    )
    previewed = client.get("/v1/figures/preview.svg", params=recipe)
    assert previewed.status_code == 422
    assert sorted(error["pointer"] for error in previewed.json()["errors"]) == sorted(
        f"/query{p}" for p in pointers
    )
    changed = client.patch(saved(), json=changes, headers={"If-Match": "*"})
    assert (changed.status_code, [error["pointer"] for error in changed.json()["errors"]]) == (
        422,
        pointers,
    )


def test_lines_are_statistics_over_all_runs_at_a_place(client, some):
    data = client.get("/v1/figures/preview.json", params=RECIPE).json()
    (panel,) = data["panels"]
    small, large = panel["lines"]
    assert (small["label"], small["x"], large["label"]) == ("scale = 0.01", [2.0, 4.0], "scale = 1")
    assert small["y"] == pytest.approx([0.04, 0.08])
    assert (small["lower"], small["upper"]) == (
        pytest.approx([0.02, 0.04]),
        pytest.approx([0.06, 0.12]),
    )
    assert large["y"] == [pytest.approx(4.0), "Infinity"]
    assert len(data["spec_hashes"]) == 4
    assert "4 completed experiments with 8 runs" in data["caption"]
    least = client.get(
        "/v1/figures/preview.json", params=RECIPE | {"statistic": "min", "band": "none"}
    ).json()
    assert [line["y"] for line in least["panels"][0]["lines"]] == [
        pytest.approx([0.02, 0.04]),
        [2.0, 4.0],
    ]
    assert least["panels"][0]["lines"][0]["lower"] == []
    pooled = client.get(
        "/v1/figures/preview.json",
        params={**RECIPE, "series": "training.length", "x": "student.dim"},
    )
    assert pooled.json()["panels"][0]["lines"][0]["y"] == [pytest.approx(1.03)]


def test_facets_are_panels_with_the_same_lines(client, some):
    asked = {
        "query": "tag:a",
        "x": "training.length",
        "facets": "student.start.scale",
        "y": "train_loss",
    }
    panels = client.get("/v1/figures/preview.json", params=asked).json()["panels"]
    assert [panel["title"] for panel in panels] == ["scale = 0.01", "scale = 1"]
    assert panels[0]["lines"][0]["y"] == pytest.approx([0.04, 0.08])


def test_a_heat_map_shows_what_is_not_completed(client, some, submit, worker):
    submit(tags=["a"], training={"length": 6}, student=start(1.0))
    data = client.get("/v1/figures/preview.json", params=RECIPE | {"kind": "heatmap"}).json()
    (grid,) = data["maps"]
    assert (grid["columns"], grid["rows"]) == ([2, 4, 6], [0.01, 1.0])
    assert grid["states"] == [["completed", "completed", ""], ["completed", "diverged", "queued"]]
    assert grid["values"][0] == [pytest.approx(0.04), pytest.approx(0.08), "NaN"]


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ({"x": "step", "y": "train_loss"}, {"x": [0.0, 1.0, 100.0]}),
        ({"x": "lag", "y": "response"}, {"x": [float(j) for j in range(8)]}),
        ({"x": "lag"}, {"x": [float(j) for j in range(8)]}),
        ({"x": "rank", "y": "eigenvalues"}, {"x": [1.0, 2.0, 3.0]}),
        ({"x": "rank"}, {"x": [1.0, 2.0, 3.0, 4.0]}),
    ],
)
def test_whole_curves_are_shown_by_step_lag_and_rank(client, some, asked, first):
    asked = {"query": "tag:a and training.length = 2", "series": "student.start.scale", **asked}
    data = client.get("/v1/figures/preview.json", params=asked).json()
    lines = data["panels"][0]["lines"]
    assert [line["label"] for line in lines[:2]] == ["scale = 0.01", "scale = 1"]
    assert lines[0]["x"] == first["x"]
    teachers = [line for line in lines if line["dashed"]]
    assert len(teachers) == (asked["x"] == "lag" or (asked["x"] == "rank" and "y" not in asked))
    for form in ("svg", "png"):
        assert client.get(f"/v1/figures/preview.{form}", params=asked).status_code == 200


def test_errors_are_from_the_teacher_and_end_with_its_line_at_k(client, some):
    asked = {"query": "tag:a and training.length = 2 and student.start.scale = 1", "x": "lag"}
    (panel,) = client.get("/v1/figures/preview.json", params=asked).json()["panels"]
    assert panel["lines"][0]["y"][2] == pytest.approx(
        3.75
    )  # responses are 2 and 6 there, the teacher's 0.25
    assert panel["limits"] == [{"label": "k = 2", "at": 1.5}]
    assert panel["lines"][1]["label"] == "|ĥ_j|"


def test_a_saved_figure_is_drawn_anew_as_results_land_and_else_is_not_modified(
    client, saved, some, complete
):
    path = saved()
    before = {form: client.get(f"{path}.{form}") for form in ("svg", "pdf", "png", "json")}
    for form, answer in before.items():
        assert answer.status_code == 200
        again = client.get(f"{path}.{form}")
        assert (again.content, again.headers["etag"]) == (answer.content, answer.headers["etag"])
        assert (
            client.get(
                f"{path}.{form}", headers={"If-None-Match": answer.headers["etag"]}
            ).status_code
            == 304
        )
    assert path.rpartition("/")[2] in before["svg"].text
    complete(6, 1.0)
    for form, answer in before.items():
        after = client.get(f"{path}.{form}", headers={"If-None-Match": answer.headers["etag"]})
        assert (after.status_code, after.content != answer.content) == (200, True)
    assert client.get(f"{path}.json").json()["panels"][0]["lines"][1]["x"] == [2.0, 4.0, 6.0]


def test_a_run_that_was_computed_again_counts_once_as_it_was_last(client, complete, some):
    first = client.get("/v1/figures/preview.json", params=RECIPE).json()
    complete(2, 0.01)  # again, to the same numbers
    again = client.get("/v1/figures/preview.json", params=RECIPE).json()
    assert again["panels"] == first["panels"]
    assert "8 runs" in again["caption"]


def test_what_can_not_be_shown_is_told_with_what_to_do(client, saved, some, complete):
    nothing = client.get("/v1/figures/preview.svg", params=RECIPE | {"query": "tag:none"})
    assert (nothing.status_code, "completed yet" in nothing.json()["detail"]) == (409, True)
    words = client.get("/v1/figures/preview.svg", params={**RECIPE, "x": "student.kind"})
    assert (words.status_code, "axis of numbers" in words.json()["detail"]) == (409, True)
    for n in range(25):
        complete(2, 1.0 + n / 64)
    many = client.get(f"{saved()}.svg")
    assert (many.status_code, "at most 24" in many.json()["detail"]) == (409, True)
    assert (
        client.get("/v1/figures/preview.svg", params=RECIPE | {"kind": "heatmap"}).status_code
        == 200
    )
    assert client.get("/v1/figures/preview.bmp", params=RECIPE).status_code == 404
    assert (
        client.get("/v1/figures/preview.svg", params=RECIPE | {"colour": "red"}).status_code == 422
    )


def test_any_name_and_query_can_be_drawn(client, saved, some):
    path = saved(name="costs $5, or $\\frac{1}{2$ <&> 🚂", query="tag:a or name = '<&\"$x^2'")
    for form, begin in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert client.get(f"{path}.{form}").content.startswith(begin)


def test_imported_runs_are_shown_beside_the_labs_own_and_counted_as_what_they_are(client, some):
    content = "training.length,student.start.scale,seed,outcome,train_loss\n6,0.01,0,fitted,0.5\n"
    base = {
        "teacher": {"kind": "delay"},
        "student": {"kind": "linear", "dim": 3},
        "steps": 5,
        "tags": ["a"],
    }
    sent = client.post("/v1/imports", json={"file": "runs.csv", "content": content, "base": base})
    assert sent.status_code == 201, sent.text
    data = client.get("/v1/figures/preview.json", params=RECIPE).json()
    assert data["panels"][0]["lines"][0]["x"] == [2.0, 4.0, 6.0]
    assert "5 completed experiments, 1 of them imported, with 9 runs" in data["caption"]
    for along in ("lag", "rank", "step"):
        curves = client.get(
            "/v1/figures/preview.json", params={"query": "tag:a", "x": along}
        ).json()
        assert (len(curves["spec_hashes"]), "imported" in curves["caption"]) == (4, False)
    alone = client.get("/v1/figures/preview.svg", params={"query": "source = import", "x": "lag"})
    assert (alone.status_code, "imported" in alone.json()["detail"]) == (409, True)
