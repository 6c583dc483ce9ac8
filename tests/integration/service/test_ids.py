"""What stands for an id in a request: a unique prefix of it, a name, or @latest."""

import pytest

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


def test_several_matches_are_refused_with_the_newest(client, submit):
    ids = [submit(name="a/b: 50%").rpartition("/")[2] for _ in range(3)][::-1]
    for call in (client.get, client.delete):
        refused = call("/v1/experiments/a%2Fb%3A%2050%25")
        assert refused.status_code == 404
        (problem,) = refused.json()["errors"]
        assert (problem["pointer"], problem["code"]) == ("/path/id", "ambiguous_id")
        assert problem["given"] == "'a/b: 50%'"
        assert problem["allowed"] == ", ".join(ids)
    compared = client.get("/v1/compare", params={"ids": f"a/b: 50%,{ids[0]}"})
    (problem,) = compared.json()["errors"]
    assert (problem["pointer"], problem["code"]) == ("/query/ids", "ambiguous_id")


def test_names_and_latest_stand_for_ids(client, submit):
    first, newest = submit(name="a/b: 50%"), submit(name="other")
    assert client.get("/v1/experiments/a%2Fb%3A%2050%25").json()["id"] in first
    assert client.get("/v1/experiments/a%2Fb%3A%2050%25/events").status_code == 200
    assert client.post("/v1/experiments/a%2fb%3a%2050%25:cancel").json()["id"] in first
    assert client.get("/v1/experiments/@latest").json()["id"] in newest
    assert "other" in client.get("/experiments/@latest").text
    ids = client.get("/v1/compare", params={"ids": "a/b: 50%,@latest"}).json()["experiments"]
    assert [f"/v1/experiments/{item['id']}" for item in ids] == [first, newest]
    figure = client.post("/v1/figures", json={**RECIPE, "name": "fig. 1"}).json()
    assert client.get("/v1/figures/fig.%201").json() == figure
    assert client.get("/v1/figures/fig.%201.json").status_code == 409  # nothing is completed


def test_filters_and_bulk_changes_take_references(client, submit, submit_sweep):
    first, newest = (submit(name=name).rpartition("/")[2] for name in ("first try", "other"))
    sweep = submit_sweep(*AXES, name="phase").rpartition("/")[2]

    def found(q, **parameters):
        answer = client.get("/v1/experiments", params={"q": q, **parameters})
        return [item["id"] for item in answer.json()["items"]]

    assert found('id = "first try"') == found(f"id = {first[:-9]}") == [first]
    assert found(f"id in ({newest[:-9]}, 'first try')") == [newest, first]
    assert found("not id != other") == [newest]
    members = found(f"sweep:{sweep}")
    assert members == found("id = @latest or sweep:phase") == found("sweep = @latest")
    assert len(members) == len(AXES[0]["values"])
    assert found("sweep:nothing") == found("id = exp_ffff") == found("student.start.id = x") == []
    for q, code, message in (
        (f"id = {sweep[:12]}", "wrong_kind", "it is the id of a sweep"),
        ("sweep:other", "wrong_kind", "an experiment has this name"),
        ("id = phase", "wrong_kind", "a sweep has this name"),
    ):
        (problem,) = client.get("/v1/experiments", params={"q": q}).json()["errors"]
        assert (problem["pointer"], problem["code"]) == ("/query/q", code)
        assert message in problem["message"]
    body = {"ids": ["first try", newest[:-9], first, "nobody"], "add": ["seen"]}
    changed = client.post("/v1/experiments:tag", json=body).json()
    assert "nobody" in str(changed["refused"])
    assert found("tag:seen") == [newest, first]
    refused = client.post("/v1/experiments:tag", json={"ids": [first, sweep], "add": ["a"]})
    assert refused.json()["errors"][0]["pointer"] == "/ids/1"


def test_a_cursor_goes_on_in_no_other_sweep(client, submit_sweep):
    submit_sweep(*AXES, name="first")
    page = client.get("/v1/experiments", params={"q": "sweep:@latest", "limit": 1}).json()
    again = {"q": "sweep:@latest", "limit": 1, "cursor": page["next"]}
    assert len(client.get("/v1/experiments", params=again).json()["items"]) == 1
    submit_sweep({"path": "training.length", "values": [4, 5]}, name="second")
    assert client.get("/v1/experiments", params=again).status_code == 400


def test_an_id_of_another_kind_says_what_takes_it(client, paths):
    for path in paths:
        kind, name = path.split("/")[2:]
        for other in {"experiments", "sweeps", "figures"} - {kind}:
            refused = client.get(f"/v1/{other}/{name[:12]}")
            (problem,) = refused.json()["errors"]
            assert (refused.status_code, problem["code"]) == (404, "wrong_kind")
            assert f"/v1/{kind}/ID" in problem["message"]
    worker = client.post("/v1/workers/swp_0123:drain").json()["errors"][0]
    assert "it is the id of a sweep; /v1/sweeps/ID" in worker["message"]
    client.post("/v1/views", json={"name": "mine", "page": "experiments", "query": "q=x"})
    view = client.get("/v1/experiments/mine").json()["errors"][0]
    assert "a saved view has this name; /v1/views/NAME takes it" in view["message"]


def test_a_body_for_the_other_route_names_that_route(client):
    for route, content, other in (
        ("experiments", {"base": body(), "axes": AXES}, "POST /v1/sweeps"),
        ("experiments", {"base": {}}, "POST /v1/sweeps"),
        ("sweeps", body(), "POST /v1/experiments"),
        ("sweeps", {"student": 1}, "POST /v1/experiments"),
    ):
        refused = client.post(f"/v1/{route}", json=content)
        (problem,) = refused.json()["errors"]
        assert (refused.status_code, problem["code"]) == (422, "wrong_kind")
        assert other in problem["message"]
    mixed = client.post("/v1/experiments", json={**body(), "base": {}}).json()["errors"]
    assert [problem["pointer"] for problem in mixed] == ["/base"]


@pytest.mark.parametrize("path", ["experiments/exp_ffff", "sweeps/swp_ffff", "figures/fig_ffff"])
def test_a_prefix_without_a_match_is_not_found(client, paths, path):
    (problem,) = client.get(f"/v1/{path}").json()["errors"]
    assert problem["code"] == "not_found"
    assert path.rpartition("/")[2] in problem["message"]
