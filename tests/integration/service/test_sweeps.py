"""Sweeps over HTTP: submitted, read, extended, cancelled, retried; tables, grids and figures."""

import csv
import io

import pytest

from core.result import METRICS, Outcome
from store.states import State
from tests.integration.service.conftest import body as small
from tests.kit import sample_specs

BASE = {name: part for name, part in small(tags=["phase"]).items() if name not in {"name", "notes"}}
K = {"path": "training.length", "values": [2, 3, 4]}
SCALE = {"path": "student.start.scale", "kind": "logspace", "low": 0.01, "high": 1.0, "count": 2}


def sweep(*axes, **changes):
    return {"name": "phase", "base": BASE, "axes": list(axes), **changes}


@pytest.fixture
def swept(client):
    """Submits a sweep and returns its path."""

    def swept(*axes, **changes):
        answer = client.post("/v1/sweeps", json=sweep(*axes, **changes))
        assert answer.status_code in {200, 202}, answer.text
        return answer.headers["Location"]

    return swept


def members(client, path):
    return client.get(path, params={"limit": 500}).json()["members"]["items"]


def stored(client):
    return len(client.get("/v1/experiments", params={"limit": 500}).json()["items"])


def test_a_sweep_is_expanded_and_read_with_its_coordinates(client):
    answer = client.post("/v1/sweeps", json=sweep(K, SCALE), headers={"X-Extrapolab-User": "ada"})
    assert answer.status_code == 202
    submitted = answer.json()
    path = f"/v1/sweeps/{submitted['id']}"
    assert answer.headers["Location"] == submitted["links"]["self"] == path
    assert (submitted["count"], submitted["created"], submitted["reused"]) == (6, 6, 0)
    assert submitted["state"] == "queued"

    read = client.get(path).json()
    assert (read["name"], read["owner"], read["base"]["tags"]) == ("phase", "ada", ["phase"])
    assert read["progress"] == {"done": 0, "of": 6}
    assert read["counts"] == dict.fromkeys(State, 0) | {"queued": 6}
    coordinates = [member["coordinates"] for member in read["members"]["items"]]
    assert coordinates == [
        {"training.length": k, "student.start.scale": s} for k in K["values"] for s in (0.01, 1.0)
    ]
    last = read["members"]["items"][-1]
    spec = client.get(f"/v1/experiments/{last['experiment']}").json()["spec"]
    assert (spec["training"]["length"], spec["student"]["start"]["scale"]) == (4, 1.0)
    assert spec["tags"] == ["phase"]
    assert spec["name"] == "length = 4, scale = 1"
    (listed,) = client.get("/v1/sweeps").json()["items"]
    assert listed == {
        name: part for name, part in read.items() if name not in {"base", "axes", "members"}
    }


def test_members_and_sweeps_are_listed_in_pages(client, swept):
    paths = [swept(K, name=f"{n}") for n in range(3)]
    seen, cursor = [], {}
    while cursor is not None:
        page = client.get(paths[0], params={"limit": 2, **cursor}).json()["members"]
        seen += [member["coordinates"]["training.length"] for member in page["items"]]
        cursor = page["next"] and {"cursor": page["next"]}
    assert seen == K["values"]
    first = client.get("/v1/sweeps", params={"limit": 2}).json()
    rest = client.get("/v1/sweeps", params={"limit": 2, "cursor": first["next"]}).json()
    assert [item["name"] for item in first["items"] + rest["items"]] == ["2", "1", "0"]
    assert rest["next"] is None
    for path in ("/v1/sweeps", paths[0]):
        assert client.get(path, params={"cursor": "nonsense"}).status_code == 400


