"""Saved figures: recipes that are stored, changed and drawn; and previews of recipes."""

import math
from typing import ClassVar

import numpy as np
import pytest

from core.result import Outcome
from service.figures import figure_data
from tests.kit import sample_specs

# a name below has characters that are in no font
pytestmark = pytest.mark.filterwarnings("ignore:Glyph .* missing")

RECIPE = {
    "query": "tag:a",
    "x": "training.length",
    "y": "train_loss",
    "series": "student.start.scale",
}
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


def student(scale):
    return {"kind": "linear", "dim": 3, "start": {"kind": "gaussian", "scale": scale}}


@pytest.fixture
def complete(submit, worker):
    """Submits and completes an experiment with the tag a; returns its id."""

    def complete(length, scale, *, diverged=(), value=None, **changes):
        path = submit(tags=["a"], training={"length": length}, student=student(scale), **changes)
        claim = worker.claim()
        runs = [
            sample_specs.run(
                seed,
                outcome=Outcome.DIVERGED if seed in diverged else Outcome.FITTED,
                value=length * scale * (1 + 2 * seed) if value is None else value,
            )
            for seed in claim.spec.seeds
        ]
        points = sample_specs.points([0, 1, 100], claim.spec.seeds)
        worker.complete(claim, sample_specs.result(*runs), points)
        return path.rpartition("/")[2]

    return complete


@pytest.fixture
def experiments(complete):
    """Four experiments over k and scale, one of them with a diverged seed."""
    return [
        complete(k, scale, diverged=(1,) if (k, scale) == (4, 1.0) else ())
        for scale in (0.01, 1.0)
        for k in (2, 4)
    ]


@pytest.fixture
def save(client):
    """Saves a recipe; returns its path."""

    def save(**changes):
        answer = client.post("/v1/figures", json=RECIPE | changes)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    return save


@pytest.fixture
def preview(client):
    """The answer to a preview of the recipe with some changes; None leaves a part out."""

    def preview(form="json", **changes):
        recipe = {name: part for name, part in (RECIPE | changes).items() if part is not None}
        return client.get(f"/v1/figures/preview.{form}", params=recipe)

    return preview


def pointers(answer):
    return [error["pointer"] for error in answer.json()["errors"]]


def refusal(answer):
    """The status and sentence of a refused figure."""
    return answer.status_code, answer.json()["detail"]


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


@pytest.mark.usefixtures("experiments")
class TestLines:
    def test_a_line_is_a_statistic_over_all_runs_at_each_place(self, preview):
        data = preview().json()
        (panel,) = data["panels"]
        small, large = panel["lines"]
        assert (small["label"], large["label"]) == ("s = 0.01", "s = 1")
        assert small["x"] == [2.0, 4.0]
        assert small["y"] == pytest.approx([0.04, 0.08])
        assert small["lower"] == pytest.approx([0.02, 0.04])
        assert small["upper"] == pytest.approx([0.06, 0.12])
        assert large["y"] == [pytest.approx(4.0), "Infinity"]
        assert len(data["spec_hashes"]) == 4
        assert "4 completed experiments with 8 runs" in data["caption"]
        assert data["caption"].endswith(
            " 7 of 8 runs fit; 1 diverged. "
            "A triangle at the upper edge: infinite, as too many seeds diverged."
        )

    def test_statistic_and_band_can_be_chosen(self, preview):
        (panel,) = preview(statistic="min", band="none").json()["panels"]
        small, large = panel["lines"]
        assert small["y"] == pytest.approx([0.02, 0.04])
        assert large["y"] == [2.0, 4.0]
        assert small["lower"] == []

    def test_runs_at_one_place_are_pooled(self, preview):
        (panel,) = preview(series="training.length", x="student.dim").json()["panels"]
        assert panel["lines"][0]["y"] == [pytest.approx(1.03)]

    def test_facets_are_panels_with_the_same_lines(self, preview):
        panels = preview(facets="student.start.scale", series=None).json()["panels"]
        assert [panel["title"] for panel in panels] == ["s = 0.01", "s = 1"]
        assert panels[0]["lines"][0]["y"] == pytest.approx([0.04, 0.08])

    def test_a_rerun_counts_once_with_its_latest_result(self, preview, complete):
        before = preview().json()
        complete(2, 0.01)  # gives the same numbers
        after = preview().json()
        assert after["panels"] == before["panels"]
        assert "8 runs" in after["caption"]


def test_a_heat_map_marks_unfinished_experiments(preview, experiments, submit):
    submit(tags=["a"], training={"length": 6}, student=student(1.0))
    (grid,) = preview(kind="heatmap").json()["maps"]
    assert (grid["columns"], grid["rows"]) == ([2, 4, 6], [0.01, 1.0])
    assert grid["states"] == [["completed", "completed", ""], ["completed", "diverged", "queued"]]
    assert grid["values"][0] == [pytest.approx(0.04), pytest.approx(0.08), "NaN"]


