"""The results of a sweep: a table, two crossed axes, and figures over its axes."""

import csv
import io

import pytest

from core.result import METRICS, Outcome
from service import schemas
from store.query import run_ends
from tests.integration.service.sweep_specs import SCALE, K
from tests.kit import sample_specs


@pytest.fixture
def path(worker, submit_sweep):
    """A sweep over k and scale.

    At k = 2 one of two seeds diverges, at k = 3 and scale 1 the experiment fails, at k = 4 and
    scale 1 it is queued, and all others fit.
    """
    sweep_path = submit_sweep(K, SCALE)
    for _ in range(5):
        claim = worker.claim()
        k, scale = claim.spec.training.length, claim.spec.student.start.scale
        if (k, scale) == (3, 1.0):
            worker.fail(claim, "out of luck", "log\n")
            continue
        first = sample_specs.run(0, value=k * scale)
        second = sample_specs.run(1, value=3 * k * scale)
        if k == 2:
            second = sample_specs.run(1, outcome=Outcome.DIVERGED, value=7.0)
        worker.complete(claim, sample_specs.result(first, second))
    return sweep_path


def sweep_filter(path):
    return f"sweep:{path.rpartition('/')[2]}"


def pointers(answer):
    return [error["pointer"] for error in answer.json()["errors"]]


class TestTable:
    def test_each_experiment_is_a_row_with_statistics_over_its_seeds(self, client, path):
        rows = client.get(f"{path}/table?metrics=train_loss,imbalance").json()["rows"]
        states = [row["state"] for row in rows]
        assert states == ["completed"] * 3 + ["failed", "completed", "queued"]
        assert rows[4]["coordinates"] == {"training.length": 4, "student.start.scale": 0.01}
        assert (rows[4]["seeds"], rows[4]["fitted"], rows[4]["diverged"]) == (2, 2, 0)
        assert rows[4]["metrics"]["train_loss"] == pytest.approx(
            {"median": 0.08, "q1": 0.04, "q3": 0.12, "mean": 0.08, "min": 0.04, "max": 0.12}
            | {"standard_error": 0.04}
        )
        assert (rows[0]["fitted"], rows[0]["diverged"]) == (1, 1)
        losses = rows[0]["metrics"]["train_loss"]
        assert losses["min"] == pytest.approx(0.02)
        assert losses["max"] == losses["mean"] == "Infinity"
        assert [rows[3][name] for name in ("fitted", "diverged", "metrics")] == [None] * 3
        (row, *_) = client.get(f"{path}/table?metrics=train_loss&statistic=min").json()["rows"]
        assert row["metrics"] == {"train_loss": {"min": pytest.approx(0.02)}}

    def test_csv_has_the_same_rows(self, client, path):
        answer = client.get(f"{path}/table?metrics=train_loss&statistic=median,max&format=csv")
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        assert list(rows[0]) == [
            "training.length", "student.start.scale", "experiment", "state", "seeds", "fitted",
            "diverged", "train_loss.median", "train_loss.max",
        ]  # fmt: skip
        assert rows[0]["train_loss.max"] == "Infinity"
        assert float(rows[4]["train_loss.median"]) == pytest.approx(0.08)
        assert (rows[3]["state"], rows[3]["train_loss.max"]) == ("failed", "")

    def test_it_equals_the_general_table_of_the_sweeps_experiments(self, client, path):
        query = {"metrics": ",".join(METRICS)}
        rows = client.get(f"{path}/table", params=query).json()["rows"]
        of_sweep = {row["experiment"]: row for row in rows if row["state"] == "completed"}
        query |= {"q": sweep_filter(path), "by": "id"}
        items = client.get("/v1/table", params=query).json()["items"]
        general = {row["newest"]: row for row in items}
        assert len(general) == 4
        assert any(row["diverged"] for row in general.values())
        for row in (*of_sweep.values(), *general.values()):
            assert row["metrics"]["zero_baseline"]["max"] != "Infinity", "it is the teacher's"
        columns = ("seeds", "fitted", "diverged", "metrics")
        assert {name: [row[column] for column in columns] for name, row in of_sweep.items()} == {
            name: [row[column] for column in columns] for name, row in general.items()
        }

    def test_overlapping_seeds_of_one_setup_count_in_each_experiment(
        self, worker, client, submit_sweep
    ):
        path = submit_sweep({"path": "seeds", "values": [[0, 1], [1, 2, 3]]})
        for value in (1.0, 2.0):
            claim = worker.claim()
            runs = [sample_specs.run(seed, value=value) for seed in claim.spec.seeds]
            worker.complete(claim, sample_specs.result(*runs))
        rows = client.get(f"{path}/table?metrics=train_loss&statistic=min,max").json()["rows"]
        assert [(row["seeds"], row["metrics"]["train_loss"]) for row in rows] == [
            (2, {"min": 1.0, "max": 1.0}),
            (3, {"min": 2.0, "max": 2.0}),
        ]