def test_an_invalid_point_refuses_the_sweep_with_its_coordinates(client):
    invalid = sweep(
        {"path": "training.length", "values": [4, 0, 9]},
        {"path": "optimizer.lr", "values": [0.1, -1]},
    )
    answer = client.post("/v1/sweeps", json=invalid)
    assert answer.status_code == 422
    errors = {error["pointer"]: error["message"] for error in answer.json()["errors"]}
    assert set(errors) == {
        "/base/training/length",
        "/base/optimizer/lr",
        "/base/evaluation/horizon",
    }
    assert (
        "(at training.length = 0, optimizer.lr = 0.1, and at 1 more)"
        in errors["/base/training/length"]
    )
    assert (
        "(at training.length = 4, optimizer.lr = -1, and at 2 more)" in errors["/base/optimizer/lr"]
    )
    assert stored(client) == 0
    assert client.get("/v1/sweeps").json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"base": 3}, "/base", "dictionary"),
        (
            {"axes": [{"path": "training.length", "kind": "linspac"}]},
            "/axes/0/kind",
            "did you mean 'linspace'",
        ),
        (
            {"axes": [{"path": "training.length", "kind": "linspace", "low": 1}]},
            "/axes/0/high",
            "required",
        ),
        (
            {"axes": [{"path": "training.lenght", "values": [1]}]},
            "/base/training/lenght",
            "did you mean 'length'",
        ),
        ({"axes": [K, K]}, "/axes", "two axes"),
        ({"axes": [{"path": "seeds.count", "values": [1]}]}, "/axes", "no object"),
        (
            {"axes": [{**SCALE, "count": 1000}, {**SCALE, "path": "optimizer.lr", "count": 1000}]},
            "/axes",
            "1e+06",
        ),
        (
            {"axes": [{"path": "optimizer.steps", "values": [10**12]}]},
            "/base/optimizer/steps",
            "at optimizer.steps",
        ),
        (
            {
                "axes": [{"path": "seeds", "values": [[n, n + 10**6] for n in range(3)]}],
                "tags": [3],
            },
            "/tags/0",
            "string",
        ),
        ({"nmae": "x"}, "/nmae", "did you mean 'name'"),
    ],
)
def test_an_invalid_sweep_is_refused_with_the_field(client, changes, pointer, words):
    answer = client.post("/v1/sweeps", json=sweep() | changes)
    assert answer.status_code == 422
    (error,) = [error for error in answer.json()["errors"] if error["pointer"] == pointer]
    assert words in error["message"] + error.get("allowed", "")


def test_non_finite_numbers_are_refused(client):
    axis = '{"path": "teacher", "values": [{"kind": "delay"}, Infinity]}'
    text = f'{{"base": {{"teacher": NaN}}, "axes": [{axis}]}}'
    answer = client.post("/v1/sweeps", content=text, headers={"Content-Type": "application/json"})
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/base/teacher",
        "/axes/0/values/1",
    ]


def test_a_sweep_whose_experiments_cost_too_much_together_is_refused(client):
    base = {**BASE, "optimizer": {"steps": 10**8}, "student": {"kind": "linear", "dim": 500}}
    axes = [
        {"path": "student.start.scale", "kind": "linspace", "low": 0.1, "high": 1, "count": 1000}
    ]
    answer = client.post("/v1/sweeps", json=sweep(*axes, base=base))
    assert answer.status_code == 422
    assert "its 1000 experiments would take about" in answer.json()["errors"][0]["message"]


def test_a_dry_run_reports_the_sweep_and_stores_nothing(client, swept):
    swept(K)
    overlapping = sweep({**K, "values": [3, 4, 5]})
    answer = client.post("/v1/sweeps?dry_run=true", json=overlapping)
    assert answer.status_code == 200
    dry_run = answer.json()
    assert (dry_run["count"], dry_run["created"], dry_run["reused"]) == (3, 1, 2)
    assert dry_run["points"][0]["coordinates"] == {"training.length": 3}
    assert dry_run["cost"]["flop"] > 0
    (warning,) = [
        w for w in dry_run["warnings"] if w["experiments"] == 1 and "k = 4" in w["message"]
    ]
    assert warning["first"] == {"training.length": 4}
    assert stored(client) == 3


def test_existing_experiments_become_members_and_gain_the_tags(client, submit, swept):
    alone = submit(training={"length": 3}, tags=["mine"])
    path = swept(K, tags=["more"])
    ids = [member["experiment"] for member in members(client, path)]
    assert alone.endswith(ids[1])
    assert client.get(alone).json()["spec"]["tags"] == ["mine", "phase", "more"]
    assert stored(client) == 3