@pytest.mark.usefixtures("experiments")
class TestCurves:
    @pytest.mark.parametrize(
        ("x", "y", "expected", "has_teacher"),
        [
            ("step", "train_loss", [0.0, 1.0, 100.0], False),
            ("lag", "response", [float(j) for j in range(8)], True),
            ("lag", None, [float(j) for j in range(8)], True),
            ("rank", "eigenvalues", [1.0, 2.0, 3.0], False),
            ("rank", None, [1.0, 2.0, 3.0, 4.0], True),
        ],
    )
    def test_curves_are_shown_along_steps_lags_and_ranks(
        self, preview, x, y, expected, has_teacher
    ):
        changes = {"query": "tag:a and training.length = 2", "x": x, "y": y}
        (panel,) = preview(**changes).json()["panels"]
        lines = panel["lines"]
        assert [line["label"] for line in lines[:2]] == ["s = 0.01", "s = 1"]
        assert lines[0]["x"] == expected
        assert any(line["dashed"] for line in lines) is has_teacher
        for form in ("svg", "png"):
            assert preview(form, **changes).status_code == 200

    def test_errors_are_shown_with_the_teachers_response_and_a_mark_at_k(self, preview):
        query = "tag:a and training.length = 2 and student.start.scale = 1"
        (panel,) = preview(query=query, x="lag", y=None, series=None).json()["panels"]
        # at lag 2 the responses are 2 and 6, and the teacher's is 0.25
        assert panel["lines"][0]["y"][2] == pytest.approx(3.75)
        assert panel["limits"] == [{"label": "k = 2", "at": 1.5}]
        assert panel["lines"][1]["label"] == "|ĥ_j|"


class TestTrainingTime:
    @pytest.fixture
    def trained(self, submit, worker):
        """Completes an experiment whose loss falls as 1 / (1 + time)."""

        def trained(optimizer, times, *, outcome=Outcome.FITTED):
            submit(tags=["a"], optimizer=optimizer, seeds=1)
            claim = worker.claim()
            points = sample_specs.points(range(len(times)), claim.spec.seeds)
            points["time"] = np.array(times, float)
            points["train_loss"] = 1 / (1 + points["time"])
            worker.complete(
                claim, sample_specs.result(sample_specs.run(0, outcome=outcome)), points
            )

        return trained

    def test_gradient_flow_and_gd_share_an_axis_of_time_but_not_of_steps(self, trained, preview):
        trained({"lr": 0.5, "steps": 4}, [0.0, 0.5, 1.0, 1.5, 2.0])
        trained({"kind": "gradient_flow", "time": 2.0}, [0.0, 2.0])
        parts = {"y": "train_loss", "series": "optimizer.kind"}
        status, sentence = refusal(preview(x="step", **parts))
        assert status == 409
        assert "in 1 of the 2 experiments they are stations of gradient flow" in sentence
        assert "use x=time" in sentence
        (panel,) = preview(x="time", **parts).json()["panels"]
        assert panel["x"] == "training time τ"
        by_label = {
            line["label"]: dict(zip(line["x"], line["y"], strict=True)) for line in panel["lines"]
        }
        gd, flow = by_label["GD"], by_label["gradient flow"]
        assert (list(gd), list(flow)) == ([0.0, 0.5, 1.0, 1.5, 2.0], [0.0, 2.0])
        assert gd[2.0] == flow[2.0], "equal losses at equal times"
        assert preview("svg", x="time", **parts).status_code == 200
        assert preview(x="step", query="tag:a and optimizer.kind = gd").status_code == 200
        assert (
            preview(x="step", query="tag:a and optimizer.kind = gradient_flow").status_code == 200
        )

    def test_time_itself_is_drawn_by_step(self, trained, preview):
        trained({"lr": 0.5, "steps": 2}, [0.0, 0.5, 1.0])
        (panel,) = preview(x="step", y="time", series=None).json()["panels"]
        assert panel["lines"][0]["y"] == [0.0, 0.5, 1.0]

    def test_runs_without_a_time_are_counted(self, trained, preview):
        adam = {"kind": "adam", "lr": 0.5, "steps": 1}
        trained(adam, [np.nan, np.nan])
        status, sentence = refusal(preview(x="time", series=None))
        assert (status, "only gd and gradient_flow have" in sentence) == (409, True)
        trained({"lr": 0.5, "steps": 1}, [0.0, 0.5])
        data = preview(x="time", series=None).json()
        assert data["caption"].endswith("Left out: 1 run without a training time.")
        assert data["panels"][0]["lines"][0]["x"] == [0.0, 0.5]


