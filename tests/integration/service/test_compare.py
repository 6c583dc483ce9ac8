"""Comparisons: only what differs, statistics side by side, and figures over each other."""

import pytest

from core.result import Outcome
from tests.kit import sample_specs


@pytest.fixture
def two(client, submit, worker):
    """Two experiments that differ in length and start, the second with a diverged seed; their ids."""
    ids = []
    for length, name, lost in ((4, "short", ()), (6, "long", (1,))):
        path = submit(name=name, training={"length": length}, tags=["same"])
        claim = worker.claim()
        ends = [Outcome.DIVERGED if seed in lost else Outcome.FITTED for seed in claim.spec.seeds]
        runs = [
            sample_specs.run(seed, outcome=ends[seed], value=length / 8)
            for seed in claim.spec.seeds
        ]
        worker.complete(
            claim,
            sample_specs.result(*runs),
            sample_specs.points([0, 1, 100], claim.spec.seeds, value=0.5),
        )
        ids.append(path.rpartition("/")[2])
    return ids


def test_only_what_differs_is_told(client, two):
    found = client.get("/v1/compare", params={"ids": ",".join(two)}).json()
    assert found["differences"] == [
        {"path": "training.length", "values": [4, 6]},
        {"path": "name", "values": ["short", "long"]},
    ]
    assert [one["outcomes"] for one in found["experiments"]] == [
        {"fitted": 2},
        {"fitted": 1, "diverged": 1},
    ]
    losses = found["metrics"]["train_loss"]
    assert (losses[0]["median"], losses[1]["max"]) == (0.5, "Infinity")
    baselines = found["metrics"]["zero_baseline"]
    assert baselines[0] == baselines[1], "no student changes what is the teacher's"
    for address in found["figures"].values():
        assert client.get(address).headers["content-type"] == "image/svg+xml"


def test_a_figure_has_each_by_what_tells_it_from_the_others(client, two):
    for name in ("response", "training"):
        data = client.get(f"/v1/compare/figures/{name}.json?ids={','.join(two)}").json()
        assert [side["label"] for side in data["sides"]] == ["length = 4", "length = 6"]
        assert [side["length"] for side in data["sides"]] == [4, 6]
    assert data["sides"][0]["above"] == {
        "x": [0.0, 1.0, 100.0],
        "median": [0.5] * 3,
        "q1": [0.5] * 3,
        "q3": [0.5] * 3,
    }


def test_ratios_are_over_the_first(client, two):
    data = client.get(f"/v1/compare/figures/training_ratio.json?ids={','.join(two)}").json()
    assert data["y"] == ["training loss", "extrapolation error"]
    ones = {"x": [0.0, 1.0, 100.0], "median": [1.0] * 3, "q1": [1.0] * 3, "q3": [1.0] * 3}
    assert [side["lines"] for side in data["sides"]] == [[ones, ones]] * 2
    data = client.get(f"/v1/compare/figures/response_ratio.json?ids={','.join(two)}").json()
    first, second = (side["lines"][0]["median"] for side in data["sides"])
    overlay = client.get(f"/v1/compare/figures/response.json?ids={','.join(two)}").json()["sides"]
    errors = [side["below"]["median"] for side in overlay]
    assert (first[2], second[2]) == (1.0, pytest.approx(errors[1][2] / errors[0][2]))
    assert second[2] == pytest.approx(2.0)


def test_what_is_not_there_yet_is_told(client, two, submit):
    queued = submit(training={"length": 2}).rpartition("/")[2]
    ids = f"{two[0]},{queued}"
    assert client.get(f"/v1/compare?ids={ids}").json()["metrics"]["train_loss"][1] is None
    refused = client.get(f"/v1/compare/figures/response.svg?ids={ids}")
    assert (refused.status_code, "no result yet" in refused.json()["detail"]) == (409, True)
    assert client.get(f"/v1/compare/figures/training.svg?ids={ids}").status_code == 409


@pytest.mark.parametrize(
    ("ids", "status"),
    [
        ("{0}", 422),
        ("{0},{0}", 422),
        ("{0},exp_x", 404),
        (",".join(["{0}"] * 13), 422),
        ("", 422),
        ("{0},%00", 404),
    ],
)
def test_two_to_twelve_different_experiments_are_compared(client, two, ids, status):
    for path in ("/v1/compare", "/v1/compare/figures/response.svg"):
        assert client.get(f"{path}?ids={ids.format(two[0])}").status_code == status
