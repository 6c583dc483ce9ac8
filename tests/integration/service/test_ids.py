"""Ids in a path may be shortened to a unique prefix."""

import pytest

from service.http.ids import MAX_NAMED_IDS
from tests.integration.service.conftest import body

AXES = [{"path": "training.length", "values": [2, 3]}]
RECIPE = {"query": "", "x": "training.length"}


@pytest.fixture
def paths(client, submit):
    """The paths of an experiment, a sweep and a saved figure."""
    sweep = client.post("/v1/sweeps", json={"name": "a", "base": body(), "axes": AXES}).json()
    return (
        submit(),
        f"/v1/sweeps/{sweep['id']}",
        client.post("/v1/figures", json=RECIPE).headers["location"],
    )


def test_a_unique_prefix_stands_for_the_id(client, submit, paths):
    experiment, sweep, figure = paths
    for path in (sweep, figure):
        assert client.get(path[:-20]).json()["id"] == path.rpartition("/")[2]
    members = [member["experiment"] for member in client.get(sweep).json()["members"]["items"]]
    short, experiment_id = experiment[:-1], experiment.rpartition("/")[2]
    assert client.get(short).json()["id"] == experiment_id
    assert client.get(f"{short}/events").json() == client.get(f"{experiment}/events").json()
    compared = client.get("/v1/compare", params={"ids": f"{short.rpartition('/')[2]},{members[0]}"})
    assert [item["id"] for item in compared.json()["experiments"]] == [experiment_id, members[0]]
    assert client.post(f"{short}:cancel").json()["id"] == experiment_id
    assert client.delete(short).status_code == 204
    assert client.get(experiment).status_code == client.get(short).status_code == 404


def test_an_ambiguous_prefix_is_refused_with_the_newest_matches(client, submit):
    ids = sorted((submit().rpartition("/")[2] for _ in range(MAX_NAMED_IDS + 1)), reverse=True)
    prefix = ids[0][:8]
    for call in (client.get, client.delete):
        refused = call(f"/v1/experiments/{prefix}")
        assert refused.status_code == 404
        (problem,) = refused.json()["errors"]
        assert (problem["pointer"], problem["code"]) == ("/path/id", "ambiguous_id")
        assert problem["given"] == f"'{prefix}'"
        assert problem["allowed"] == ", ".join(ids[:MAX_NAMED_IDS]) + ", ..."
    (problem,) = client.get("/v1/compare", params={"ids": f"{prefix},{ids[0]}"}).json()["errors"]
    assert (problem["pointer"], problem["code"]) == ("/query/ids", "ambiguous_id")


@pytest.mark.parametrize("path", ["experiments/exp_ffff", "sweeps/swp_ffff", "figures/fig_ffff"])
def test_a_prefix_without_a_match_is_not_found(client, paths, path):
    (problem,) = client.get(f"/v1/{path}").json()["errors"]
    assert problem["code"] == "not_found"
    assert path.rpartition("/")[2] in problem["message"]
