"""Comparisons: what differs, statistics side by side, and figures of all experiments."""

import pytest

from core.figures import COMPARISON_FIGURES
from core.result import Outcome
from service import schemas
from tests.kit import sample_specs


@pytest.fixture
def ids(submit, worker):
    """The ids of two experiments with different k, the second with a diverged seed."""
    experiment_ids = []
    for length, name, diverged in ((4, "short", ()), (6, "long", (1,))):
        path = submit(name=name, training={"length": length}, tags=["same"])
        claim = worker.claim()
        runs = [
            sample_specs.run(
                seed,
                outcome=Outcome.DIVERGED if seed in diverged else Outcome.FITTED,
                value=length / 8,
            )
            for seed in claim.spec.seeds
        ]
        points = sample_specs.points([0, 1, 100], claim.spec.seeds, value=0.5)
        worker.complete(claim, sample_specs.result(*runs), points)
        experiment_ids.append(path.rpartition("/")[2])
    return experiment_ids


def test_a_comparison_has_only_what_differs(client, ids):
    comparison = client.get("/v1/compare", params={"ids": ",".join(ids)}).json()
    assert comparison["differences"] == [
        {"path": "training.length", "values": [4, 6]},
        {"path": "name", "values": ["short", "long"]},
    ]
    assert [experiment["outcomes"] for experiment in comparison["experiments"]] == [
        {"fitted": 2},
        {"fitted": 1, "diverged": 1},
    ]
    losses = comparison["metrics"]["train_loss"]
    assert (losses[0]["median"], losses[1]["max"]) == (0.5, "Infinity")
    baselines = comparison["metrics"]["zero_baseline"]
    assert baselines[0] == baselines[1], "no student changes a metric of the teacher"
    for url in comparison["figures"].values():
        assert client.get(url).headers["content-type"] == "image/svg+xml"
    assert [experiment["label"] for experiment in comparison["experiments"]] == ["short", "long"]
    schemas.Comparison.model_validate(comparison)


@pytest.mark.parametrize("name", COMPARISON_FIGURES)
def test_a_figure_counts_the_seeds_that_fit(client, ids, name):
    data = client.get(f"/v1/compare/figures/{name}.json?ids={','.join(ids)}").json()
    assert [(side["fitted"], side["seeds"]) for side in data["sides"]] == [(2, 2), (1, 2)]


@pytest.mark.parametrize("name", ["response", "training"])
def test_a_figure_labels_each_experiment_by_what_differs(client, ids, name):
    data = client.get(f"/v1/compare/figures/{name}.json?ids={','.join(ids)}").json()
    assert [side["label"] for side in data["sides"]] == ["short", "long"]
    assert [side["length"] for side in data["sides"]] == [4, 6]
    assert data["caption"].count("2 of 2 seeds fit.") == 1
    assert data["caption"].count("1 of 2 seeds fit; 1 diverged.") == 1
    for experiment_id in ids:
        path, headers = f"/v1/experiments/{experiment_id}", {"If-Match": "*"}
        assert client.patch(path, json={"name": "same"}, headers=headers).status_code == 200
    data = client.get(f"/v1/compare/figures/{name}.json?ids={','.join(ids)}").json()
    assert [side["label"] for side in data["sides"]] == ["k = 4", "k = 6"]


def test_before_the_end_it_is_not_known_how_many_seeds_fit(client, ids, submit, worker):
    running = submit(name="running").rpartition("/")[2]
    claim = worker.claim()
    worker.record(claim, sample_specs.points([0, 10], claim.spec.seeds))
    data = client.get(f"/v1/compare/figures/training.json?ids={ids[0]},{running}").json()
    assert [(side["fitted"], side["seeds"]) for side in data["sides"]] == [(2, 2), (None, 2)]
    assert data["caption"].count("of 2 seeds fit") == 1