class TestGrid:
    def test_two_axes_are_crossed_for_each_statistic(self, client, path):
        query = {
            "rows": "training.length",
            "columns": "student.start.scale",
            "metrics": "train_loss,imbalance",
            "statistic": "median,max",
        }
        grid = client.get(f"{path}/grid", params=query).json()
        assert grid["rows"] == {"path": "training.length", "values": [2, 3, 4]}
        assert grid["columns"] == {"path": "student.start.scale", "values": [0.01, 1.0]}
        assert grid["states"] == [
            ["diverged", "diverged"],
            ["completed", "failed"],
            ["completed", "queued"],
        ]
        assert grid["fitted"] == [[1, 1], [2, 0], [2, 0]]
        assert grid["seeds"] == [[2, 2], [2, 0], [2, 0]]
        losses = grid["metrics"]["train_loss"]
        assert losses["median"][2] == [pytest.approx(0.08), "NaN"]
        assert losses["max"][2] == [pytest.approx(0.12), "NaN"]
        assert set(grid["metrics"]["imbalance"]) == {"median", "max"}

    def test_each_cell_names_its_experiments_and_counts_their_states(self, client, path):
        grid = client.get(f"{path}/grid?rows=training.length&columns=student.start.scale").json()
        members = client.get(path).json()["members"]["items"]
        cells = [cell for row in grid["cells"] for cell in row]
        assert [cell["experiments"] for cell in cells] == [
            [member["experiment"]] for member in members
        ]
        assert [list(cell["states"].items()) for cell in cells] == [
            [(member["state"], 1)] for member in members
        ]
        counts = [
            tuple(cell[name] for name in ("seeds", "fitted", "diverged", "missing"))
            for cell in cells
        ]
        assert counts == [
            *((2, 1, 1, 0), (2, 1, 1, 0)),
            *((2, 2, 0, 0), (0, 0, 0, 2)),
            *((2, 2, 0, 0), (0, 0, 0, 2)),
        ]
        assert [[cell["seeds"] for cell in row] for row in grid["cells"]] == grid["seeds"]
        schemas.SweepGrid.model_validate(grid)

    def test_its_axes_default_to_those_of_the_heat_map(self, client, path):
        grid = client.get(f"{path}/grid").json()
        assert grid["rows"]["path"] == "student.start.scale"
        assert grid["columns"]["path"] == "training.length"

    def test_csv_has_a_line_for_each_row_metric_and_statistic(self, client, path):
        answer = client.get(f"{path}/grid?metrics=train_loss&statistic=median,max&format=csv")
        header, *rows = csv.reader(io.StringIO(answer.text, newline=""))
        columns = [f"training.length = {k}" for k in (2, 3, 4)]
        assert header == ["student.start.scale", "metric", "statistic", *columns]
        assert rows[0][:3] == ["0.01", "train_loss", "median"]
        assert rows[1][:3] == ["0.01", "train_loss", "max"]
        assert (rows[1][3], float(rows[1][5])) == ("Infinity", pytest.approx(0.12))
        assert rows[2][5] == "NaN"

    def test_grid_and_lines_equal_the_general_table_and_figure(self, client, path):
        query = {"metrics": "train_loss,zero_baseline,imbalance", "statistic": "median,q1,q3"}
        grid = client.get(f"{path}/grid", params=query).json()
        down, across = grid["rows"], grid["columns"]
        query |= {"q": sweep_filter(path), "by": f"{down['path']},{across['path']}"}
        items = client.get("/v1/table", params=query).json()["items"]
        assert len(items) == 4
        for row in items:
            place = down["values"].index(row["by"][down["path"]])
            column = across["values"].index(row["by"][across["path"]])
            for metric, statistics in row["metrics"].items():
                for statistic, value in statistics.items():
                    assert grid["metrics"][metric][statistic][place][column] == value
        for y in ("train_loss", "zero_baseline"):
            lines = client.get(f"{path}/figures/lines.json?y={y}").json()["panel"]["lines"]
            recipe = {"query": query["q"], "x": across["path"], "series": down["path"], "y": y}
            general = client.get("/v1/figures/preview.json", params=recipe).json()
            assert general["panels"][0]["lines"] == lines

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("rows=training.lengt", ["/query/rows"]),
            ("columns=x&rows=y", ["/query/columns", "/query/rows"]),
            ("rows=training.length&columns=training.length", ["/query/rows"]),
            ("metrics=lss", ["/query/metrics"]),
            ("metrics=train_loss,", ["/query/metrics"]),
        ],
    )
    def test_problems_name_their_parameters(self, client, path, query, expected):
        answer = client.get(f"{path}/grid?{query}")
        assert (answer.status_code, pointers(answer)) == (422, expected)