def test_an_equal_sweep_is_reused_with_new_experiments_for_cancelled_ones(client, swept):
    path = swept(K)
    ids = [member["experiment"] for member in members(client, path)]
    again = client.post("/v1/sweeps", json=sweep(K))
    assert (again.status_code, again.headers["Location"], again.json()["reused"]) == (200, path, 3)
    client.post(f"/v1/experiments/{ids[1]}:cancel")
    third = client.post("/v1/sweeps", json=sweep(K))
    assert (third.status_code, third.headers["Location"], third.json()["created"]) == (202, path, 1)
    renewed = [member["experiment"] for member in members(client, path)]
    assert (renewed[0], renewed[2]) == (ids[0], ids[2])
    assert renewed[1] != ids[1]
    others = client.post("/v1/sweeps", json=sweep(K), headers={"X-Extrapolab-User": "bea"})
    assert others.headers["Location"] != path
    assert (others.status_code, others.json()["reused"]) == (200, 3)
    rerun = client.post("/v1/sweeps?on_duplicate=rerun", json=sweep(K)).json()
    assert (rerun["created"], rerun["reused"]) == (3, 0)


def test_a_repeated_idempotency_key_gets_the_first_answer(client):
    request = {"json": sweep(K), "headers": {"Idempotency-Key": "a"}}
    first = client.post("/v1/sweeps?on_duplicate=rerun", **request)
    again = client.post("/v1/sweeps?on_duplicate=rerun", **request)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert stored(client) == 3
    assert (
        client.post(
            "/v1/sweeps", json=sweep(K, name="b"), headers={"Idempotency-Key": "a"}
        ).status_code
        == 422
    )


def test_an_extension_runs_only_missing_experiments_and_keeps_the_members(client, swept):
    path = swept(K)
    before = {m["coordinates"]["training.length"]: m["experiment"] for m in members(client, path)}
    default = client.get(f"/v1/experiments/{before[2]}").json()["spec"]["student"]["start"]["scale"]
    axes = [{**K, "values": [3, 4, 5]}, {"path": "student.start.scale", "values": [default, 0.5]}]
    answer = client.post(f"{path}:extend", json={"axes": axes})
    assert answer.status_code == 202
    assert (answer.json()["count"], answer.json()["created"]) == (7, 4)
    after = {tuple(m["coordinates"].values()): m["experiment"] for m in members(client, path)}
    assert {
        k: after[default, k] if (default, k) in after else after[k, default] for k in before
    } == before
    assert client.get(path).json()["axes"][1]["values"] == [default, 0.5]
    again = client.post(f"{path}:extend", json={"axes": axes})
    assert (again.status_code, again.json()["created"]) == (200, 0)
    assert (
        client.post(f"{path}:extend", json={"axes": [{"path": "x", "values": [1]}]}).status_code
        == 422
    )
    assert client.post(f"/v1/sweeps/swp_{'0' * 32}:extend", json={"axes": axes}).status_code == 404


def test_a_cancelled_sweep_spares_experiments_shared_with_another(client, repo, swept):
    path, other = swept(K), swept({**K, "values": [4]}, name="other")
    repo.claim()
    cancelled = client.post(f"{path}:cancel")
    assert (cancelled.status_code, cancelled.json()["changed"]) == (200, 2)
    states = [member["state"] for member in members(client, path)]
    assert states == ["running", "cancelled", "queued"]
    assert client.get(other).json()["state"] == "queued"
    assert client.delete(path).status_code == 409

    retried = client.post(f"{path}:retry")
    assert (retried.status_code, retried.json()["changed"], retried.json()["state"]) == (
        202,
        1,
        "running",
    )


def test_only_an_ended_sweep_is_removed_and_its_experiments_stay(client, swept):
    path = swept(K)
    assert client.delete(path).status_code == 409
    client.post(f"{path}:cancel")
    assert client.get(path).json()["state"] == "incomplete"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert stored(client) == 3


