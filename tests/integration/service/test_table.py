"""The table of a query: groups of runs with statistics over seeds, or run by run."""

import csv
import io
import math

import pytest

from core.result import Outcome
from service import schemas
from tests.kit import sample_specs


@pytest.fixture
def complete(submit, worker):
    """Submits and completes an experiment with a training loss for each seed; returns its id."""

    def complete(losses, *, diverged=(), **changes):
        path = submit(seeds=list(range(len(losses))), **changes)
        claim = worker.claim()
        runs = [
            sample_specs.run(
                seed,
                value=loss,
                outcome=Outcome.DIVERGED if seed in diverged else Outcome.FITTED,
            )
            for seed, loss in enumerate(losses)
        ]
        worker.complete(claim, sample_specs.result(*runs))
        return path.rpartition("/")[2]

    return complete


@pytest.fixture
def read(client):
    """The rows of a table, with the training loss as the only metric by default."""

    def read(**query):
        answer = client.get("/v1/table", params={"metrics": "train_loss", **query})
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    return read


def test_a_setup_is_a_row_with_statistics_over_its_seeds(submit, complete, read):
    first = complete([1.0, 2.0, 3.0, 6.0], name="first")
    second = complete([0.5], training={"length": 6})
    submit(training={"length": 2})
    newest, oldest = read()
    assert (newest["newest"], oldest["newest"], oldest["name"]) == (second, first, "first")
    assert (oldest["seeds"], oldest["experiments"], oldest["fitted"]) == (4, 1, 4)
    standard_error = math.sqrt(((1 - 3) ** 2 + (2 - 3) ** 2 + 0 + (6 - 3) ** 2) / 3) / 2
    assert oldest["metrics"]["train_loss"] == pytest.approx(
        {"median": 2.5, "q1": 2.0, "q3": 3.0, "mean": 3.0, "min": 1.0, "max": 6.0}
        | {"standard_error": standard_error}
    )
    assert newest["metrics"]["train_loss"]["standard_error"] == "NaN"


def test_a_diverged_run_counts_as_infinite(complete, read):
    complete([1.0, 2.0, 3.0], diverged=[2])
    (row,) = read(statistic="median,max,mean")
    assert (row["fitted"], row["diverged"]) == (2, 1)
    assert row["metrics"]["train_loss"] == {"median": 2.0, "max": "Infinity", "mean": "Infinity"}


def test_a_metric_of_the_teacher_stays_finite_if_runs_diverge(complete, read):
    complete([1.0, 2.0], diverged=[0, 1])
    (row,) = read(metrics="zero_baseline,train_loss", statistic="max")
    assert row["metrics"]["train_loss"] == {"max": "Infinity"}
    assert row["metrics"]["zero_baseline"]["max"] == sample_specs.run(0).summary["zero_baseline"]


def test_a_rerun_seed_counts_once_with_its_latest_result(complete, read):
    complete([1.0, 1.0])
    rerun = complete([2.0, 2.0])
    complete([5.0, 5.0, 4.0])
    (row,) = read(statistic="min,max", q=f"id = {rerun} or seeds = 2")
    assert (row["seeds"], row["newest"]) == (2, rerun)
    assert row["metrics"]["train_loss"] == {"min": 2.0, "max": 2.0}
    (row,) = read(statistic="min,max")
    assert (row["seeds"], row["experiments"]) == (3, 1)
    assert row["metrics"]["train_loss"] == {"min": 4.0, "max": 5.0}


def test_groups_share_the_chosen_fields(complete, read):
    for length, scale, loss in ((6, 0.1, 1.0), (4, 0.1, 2.0), (4, 0.5, 4.0)):
        student = {"kind": "linear", "dim": 3, "start": {"kind": "gaussian", "scale": scale}}
        complete([loss], training={"length": length}, student=student)
    complete([8.0], training={"length": 4}, student={"kind": "gru", "dim": 3})
    rows = read(by="training.length,student.start.scale", statistic="mean")
    assert [(list(row["by"].values()), row["metrics"]["train_loss"]["mean"]) for row in rows] == [
        ([4, 0.1], 2.0),
        ([4, 0.5], 4.0),
        ([4, None], 8.0),
        ([6, 0.1], 1.0),
    ]
    assert read(by="training.length", statistic="mean")[0]["seeds"] == 3


def test_ungrouped_each_run_is_a_row_with_the_stored_numbers(complete, read):
    experiment = complete([1.0, math.inf], diverged=[1])
    rows = read(group="false", by="training.length")
    assert [
        (row["experiment"], row["seed"], row["outcome"], row["metrics"]["train_loss"])
        for row in rows
    ] == [
        (experiment, 0, "fitted", 1.0),
        (experiment, 1, "diverged", "Infinity"),
    ]
    assert rows[0]["by"] == {"training.length": 4}


def test_rows_have_the_documented_form(client, complete):
    complete([1.0, math.inf], diverged=[1])
    for group, row in (("true", schemas.Group), ("false", schemas.GroupedRun)):
        answer = client.get("/v1/table", params={"group": group, "by": "name,created"}).json()
        assert len(schemas.TablePage[row].model_validate(answer).items) >= 1