def test_table_and_grid_have_the_documented_form(client, path):
    query = {"metrics": ",".join(METRICS)}
    table = client.get(f"{path}/table", params=query).json()
    assert len(schemas.SweepTable.model_validate(table).rows) == 6
    grid = client.get(f"{path}/grid", params=query).json()
    assert schemas.SweepGrid.model_validate(grid).rows.values == [0.01, 1.0]


def test_unknown_metrics_statistics_and_paths_are_named(client, path):
    answer = client.get(f"{path}/table?metrics=train_lss&statistic=med")
    assert pointers(answer) == ["/query/metrics", "/query/statistic"]
    assert "did you mean 'train_loss'" in answer.json()["errors"][0]["message"]
    answer = client.get(f"{path}/figures/lines.json?x=training.lengt&y=x&series=student.dim")
    assert answer.status_code == 422
    assert pointers(answer) == ["/query/x", "/query/series", "/query/y"]
    assert client.get(f"{path}/figures/pie.svg").status_code == 404
    assert client.get(f"/v1/sweeps/swp_{'0' * 32}/table").status_code == 404


class TestFigures:
    def test_lines_show_a_metric_over_the_first_axis_for_each_value_of_the_next(self, client, path):
        data = client.get(f"{path}/figures/lines.json?y=train_loss").json()
        lines = {line["label"]: line for line in data["panel"]["lines"]}
        assert list(lines) == ["s = 0.01", "s = 1"]
        small = lines["s = 0.01"]
        assert small["x"] == [2.0, 3.0, 4.0]
        assert small["y"] == ["Infinity", pytest.approx(0.06), pytest.approx(0.08)]
        assert small["lower"][2] == pytest.approx(0.04)
        assert lines["s = 1"]["x"] == [2.0]
        assert data["panel"]["y_scale"] == "log"

    def test_axes_can_be_chosen(self, client, path):
        query = {"x": "/student/start/scale", "series": "training.length"}
        panel = client.get(f"{path}/figures/lines.json", params=query).json()["panel"]
        assert panel["x_scale"] == "log"
        labels = [line["label"] for line in panel["lines"]]
        assert labels == ["k = 2", "k = 3", "k = 4"]

    def test_a_heat_map_shows_failed_diverged_and_pending_experiments(self, client, path):
        data = client.get(f"{path}/figures/heatmap.json?y=train_loss").json()
        assert (data["columns"], data["rows"]) == ([2, 3, 4], [0.01, 1.0])
        assert data["states"] == [
            ["diverged", "completed", "completed"],
            ["diverged", "failed", "queued"],
        ]
        assert data["medians"] == [
            ["Infinity", pytest.approx(0.06), pytest.approx(0.08)],
            ["Infinity", "NaN", "NaN"],
        ]

    def test_a_figure_has_a_caption_and_the_hashes_of_completed_experiments(self, client, path):
        data = client.get(f"{path}/figures/heatmap.json?y=train_loss").json()
        completed = client.get("/v1/experiments?state=completed").json()["items"]
        hashes = [experiment["spec_hash"] for experiment in completed]
        assert data["spec_hashes"] == sorted(hashes)
        assert ". Training loss L = eᵀ M e, " in data["caption"]
        svg = client.get(f"{path}/figures/heatmap.svg?y=train_loss").text
        assert all(spec_hash in svg for spec_hash in hashes)
        assert "From 4 completed experiments with 8 runs" in svg

    @pytest.mark.parametrize("name", ["lines", "heatmap"])
    @pytest.mark.parametrize(
        ("form", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
    )
    def test_a_figure_has_the_same_bytes_every_time(self, client, path, name, form, start):
        url = f"{path}/figures/{name}.{form}"
        first, second = client.get(url), client.get(url)
        assert first.status_code == 200
        assert first.content.startswith(start)
        assert first.content == second.content
        headers = {"If-None-Match": first.headers["ETag"]}
        assert client.get(url, headers=headers).status_code == 304

    def test_a_figure_is_drawn_before_anything_is_completed(self, client, submit_sweep):
        path = submit_sweep(K, SCALE)
        for name in ("heatmap", "lines"):
            assert client.get(f"{path}/figures/{name}.svg").status_code == 200

    def test_a_heat_map_needs_two_axes(self, client, submit_sweep):
        path = submit_sweep(K)
        assert "two axes" in client.get(f"{path}/figures/heatmap.svg").json()["detail"]
        assert client.get(f"{path}/figures/lines.svg").status_code == 200

    def test_axes_that_are_drawn_together_have_lines_but_no_heat_map(self, client, submit_sweep):
        drawn = {"kind": "random", "low": 0.01, "high": 0.1, "count": 4}
        scale, rate = drawn | {"path": "student.start.scale"}, drawn | {"path": "optimizer.lr"}
        path = submit_sweep(scale, rate)
        refused = client.get(f"{path}/figures/heatmap.svg").json()
        assert "drawn together with student.start.scale" in refused["detail"]
        assert client.get(f"{path}/figures/lines.svg").status_code == 200
        assert client.get(f"{path}/grid").status_code == 422
        client.post(f"{path}:extend", json={"axes": [scale, rate, K]})
        assert client.get(f"{path}/figures/heatmap.svg").status_code == 200

    def test_the_source_of_one_experiment_is_singular(self, client, submit_sweep):
        path = submit_sweep({"path": "training.length", "values": [2]})
        data = client.get(f"{path}/figures/lines.json?x=training.length").json()
        assert data["source"].endswith("0 of 1 experiment completed")

    def test_setups_along_an_axis_that_is_not_shown_are_pooled(self, client, submit_sweep, worker):
        values = {"training.length": [2], "student.start.scale": [0.01], "student.dim": [7, 8]}
        path = submit_sweep(*({"path": name, "values": values[name]} for name in values))
        for _ in values["student.dim"]:
            worker.complete(worker.claim())
        chosen = {"x": "training.length", "series": "student.start.scale"}
        data = client.get(f"{path}/figures/lines.json", params=chosen).json()
        assert data["panel"]["y"].endswith("over seeds and 2 setups")
        assert "quartiles over seeds and 2 setups, against" in data["caption"]
        shown = {"x": "training.length", "series": "student.dim"}
        data = client.get(f"{path}/figures/heatmap.json", params=shown).json()
        assert data["metric"].endswith("median over seeds")

    @pytest.mark.parametrize("name", ["lines", "heatmap"])
    def test_two_axes_are_different(self, client, path, name):
        query = {"x": "training.length", "series": "training.length"}
        answer = client.get(f"{path}/figures/{name}.json", params=query)
        assert (answer.status_code, pointers(answer)) == (422, ["/query/series"])
        assert "is already on another axis" in answer.json()["detail"]

    def test_lines_need_an_axis_of_numbers(self, client, submit_sweep):
        path = submit_sweep({"path": "student.structure", "values": ["general", "symmetric"]})
        assert "numeric axis" in client.get(f"{path}/figures/lines.svg").json()["detail"]

    def test_the_values_of_an_axis_can_be_objects(self, client, submit_sweep):
        starts = [{"scale": 0.1}, {"kind": "identity", "scale": 0.5}]
        path = submit_sweep(K, {"path": "student.start", "values": starts})
        assert client.get(f"{path}/figures/heatmap.json").json()["rows"] == starts
        assert client.get(f"{path}/figures/heatmap.svg").status_code == 200

    def test_axes_zipped_with_x_are_no_series(self, client, submit_sweep):
        axes = [
            {"path": "training.length", "values": [2, 3]},
            {"path": "student.dim", "values": [7, 8]},
        ]
        path = submit_sweep({"kind": "zip", "axes": axes}, SCALE)
        lines = client.get(f"{path}/figures/lines.json").json()["panel"]["lines"]
        assert [line["label"] for line in lines] == ["s = 0.01", "s = 1"]


@pytest.mark.parametrize("result", ["table", "grid", "figures/lines.json", "figures/heatmap.svg"])
def test_a_sweep_with_too_many_runs_for_one_answer_is_refused(client, path, monkeypatch, result):
    monkeypatch.setattr(run_ends, "MAX_RUNS", 3)
    answer = client.get(f"{path}/{result}")
    assert answer.status_code == 422
    assert pointers(answer) == ["/path/id"]
