"""``GET /v1/series``: many experiments in one answer, thinned, also over seeds."""

import math

import pytest

from core.statistics import statistic
from service.exports import series_pages
from tests.kit import sample_specs

STEPS = range(100)


@pytest.fixture
def recorded(submit, worker):
    """Records an experiment of five seeds, and gives its id; with a result if completed."""

    def record(*, completed=True, **changes) -> str:
        path = submit(seeds=5, **changes)
        claim = worker.claim()
        points = sample_specs.points(STEPS, claim.spec.seeds)
        points["train_loss"] = 10.0 ** (points["seed"] - 2) / (points["step"] + 1)
        points["train_loss"][points["step"] == 37] *= 1e3
        is_overflow = (points["seed"] == 4) & (points["step"] == 60)
        points["train_loss"][is_overflow] = math.nan
        has_ended = (points["seed"] == 4) & (points["step"] > 60)
        points = {name: column[~has_ended] for name, column in points.items()}
        if completed:
            runs = [
                sample_specs.run(seed, outcome="diverged" if seed == 4 else "fitted")
                for seed in claim.spec.seeds
            ]
            worker.complete(claim, sample_specs.result(*runs), points)
        else:
            worker.record(claim, points)
        return path.removeprefix("/v1/experiments/")

    return record


def test_experiments_of_a_filter_come_in_columns_in_order(client, recorded, submit):
    first, second = recorded(name="first"), recorded(name="second", completed=False)
    waiting = submit(name="third").removeprefix("/v1/experiments/")
    answer = client.get("/v1/series?sort=name&names=train_loss").json()
    assert answer["next"] is None
    assert [(item["experiment"], item["name"], item["state"]) for item in answer["items"]] == [
        (first, "first", "completed"),
        (second, "second", "running"),
        (waiting, "third", "queued"),
    ]
    one = client.get(f"/v1/experiments/{first}/series?form=columns&names=train_loss").json()
    assert {name: answer["items"][0][name] for name in one} == one
    assert (answer["items"][2]["step"], answer["items"][2]["of"]) == ([], 0)


@pytest.mark.parametrize("completed", [True, False])
def test_statistics_over_seeds_count_an_overflow_as_infinite(client, recorded, completed):
    recorded(completed=completed)
    (item,) = client.get("/v1/series?over=seeds&names=train_loss,fit_error").json()["items"]
    assert (item["seeds"], item["fitted"], item["diverged"]) == (5, 4 if completed else 0, 1)
    assert (item["step"], item["thinned"], item["of"]) == ([*STEPS], False, 100)
    losses = item["metrics"]["train_loss"]
    for step in (0, 37, 60, 99):
        factor = 1e3 if step == 37 else 1.0
        values = [10.0 ** (seed - 2) / (step + 1) * factor for seed in range(5)]
        if step >= 60:
            values[4] = math.inf
        for name in ("median", "q1", "q3"):
            assert float(losses[name][step]) == pytest.approx(statistic(name, values))
    # of a metric that doesn't overflow, a seed keeps its last value
    assert item["metrics"]["fit_error"]["q3"][99] == pytest.approx(3e6 + 100)


@pytest.mark.parametrize("over", ["", "&over=seeds"])
def test_thinned_series_keep_spikes(client, recorded, over):
    recorded()
    everything, answer = (
        client.get(f"/v1/series?names=train_loss{over}{thinning}").json()["items"][0]
        for thinning in ("", "&max_points=24")
    )
    assert (answer["thinned"], answer["of"]) == (True, 100)
    assert 12 <= len(answer["step"]) <= 24
    assert {0, 37, 99} <= {*answer["step"]}
    parts = answer["metrics" if over else "seeds"]
    for name, columns in everything["metrics" if over else "seeds"].items():
        for column in columns:
            kept = [columns[column][step] for step in answer["step"]]
            assert parts[name][column] == kept


def test_series_are_paged_like_other_lists(client, recorded, monkeypatch):
    ids = [recorded() for _ in range(3)][::-1]
    page = client.get("/v1/series?limit=2").json()
    assert [item["experiment"] for item in page["items"]] == ids[:2]
    rest = client.get("/v1/series", params={"limit": 2, "cursor": page["next"]}).json()
    assert ([item["experiment"] for item in rest["items"]], rest["next"]) == (ids[2:], None)
    monkeypatch.setattr(series_pages, "MAX_NUMBERS", 500)  # one experiment has more
    page = client.get("/v1/series").json()
    assert [item["experiment"] for item in page["items"]] == ids[:1]
    assert len(page["items"][0]["step"]) * 5 * 2 <= 500
    rest = client.get("/v1/series", params={"cursor": page["next"]}).json()
    assert [item["experiment"] for item in rest["items"]] == ids[1:2]


def test_ids_and_sweeps_select_experiments(client, recorded, submit_sweep):
    first, second, _ = recorded(), recorded(), recorded()
    answer = client.get("/v1/series", params={"ids": f"{first},{second}"}).json()
    assert [item["experiment"] for item in answer["items"]] == [second, first]
    sweep = submit_sweep({"path": "training.length", "values": [2, 3]}).split("/")[-1]
    by_sweep = client.get(f"/v1/series?sweep={sweep[:-2]}&sort=training.length").json()
    by_filter = client.get(f"/v1/series?q=sweep:{sweep}&sort=training.length").json()
    assert by_sweep == by_filter
    assert len(by_sweep["items"]) == 2
    both = client.get(f"/v1/series?sweep={sweep}&q=training.length = 2 or state = failed").json()
    assert both["items"] == by_sweep["items"][:1]


@pytest.mark.parametrize(
    ("query", "status", "pointers"),
    [
        ("names=trian_loss,response", 422, ["/query/names", "/query/names"]),
        ("max_points=1", 422, ["/query/max_points"]),
        ("max_points=2001", 422, ["/query/max_points"]),
        ("over=runs", 422, ["/query/over"]),
        ("ids=exp_none,x", 422, ["/query/ids", "/query/ids"]),
        ("ids=" + ",".join(f"exp_{n:032x}" for n in range(501)), 422, ["/query/ids"]),
        ("q=state+=+queued&ids=exp_1", 422, ["/query/ids"]),
        ("sweep=swp_1&ids=exp_1", 422, ["/query/ids"]),
        ("q=state+=&sort=nothing", 400, ["/query/q", "/query/sort"]),
        ("sweep=swp_" + "0" * 32, 422, ["/query/sweep"]),
        ("cursor=nonsense", 400, ["/query/cursor"]),
    ],
)
def test_bad_requests_are_explained(client, query, status, pointers):
    answer = client.get(f"/v1/series?{query}")
    assert answer.status_code == status, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


def test_an_unchanged_page_is_not_sent_again(client, recorded):
    recorded()
    etag = client.get("/v1/series").headers["etag"]
    assert client.get("/v1/series", headers={"If-None-Match": etag}).status_code == 304