def test_a_figure_of_the_training_has_medians_and_quartiles(client, ids):
    data = client.get(f"/v1/compare/figures/training.json?ids={','.join(ids)}").json()
    assert data["sides"][0]["above"] == {
        "x": [0.0, 1.0, 100.0],
        "median": [0.5] * 3,
        "q1": [0.5] * 3,
        "q3": [0.5] * 3,
    }


def test_a_diverged_seed_counts_as_infinite_in_the_band_of_a_response(client, ids):
    data = client.get(f"/v1/compare/figures/response.json?ids={','.join(ids)}").json()
    band = data["sides"][1]["above"]
    assert (set(band["q3"]), set(band["median"])) == ({"Infinity"}, {"Infinity"})
    assert "Infinity" not in band["q1"]


@pytest.mark.parametrize("name", ["training", "training_ratio"])
def test_gradient_flow_beside_gd_is_drawn_over_time(client, ids, submit, worker, name):
    flow = submit(optimizer={"kind": "gradient_flow", "time": 40.0}).rpartition("/")[2]
    claim = worker.claim()
    worker.complete(claim, points=sample_specs.points([0, 1, 200], claim.spec.seeds))
    path = f"/v1/compare/figures/{name}"
    both = {"ids": f"{ids[0]},{flow}"}
    assert client.get(f"{path}.json", params=both).json()["x"] == "time"
    assert client.get(f"{path}.svg", params=both | {"x": "time"}).status_code == 200
    refused = client.get(f"{path}.svg", params=both | {"x": "step"})
    assert (refused.status_code, "use x=time" in refused.json()["detail"]) == (409, True)
    assert client.get(f"{path}.json", params={"ids": ",".join(ids)}).json()["x"] == "step"
    lag = client.get(path.replace(name, "response.svg"), params=both | {"x": "time"})
    assert lag.status_code == 422


def test_ratios_are_multiples_of_the_first_experiment(client, ids):
    data = client.get(f"/v1/compare/figures/training_ratio.json?ids={','.join(ids)}").json()
    assert data["y"] == ["training loss", "extrapolation error"]
    ones = {"x": [0.0, 1.0, 100.0], "median": [1.0] * 3, "q1": [1.0] * 3, "q3": [1.0] * 3}
    assert [side["lines"] for side in data["sides"]] == [[ones, ones]] * 2
    data = client.get(f"/v1/compare/figures/response_ratio.json?ids={','.join(ids)}").json()
    first, second = (side["lines"][0]["q1"] for side in data["sides"])
    overlay = client.get(f"/v1/compare/figures/response.json?ids={','.join(ids)}").json()["sides"]
    errors = [side["below"]["q1"] for side in overlay]
    assert overlay[0]["below"]["median"] == errors[0], "no seed of the first diverged"
    assert (first[2], second[2]) == (1.0, pytest.approx(errors[1][2] / errors[0][2]))
    assert second[2] == pytest.approx(2.0)


def test_an_experiment_without_a_result_has_no_statistics_and_no_figure(client, ids, submit):
    queued = submit(training={"length": 2}).rpartition("/")[2]
    both = f"{ids[0]},{queued}"
    assert client.get(f"/v1/compare?ids={both}").json()["metrics"]["train_loss"][1] is None
    refused = client.get(f"/v1/compare/figures/response.svg?ids={both}")
    assert (refused.status_code, "has no result;" in refused.json()["detail"]) == (409, True)
    assert client.get(f"/v1/compare/figures/training.svg?ids={both}").status_code == 409


@pytest.mark.parametrize(
    ("template", "status"),
    [
        ("{0}", 422),
        ("{0},{0}", 422),
        ("{0},", 422),
        ("{0},exp_x", 404),
        (",".join(["{0}"] * 13), 422),
        ("", 422),
        ("{0},%00", 404),
    ],
)
def test_only_two_to_twelve_different_experiments_are_compared(client, ids, template, status):
    for path in ("/v1/compare", "/v1/compare/figures/response.svg"):
        assert client.get(f"{path}?ids={template.format(ids[0])}").status_code == status