def run_all(repo, count, end):
    """Ends the next ``count`` experiments as ``end`` says, given (training length, scale)."""
    for _ in range(count):
        claim = repo.claim()
        end(claim, claim.spec.training.length, claim.spec.student.start.scale)


@pytest.fixture
def judged(client, repo, swept):
    """A sweep over k and scale: k = 2 diverges at one seed of two, k = 3 fails at scale 1, all else fits."""
    path = swept(K, SCALE)

    def end(claim, k, scale):
        if (k, scale) == (3, 1.0):
            repo.fail(claim, "out of luck", "log\n")
            return
        odd = [sample_specs.run(0, value=k * scale), sample_specs.run(1, value=3 * k * scale)]
        if k == 2:
            odd[1] = sample_specs.run(1, outcome=Outcome.DIVERGED, value=7.0)
        repo.complete(claim, sample_specs.result(*odd))

    run_all(repo, 5, end)
    return path


def test_the_table_has_a_row_per_experiment_with_statistics_over_seeds(client, judged):
    rows = client.get(f"{judged}/table?metrics=train_loss,imbalance").json()["rows"]
    assert [row["state"] for row in rows] == ["completed"] * 3 + ["failed", "completed", "queued"]
    assert rows[4]["coordinates"] == {"training.length": 4, "student.start.scale": 0.01}
    assert (rows[4]["seeds"], rows[4]["diverged"]) == (2, 0)
    expected = {"median": 0.08, "q1": 0.04, "q3": 0.12, "mean": 0.08, "min": 0.04, "max": 0.12} | {
        "standard_error": 0.04
    }
    assert rows[4]["metrics"]["train_loss"] == pytest.approx(expected)
    assert rows[0]["diverged"] == 1
    assert rows[0]["metrics"]["train_loss"]["min"] == pytest.approx(0.02)
    assert (
        rows[0]["metrics"]["train_loss"]["max"]
        == rows[0]["metrics"]["train_loss"]["mean"]
        == "Infinity"
    )
    assert (rows[3]["diverged"], rows[3]["metrics"], rows[5]["metrics"]) == (None, None, None)
    (row, *_) = client.get(f"{judged}/table?metrics=train_loss&statistic=min").json()["rows"]
    assert row["metrics"] == {"train_loss": {"min": pytest.approx(0.02)}}


def test_the_table_as_csv_is_the_same(client, judged):
    answer = client.get(f"{judged}/table?metrics=train_loss&statistic=median,max&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert list(rows[0]) == [
        "training.length", "student.start.scale", "experiment", "state", "seeds", "diverged",
        "train_loss.median", "train_loss.max",
    ]  # fmt: skip
    assert (rows[0]["train_loss.max"], float(rows[4]["train_loss.median"])) == (
        "Infinity",
        pytest.approx(0.08),
    )
    assert (rows[3]["state"], rows[3]["train_loss.max"]) == ("failed", "")


def test_a_sweeps_table_is_the_general_table_of_its_experiments(client, judged):
    query = {"metrics": ",".join(METRICS)}
    rows = client.get(f"{judged}/table", params=query).json()["rows"]
    of_sweep = {row["experiment"]: row for row in rows if row["state"] == "completed"}
    query |= {"q": f"sweep:{judged.rpartition('/')[2]}", "by": "id"}
    general = {row["newest"]: row for row in client.get("/v1/table", params=query).json()["items"]}
    assert len(general) == 4
    assert any(row["diverged"] for row in general.values())
    for row in (*of_sweep.values(), *general.values()):
        assert row["metrics"]["zero_baseline"]["max"] != "Infinity", "it is the teacher's"
    columns = ("seeds", "diverged", "metrics")
    assert {name: [row[column] for column in columns] for name, row in of_sweep.items()} == {
        name: [row[column] for column in columns] for name, row in general.items()
    }


