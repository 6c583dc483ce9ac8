"""An id in a path may be cut short."""

import pytest

from service.http.ids import MAX_NAMED_IDS
from tests.integration.service.conftest import body

AXES = [{"path": "training.length", "values": [2, 3]}]
RECIPE = {"query": "", "x": "training.length"}


@pytest.fixture
def made(client, submit):
    """An experiment, a sweep without further ones, and a saved figure: their paths."""
    sweep = client.post("/v1/sweeps", json={"name": "a", "base": body(), "axes": AXES}).json()
    return (
        submit(),
        f"/v1/sweeps/{sweep['id']}",
        client.post("/v1/figures", json=RECIPE).headers["location"],
    )


def test_a_beginning_that_no_other_id_has_stands_for_the_whole(client, submit, made):
    experiment, sweep, figure = made
    for path in (sweep, figure):
        assert client.get(path[:-20]).json()["id"] == path.rpartition("/")[2]
    members = [one["experiment"] for one in client.get(sweep).json()["members"]["items"]]
    cut, whole = experiment[:-1], experiment.rpartition("/")[2]
    assert client.get(cut).json()["id"] == whole
    assert client.get(f"{cut}/events").json() == client.get(f"{experiment}/events").json()
    compared = client.get("/v1/compare", params={"ids": f"{cut.rpartition('/')[2]},{members[0]}"})
    assert [one["id"] for one in compared.json()["experiments"]] == [whole, members[0]]
    assert client.post(f"{cut}:cancel").json()["id"] == whole
    assert client.delete(cut).status_code == 204
    assert client.get(experiment).status_code == client.get(cut).status_code == 404


def test_of_several_that_begin_so_the_newest_are_named(client, submit):
    names = sorted((submit().rpartition("/")[2] for _ in range(MAX_NAMED_IDS + 1)), reverse=True)
    shared = names[0][:8]
    for call in (client.get, client.delete):
        refused = call(f"/v1/experiments/{shared}")
        assert refused.status_code == 404
        (problem,) = refused.json()["errors"]
        assert (problem["pointer"], problem["code"]) == ("/path/id", "ambiguous_id")
        assert problem["given"] == f"'{shared}'"
        assert problem["allowed"] == ", ".join(names[:MAX_NAMED_IDS]) + ", ..."
    (problem,) = client.get("/v1/compare", params={"ids": f"{shared},{names[0]}"}).json()["errors"]
    assert (problem["pointer"], problem["code"]) == ("/query/ids", "ambiguous_id")


@pytest.mark.parametrize("path", ["experiments/exp_ffff", "sweeps/swp_ffff", "figures/fig_ffff"])
def test_where_none_begins_so_there_is_nothing(client, made, path):
    (problem,) = client.get(f"/v1/{path}").json()["errors"]
    assert problem["code"] == "not_found"
    assert path.rpartition("/")[2] in problem["message"]