def test_pages_have_every_row_once(client, complete):
    for length in (2, 3, 4, 5):
        complete([1.0], training={"length": length})
    query = {"by": "training.length", "limit": 3}
    first = client.get("/v1/table", params=query).json()
    rest = client.get("/v1/table", params={**query, "cursor": first["next"]}).json()
    lengths = [row["by"]["training.length"] for row in first["items"] + rest["items"]]
    assert (lengths, rest["next"]) == ([2, 3, 4, 5], None)
    assert client.get("/v1/table", params={"cursor": "x"}).status_code == 400


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_of_runs_have_every_run_once(client, complete, limit):
    ids = [complete([1.0] * seeds, training={"length": seeds}) for seeds in (2, 3, 1)]
    query, seen = {"group": "false", "limit": limit}, []
    while True:
        page = client.get("/v1/table", params=query).json()
        seen += [(row["experiment"], row["seed"]) for row in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == [
        (experiment, seed)
        for experiment, seeds in zip(ids[::-1], (1, 3, 2), strict=True)
        for seed in range(seeds)
    ]
    unknown = ids[0].translate({ord(digit): "0" for digit in "123456789abcdef"})
    for cursor in ("x", f"{ids[0]}-x", f"{unknown}-0"):
        answer = client.get("/v1/table", params={"group": "false", "cursor": cursor})
        assert answer.status_code == 400


def test_a_rerun_seed_is_in_the_group_of_its_latest_experiment(complete, read):
    complete([1.0, 1.0], name="before")
    complete([2.0, 2.0, 3.0], name="after")
    complete([7.0, 7.0, 7.0, 8.0], name="before")
    (row,) = read(by="name", statistic="max")
    assert (row["by"]["name"], row["seeds"]) == ("before", 4)
    assert row["metrics"]["train_loss"]["max"] == 8.0
    (row,) = read(by="name", statistic="max", q="seeds <= 3")
    assert (row["by"]["name"], row["seeds"]) == ("after", 3)


def test_groups_have_experiments_of_other_states(client, submit, complete, read, worker):
    done = complete([1.0, 2.0], name="done")
    failed = submit(training={"length": 3}, seeds=[0]).rpartition("/")[2]
    worker.fail(worker.claim(), "out of luck", "log\n")
    waiting = submit(name="more seeds", seeds=[1, 2, 3]).rpartition("/")[2]
    assert [row["newest"] for row in read()] == [done]
    newest, older = read(states="all", statistic="max", include="seeds,count")
    assert (newest["newest"], newest["name"], newest["experiments"]) == (waiting, "more seeds", 2)
    assert newest["states"] == {"completed": 1, "queued": 1}
    assert (newest["seeds"], newest["missing"]) == (2, 2)
    assert [(run["experiment"], run["seed"]) for run in newest["runs"]] == [(done, 0), (done, 1)]
    assert (older["newest"], older["states"], older["seeds"]) == (failed, {"failed": 1}, 0)
    assert (older["missing"], older["runs"]) == (1, [])
    assert older["metrics"] == {"train_loss": {"max": "NaN"}}
    (row,) = read(states="failed", by="training.length")
    assert row["by"] == {"training.length": 3}
    schemas.TablePage[schemas.Group].model_validate(
        client.get("/v1/table?states=all&include=seeds,count").json()
    )
    answer = client.get("/v1/table?states=queued,failed&format=csv&statistic=max&metrics=fit_error")
    header, *lines = csv.reader(io.StringIO(answer.text))
    assert [line[header.index("missing")] for line in lines] == ["3", "1"]


def test_the_runs_of_a_group_have_the_stored_numbers(complete, read):
    complete([1.0, math.inf], diverged=[1])
    (row,) = read(include="seeds")
    assert [(run["seed"], run["outcome"], run["metrics"]["train_loss"]) for run in row["runs"]] == [
        (0, "fitted", 1.0),
        (1, "diverged", "Infinity"),
    ]
    (plain,) = read()
    assert "runs" not in plain


@pytest.mark.parametrize("by", ["setup_hash", "training.length", "name"])
def test_rows_are_sorted_by_what_they_show_on_all_pages(client, complete, by):
    """Diverged groups come last in both directions."""
    losses = {2: 3.0, 3: 1.0, 4: math.inf, 5: 2.0}
    for length, loss in losses.items():
        complete(
            [loss, loss, loss + 1],
            diverged=[0, 1] if loss == math.inf else [],
            training={"length": length},
            name=f"n{length}",
        )
    for sort, expected in (
        ("train_loss", "3 5 2 4"),
        ("-median(train_loss)", "2 5 3 4"),
        ("-train_loss.min,name", "2 5 3 4"),
        ("-diverged,name", "4 2 3 5"),
        ("created", "2 3 4 5"),
        ("-newest", "5 4 3 2"),
        ("-q1(train_loss)", "2 5 3 4"),
    ):
        query = {"by": by, "sort": sort, "limit": 2, "metrics": "fit_error", "include": "count"}
        first = client.get("/v1/table", params=query).json()
        rest = client.get("/v1/table", params={**query, "cursor": first["next"]}).json()
        names = [row["name"] for row in first["items"] + rest["items"]]
        assert names == [f"n{length}" for length in expected.split()], sort
        assert (first["count"], rest["count"], rest["next"]) == (4, 4, None)
    assert "train_loss" in client.get("/v1/table?sort=train_loss").json()["items"][0]["metrics"]
    query = {"by": by, "sort": f"-{by}", "limit": 4}
    keys = [row["by"][by] for row in client.get("/v1/table", params=query).json()["items"]]
    assert keys == sorted(keys, reverse=True)


def test_a_page_of_sorted_setups_goes_on_after_the_last_whatever_came_before(client, complete):
    for length, loss in ((2, 1.0), (3, 2.0), (4, 3.0)):
        complete([loss], training={"length": length}, name=f"{loss:g}")
    query = {"sort": "train_loss", "limit": 2}
    first = client.get("/v1/table", params=query).json()
    for dim in (4, 5, 6, 7):
        complete([0.5], student={"kind": "linear", "dim": dim})
    for cursor in (first["next"], first["next"].rpartition(".")[2]):
        rest = client.get("/v1/table", params={**query, "cursor": cursor}).json()
        assert ([row["name"] for row in rest["items"]], rest["next"]) == (["3"], None)
    for cursor in ("2.x", "x", "99999999999.x"):
        refused = client.get("/v1/table", params={**query, "cursor": cursor})
        assert refused.status_code == 400


def test_runs_are_sorted_by_what_they_show_on_all_pages(client, complete):
    complete([3.0, 1.0])
    complete([2.0, 4.0])
    query = {"group": "false", "sort": "-train_loss", "include": "count", "limit": 3}
    first = client.get("/v1/table", params=query).json()
    rest = client.get("/v1/table", params={**query, "cursor": first["next"]}).json()
    rows = first["items"] + rest["items"]
    assert [row["metrics"]["train_loss"] for row in rows] == [4.0, 3.0, 2.0, 1.0]
    del query["sort"]
    assert first["count"] == client.get("/v1/table", params=query).json()["count"] == 4


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_setups_have_every_setup_once_newest_first(client, submit, limit):
    submitted = [submit(training={"length": length}) for length in (2, 3, 2, 4, 3, 2, 5)]
    newest = [path.rpartition("/")[2] for path in submitted[:2:-1]]
    query, seen = {"states": "all", "limit": limit, "include": "count"}, []
    while True:
        page = client.get("/v1/table", params=query).json()
        seen += [(row["newest"], row["experiments"]) for row in page["items"]]
        assert page["count"] == 4
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == list(zip(newest, (1, 3, 2, 1), strict=True))


def test_csv_has_all_rows_with_exact_numbers(client, complete):
    complete([0.1 + 0.2, math.inf], name='a "name", with comma')
    complete([1.0], training={"length": 2})
    query = {"metrics": "train_loss", "statistic": "min,max", "format": "csv", "limit": 1}
    header, *rows = csv.reader(io.StringIO(client.get("/v1/table", params=query).text))
    columns = ["experiments", "newest", "name", "seeds", "fitted", "diverged"]
    assert header[1:] == [*columns, "train_loss.min", "train_loss.max"]
    assert len(rows) == 2
    row = rows[1]
    assert (row[3], float(row[7]), row[8]) == ('a "name", with comma', 0.1 + 0.2, "Infinity")


def test_csv_can_have_two_columns_of_one_name(client, complete):
    complete([1.0, 2.0], name="a")
    query = {"by": "seeds,name", "metrics": "train_loss", "statistic": "max", "format": "csv"}
    header, row = csv.reader(io.StringIO(client.get("/v1/table", params=query).text))
    assert (header.count("seeds"), header.count("name")) == (2, 2)
    assert row[:2] == ["2", "a"]


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("q=stat%3D1", 400, "/query/q"),
        ("by=training.lengt", 400, "/query/by"),
        ("by=outcome", 400, "/query/by"),
        ("sort=train_los", 400, "/query/sort"),
        ("sort=mode(train_loss)", 400, "/query/sort"),
        ("sort=training.length", 400, "/query/sort"),
        ("group=false&sort=median(train_loss)", 400, "/query/sort"),
        ("states=done", 422, "/query/states"),
        ("group=false&states=all", 422, "/query/states"),
        ("include=runs", 422, "/query/include"),
        ("group=false&include=seeds", 422, "/query/include"),
        ("metrics=loss", 422, "/query/metrics"),
        ("metrics=", 422, "/query/metrics"),
        ("statistic=mode", 422, "/query/statistic"),
        ("group=perhaps", 422, "/query/group"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(client, query, status, pointer):
    answer = client.get(f"/v1/table?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