def test_a_sweeps_grid_and_lines_are_the_general_table_and_figure(client, judged):
    query = {"metrics": "train_loss,zero_baseline,imbalance", "statistic": "median,q1,q3"}
    grid = client.get(f"{judged}/grid", params=query).json()
    down, across = grid["rows"], grid["columns"]
    query |= {"q": f"sweep:{judged.rpartition('/')[2]}", "by": f"{down['path']},{across['path']}"}
    for row in client.get("/v1/table", params=query).json()["items"]:
        place = down["values"].index(row["by"][down["path"]])
        column = across["values"].index(row["by"][across["path"]])
        for metric, statistics in row["metrics"].items():
            for statistic, value in statistics.items():
                assert grid["metrics"][metric][statistic][place][column] == value
    for y in ("train_loss", "zero_baseline"):
        lines = client.get(f"{judged}/figures/lines.json?y={y}").json()["panel"]["lines"]
        recipe = {"query": query["q"], "x": across["path"], "series": down["path"], "y": y}
        general = client.get("/v1/figures/preview.json", params=recipe).json()
        assert general["panels"][0]["lines"] == lines


def test_unknown_metrics_statistics_and_paths_are_named(client, judged):
    answer = client.get(f"{judged}/table?metrics=train_lss&statistic=med")
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/query/metrics",
        "/query/statistic",
    ]
    assert "did you mean 'train_loss'" in answer.json()["errors"][0]["message"]
    answer = client.get(f"{judged}/figures/lines.json?x=training.lengt&y=x&series=student.dim")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/query/x",
        "/query/series",
        "/query/y",
    ]
    assert client.get(f"{judged}/figures/pie.svg").status_code == 404
    assert client.get(f"/v1/sweeps/swp_{'0' * 32}/table").status_code == 404


def test_lines_are_a_metric_against_the_first_axis_one_per_value_of_the_next(client, judged):
    info = client.get(f"{judged}/figures/lines.json?y=train_loss").json()
    lines = {line["label"]: line for line in info["panel"]["lines"]}
    assert list(lines) == ["scale = 0.01", "scale = 1"]
    assert lines["scale = 0.01"]["x"] == [2.0, 3.0, 4.0]
    assert lines["scale = 0.01"]["y"] == ["Infinity", pytest.approx(0.06), pytest.approx(0.08)]
    assert lines["scale = 0.01"]["lower"][2] == pytest.approx(0.04)
    assert lines["scale = 1"]["x"] == [2.0]
    assert info["panel"]["y_scale"] == "log"
    other = client.get(
        f"{judged}/figures/lines.json?x=/student/start/scale&series=training.length"
    ).json()
    assert other["panel"]["x_scale"] == "log"
    assert [line["label"] for line in other["panel"]["lines"]] == [
        "length = 2",
        "length = 3",
        "length = 4",
    ]


def test_the_heat_map_shows_what_failed_diverged_or_is_pending(client, judged):
    info = client.get(f"{judged}/figures/heatmap.json?y=train_loss").json()
    assert (info["columns"], info["rows"]) == ([2, 3, 4], [0.01, 1.0])
    assert info["states"] == [
        ["diverged", "completed", "completed"],
        ["diverged", "failed", "queued"],
    ]
    assert info["medians"] == [
        ["Infinity", pytest.approx(0.06), pytest.approx(0.08)],
        ["Infinity", "NaN", "NaN"],
    ]


def test_the_grid_crosses_two_axes_with_every_statistic(client, judged):
    asked = "rows=training.length&columns=student.start.scale&metrics=train_loss,imbalance&statistic=median,max"
    grid = client.get(f"{judged}/grid?{asked}").json()
    assert grid["rows"] == {"path": "training.length", "values": [2, 3, 4]}
    assert grid["columns"] == {"path": "student.start.scale", "values": [0.01, 1.0]}
    assert grid["states"] == [
        ["diverged", "diverged"],
        ["completed", "failed"],
        ["completed", "queued"],
    ]
    losses = grid["metrics"]["train_loss"]
    assert losses["median"][2] == [pytest.approx(0.08), "NaN"]
    assert losses["max"][2] == [pytest.approx(0.12), "NaN"]
    assert set(grid["metrics"]["imbalance"]) == {"median", "max"}
    usual = client.get(f"{judged}/grid").json()
    assert (usual["rows"]["path"], usual["columns"]["path"]) == (
        "student.start.scale",
        "training.length",
    )