class TestPoints:
    PARTS: ClassVar = {"x": "fit_error", "y": "train_loss"}

    @pytest.mark.usefixtures("experiments")
    def test_each_run_is_a_point_at_its_end(self, preview):
        data = preview(**self.PARTS, facets="training.length").json()
        first, second = data["panels"]
        assert (first["x"], second["title"]) == ("fit error", "k = 4")
        line = first["lines"][0]
        assert (line["x"], line["y"]) == ([-0.02, -0.06], [0.02, 0.06])
        assert (line["joined"], line["fitted"], line["seeds"]) == (False, [1, 1], [1, 1])
        assert "each run at its end" in first["y"]
        assert [len(line["x"]) for line in second["lines"]] == [2, 1], "one run diverged"
        assert data["caption"].endswith("Left out: 1 run that diverged.")
        assert "7 runs" in data["caption"]
        for form in ("svg", "png"):
            assert preview(form, **self.PARTS, band="none").status_code == 200

    @pytest.mark.usefixtures("experiments")
    def test_undefined_values_are_left_out_and_none_at_all_is_refused(self, preview, complete):
        complete(2, 0.5, value=math.nan)
        data = preview(**self.PARTS, series=None).json()
        assert data["caption"].endswith("1 run that diverged and 2 runs with an undefined value.")
        undefined = preview(**self.PARTS, query="tag:a and is_nan(train_loss)")
        assert refusal(undefined)[0] == 409
        assert "there are 2 runs with an undefined value" in refusal(undefined)[1]

    @pytest.mark.usefixtures("experiments")
    def test_too_many_points_are_refused(self, preview, monkeypatch):
        monkeypatch.setattr(figure_data, "MAX_POINTS", 6)
        status, sentence = refusal(preview(**self.PARTS))
        assert (status, "at most 6 points: narrow the query" in sentence) == (409, True)


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


class TestRefusals:
    def test_a_query_without_completed_experiments(self, preview):
        status, sentence = refusal(preview("svg", query="tag:none"))
        assert status == 409
        assert "completed yet" in sentence

    @pytest.mark.usefixtures("experiments")
    def test_words_on_an_axis_of_numbers(self, preview):
        status, sentence = refusal(preview("svg", x="student.kind"))
        assert status == 409
        assert "numeric axis" in sentence

    def test_too_many_lines(self, client, save, preview, complete):
        for number in range(25):
            complete(2, 1.0 + number / 64)
        status, sentence = refusal(client.get(f"{save()}.svg"))
        assert status == 409
        assert "at most 24" in sentence
        assert preview("svg", kind="heatmap").status_code == 200

    @pytest.mark.usefixtures("experiments")
    def test_an_unknown_format(self, preview):
        assert preview("bmp").status_code == 404

    @pytest.mark.usefixtures("experiments")
    def test_an_unknown_parameter(self, preview):
        assert preview("svg", colour="red").status_code == 422


def test_any_name_and_query_can_be_drawn(client, save, experiments):
    path = save(name="costs $5, or $\\frac{1}{2$ <&> 🚂", query="tag:a or name = '<&\"$x^2'")
    for form, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert client.get(f"{path}.{form}").content.startswith(start)


def test_imported_runs_are_shown_and_counted_as_imported(client, preview, experiments):
    content = "training.length,student.start.scale,seed,outcome,train_loss\n6,0.01,0,fitted,0.5\n"
    base = {
        "teacher": {"kind": "delay"},
        "student": {"kind": "linear", "dim": 3},
        "steps": 5,
        "tags": ["a"],
    }
    imported = client.post(
        "/v1/imports", json={"file": "runs.csv", "content": content, "base": base}
    )
    assert imported.status_code == 201, imported.text
    data = preview().json()
    assert data["panels"][0]["lines"][0]["x"] == [2.0, 4.0, 6.0]
    assert "5 completed experiments, 1 of them imported, with 9 runs" in data["caption"]


@pytest.mark.parametrize("along", ["lag", "rank", "step", "time"])
def test_imported_runs_have_no_curves(client, preview, experiments, along):
    content = "training.length,seed,outcome,train_loss\n6,0,fitted,0.5\n"
    base = {"teacher": {"kind": "delay"}, "student": {"kind": "linear", "dim": 3}, "steps": 5}
    file = {"file": "runs.csv", "content": content, "base": base | {"tags": ["a"]}}
    assert client.post("/v1/imports", json=file).status_code == 201
    curves = preview(x=along, y=None, series=None).json()
    assert len(curves["spec_hashes"]) == 4
    assert ("1 run imported without these numbers" in curves["caption"]) is (along != "time")
    assert ("1 run without a training time" in curves["caption"]) is (along == "time")
    alone = preview("svg", query="source = import", x=along, y=None, series=None)
    status, sentence = refusal(alone)
    assert status == 409
    assert "imported" in sentence


def test_an_imported_series_without_times_is_told_to_have_none(client, preview):
    content = "training.length,seed,outcome,step,train_loss\n6,0,,0,1.0\n6,0,fitted,5,0.5\n"
    base = {"teacher": {"kind": "delay"}, "student": {"kind": "linear", "dim": 3}, "steps": 5}
    file = {"file": "runs.csv", "content": content, "base": base | {"tags": ["a"]}}
    assert client.post("/v1/imports", json=file).status_code == 201
    status, sentence = refusal(preview("svg", x="time", series=None))
    assert (status, "recorded a training time" in sentence) == (409, True)


def test_the_source_counts_one_experiment_and_one_run_in_the_singular(preview, complete):
    complete(2, 0.01, seeds=[0])
    assert preview().json()["source"].endswith("1 experiment, 1 run")
