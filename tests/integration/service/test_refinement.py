"""Refinement of sweeps over HTTP: bisection of an axis where a verdict flips."""

import pytest

from core.result import Outcome
from tests.integration.service.sweep_specs import BASE
from tests.kit import sample_specs

SMALL = "median(train_loss) < 0.1"
DIM = {"path": "student.dim", "values": [7, 8]}
K = {"path": "training.length", "values": [2, 30]}
SCALE = {"path": "student.start.scale", "kind": "logspace", "low": 0.01, "high": 1, "count": 2}
LONG = {"base": {**BASE, "evaluation": {**BASE["evaluation"], "horizon": 40}}}


@pytest.fixture
def train(worker, client):
    """Completes everything that is queued: the loss is small where ``is_small(spec)``."""

    def train(is_small, outcome=Outcome.FITTED):
        for _ in client.get("/v1/experiments?state=queued&limit=99").json()["items"]:
            claim = worker.claim()
            value = 1e-3 if is_small(claim.spec) else 1.0
            runs = [sample_specs.run(n, value=value, outcome=outcome) for n in claim.spec.seeds]
            worker.complete(claim, sample_specs.result(*runs))

    return train


def refine(client, path, axis=K["path"], where=SMALL, **asked):
    return client.post(f"{path}:refine", json={"axis": axis, "where": where, **asked})


def refused(*arguments, **asked):
    answer = refine(*arguments, **asked)
    return answer.status_code, answer.json()["errors"][0]["pointer"], answer.json()["detail"]


def count(client, path):
    return sum(client.get(path).json()["counts"].values())


def test_rounds_locate_the_flip_for_each_combination(client, submit_sweep, train):
    path, cliffs = submit_sweep(DIM, K, **LONG), {7: 5, 8: 21}
    rounds = [{"created": 4}]
    while rounds[-1]["created"]:
        train(lambda spec: spec.training.length >= cliffs[spec.student.dim])
        rounds.append(refine(client, path).json())
    first, last = rounds[1], rounds[-1]
    assert (first["judged"], first["holding"], first["located"], first["created"]) == (4, 2, 0, 2)
    low, high = first["brackets"][0]["low"], first["brackets"][0]["high"]
    assert (low["value"], low["holds"], low["fitted"], low["seeds"]) == (2, False, 2, 2)
    assert (high["value"], high["holds"]) == (30, True)
    assert [bracket["middle"] for bracket in first["brackets"]] == [16, 16]
    assert [
        (bracket["coordinates"], bracket["low"]["value"], bracket["high"]["value"])
        for bracket in last["brackets"]
    ] == [({"student.dim": 7}, 4, 5), ({"student.dim": 8}, 20, 21)]
    assert (last["located"], last["created"], last["state"]) == (2, 0, "completed")
    assert count(client, path) == last["judged"] == 4 + sum(r["created"] for r in rounds[1:]) < 16
    assert client.get(path).json()["axes"][1]["values"] == [2, 30], "the axes stay"


def test_a_new_member_is_a_point_of_the_sweep_and_stays_when_it_is_submitted_again(
    client, submit_sweep, train
):
    path = submit_sweep(SCALE, DIM)
    train(lambda spec: spec.student.start.scale < 0.1)
    answer = refine(client, path, SCALE["path"])
    assert answer.status_code == 202
    assert (answer.json()["scale"], answer.json()["tolerance"]) == ("log", 0.1)
    members = client.get(path).json()["members"]["items"]
    assert members[-1]["coordinates"] == {"student.start.scale": 0.1, "student.dim": 8}
    spec = client.get(f"/v1/experiments/{members[-1]['experiment']}").json()["spec"]
    assert spec["student"]["start"]["scale"] == 0.1
    assert (spec["name"], spec["tags"]) == ("s = 0.1, d = 8", ["phase"])
    client.post(f"{path}:cancel")
    client.delete(f"/v1/experiments/{members[0]['experiment']}")
    assert submit_sweep(SCALE, DIM) == path
    again = client.get(path).json()["members"]["items"]
    assert [m["coordinates"] for m in again] == [m["coordinates"] for m in members]
    for name in ("heatmap", "lines"):
        assert client.get(f"{path}/figures/{name}.svg").status_code == 200


def test_what_did_not_complete_has_no_verdict_and_blocks_its_place(
    client, submit_sweep, train, worker
):
    path = submit_sweep(K, **LONG)
    train(lambda spec: spec.training.length > 9)
    (middle,) = refine(client, path).json()["brackets"]
    worker.fail(worker.claim(), "it broke", "log")
    answer = refine(client, path)
    (bracket,) = answer.json()["brackets"]
    assert answer.status_code == 200
    assert (middle["middle"], bracket["middle"], answer.json()["left_out"]) == (16, None, 1)
    failed = client.get("/v1/experiments?state=failed").json()["items"][0]["id"]
    assert (bracket["blocked_by"], bracket["located"]) == (failed, False)


def test_diverged_seeds_count_as_infinite(client, submit_sweep, train):
    path = submit_sweep(K, **LONG)
    train(lambda _: True, Outcome.DIVERGED)
    assert refine(client, path).json()["holding"] == 0


def test_without_a_flip_and_in_a_dry_run_nothing_is_queued(client, submit_sweep, train):
    path = submit_sweep(K, **LONG)
    train(lambda spec: spec.training.length > 9)
    nowhere = refine(client, path, where="train_loss < 9").json()
    assert (nowhere["brackets"], nowhere["holding"], nowhere["judged"]) == ([], 2, 2)
    dry = client.post(f"{path}:refine?dry_run=true", json={"axis": K["path"], "where": SMALL})
    assert (dry.status_code, dry.json()["brackets"][0]["middle"]) == (200, 16)
    wide = refine(client, path, tolerance=28).json()
    assert (wide["located"], wide["brackets"][0]["middle"]) == (1, None)
    assert count(client, path) == 2
    for member in client.get(path).json()["members"]["items"]:
        client.delete(f"/v1/experiments/{member['experiment']}")
    assert refine(client, path, scale="log").json()["judged"] == 0


def test_what_cannot_be_refined_is_refused(client, submit_sweep, train):
    zipped = {"kind": "zip", "axes": [DIM, {"path": "optimizer.steps", "values": [100, 200]}]}
    starts = {"path": "student.start", "values": [{"scale": 0.1}, {"scale": 1.0}]}
    path = submit_sweep(K, zipped, starts, **LONG)
    status, pointer, detail = refused(client, path)
    assert (status, pointer) == (409, "")
    assert "8 of its experiments are pending" in detail
    train(lambda _: True)
    for asked, pointer, words in (
        ({"axis": "training.lenght"}, "/axis", "did you mean 'training.length'"),
        ({"axis": "student.dim"}, "/axis", "advances together with optimizer.steps"),
        ({"axis": "student.start"}, "/axis", "not numbers"),
        ({"where": "train_los < 1"}, "/where", "did you mean train_loss"),
        ({"where": "train_loss < 1) or (seed = 0"}, "/where", "column"),
        ({"tolerance": 0}, "/tolerance", "greater than 0"),
        ({"scal": "log"}, "/scal", "did you mean 'scale'"),
    ):
        status, at, detail = refused(client, path, **asked)
        assert (status in (400, 422), at) == (True, pointer), detail
        assert words in detail
    assert refine(client, "/v1/sweeps/swp_" + "0" * 32).status_code == 404