def test_the_grid_as_csv_has_a_line_for_each_row_metric_and_statistic(client, judged):
    answer = client.get(f"{judged}/grid?metrics=train_loss&statistic=median,max&format=csv")
    header, *rows = csv.reader(io.StringIO(answer.text, newline=""))
    assert header == [
        "student.start.scale",
        "metric",
        "statistic",
        *(f"training.length = {k}" for k in (2, 3, 4)),
    ]
    assert [row[:3] for row in rows[:2]] == [
        ["0.01", "train_loss", "median"],
        ["0.01", "train_loss", "max"],
    ]
    assert (rows[1][3], float(rows[1][5]), rows[2][5]) == ("Infinity", pytest.approx(0.12), "NaN")


@pytest.mark.parametrize(
    ("asked", "pointers"),
    [
        ("rows=training.lengt", ["/query/rows"]),
        ("columns=x&rows=y", ["/query/columns", "/query/rows"]),
        ("rows=training.length&columns=training.length", ["/query/rows"]),
        ("metrics=lss", ["/query/metrics"]),
    ],
)
def test_what_a_grid_does_not_have_is_named(client, judged, asked, pointers):
    answer = client.get(f"{judged}/grid?{asked}")
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (
        422,
        pointers,
    )


def test_a_figure_bears_its_caption_and_the_hashes_of_what_is_completed(client, judged):
    data = client.get(f"{judged}/figures/heatmap.json?y=train_loss").json()
    done = [
        one["spec_hash"] for one in client.get("/v1/experiments?state=completed").json()["items"]
    ]
    assert data["spec_hashes"] == sorted(done)
    assert "training loss" in data["caption"]
    text = client.get(f"{judged}/figures/heatmap.svg?y=train_loss").text
    assert all(name in text for name in done)
    assert "Of 4 completed experiments with 8 runs" in text


@pytest.mark.parametrize("name", ["lines", "heatmap"])
@pytest.mark.parametrize(
    ("form", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_figures_are_drawn_and_are_the_same_bytes_again(client, judged, name, form, start):
    first, again = (client.get(f"{judged}/figures/{name}.{form}") for _ in range(2))
    assert first.status_code == 200
    assert first.content.startswith(start)
    assert first.content == again.content
    assert (
        client.get(
            f"{judged}/figures/{name}.{form}", headers={"If-None-Match": first.headers["ETag"]}
        ).status_code
        == 304
    )


def test_a_figure_is_drawn_before_anything_is_completed(client, swept):
    path = swept(K, SCALE)
    assert client.get(f"{path}/figures/heatmap.svg").status_code == 200
    assert client.get(f"{path}/figures/lines.svg").status_code == 200


def test_a_figure_that_the_axes_do_not_allow_is_refused_with_what_to_do(client, swept):
    path = swept(K)
    assert "two axes" in client.get(f"{path}/figures/heatmap.svg").json()["detail"]
    assert client.get(f"{path}/figures/lines.svg").status_code == 200
    words = swept({"path": "student.structure", "values": ["general", "symmetric"]}, name="words")
    assert "axis of numbers" in client.get(f"{words}/figures/lines.svg").json()["detail"]
    starts = swept(
        K,
        {"path": "student.start", "values": [{"scale": 0.1}, {"kind": "identity", "scale": 0.5}]},
        name="starts",
    )
    info = client.get(f"{starts}/figures/heatmap.json").json()
    assert info["rows"] == [{"scale": 0.1}, {"kind": "identity", "scale": 0.5}]
    assert client.get(f"{starts}/figures/heatmap.svg").status_code == 200
    together = [
        {"path": "training.length", "values": [2, 3]},
        {"path": "student.dim", "values": [7, 8]},
    ]
    zipped = swept({"kind": "zip", "axes": together}, SCALE, name="zipped")
    lines = client.get(f"{zipped}/figures/lines.json").json()["panel"]["lines"]
    assert [line["label"] for line in lines] == ["scale = 0.01", "scale = 1"]
