"""Studies: submitted whole, judged by what is stored."""

import pytest

from tests.kit import specimens

PATH = "/v1/studies/balanced"


def test_studies_are_listed_with_their_questions(client):
    study = client.get("/v1/studies").json()["items"][0]
    assert study["name"] == "balanced"
    assert study["question"].endswith("?")
    assert client.get(study["links"]["quick"]["report"]).status_code == 200


def test_a_study_is_submitted_once_and_judged_when_its_experiments_are_done(client, desk):
    assert client.get(f"{PATH}/report").json()["state"] == "not_started"
    assert client.get(f"{PATH}/figures/extrapolation.svg").status_code == 409

    submitted = client.post(PATH)
    members = submitted.json()["experiments"]
    assert submitted.status_code == 202
    assert {(member["state"], member["reused"]) for member in members} == {("queued", False)}
    assert client.get(f"{PATH}/report").json()["state"] == "queued"

    claim = desk.claim()
    assert client.get(f"{PATH}/report").json()["state"] == "running"
    desk.complete(claim)
    report = client.get(f"{PATH}/report").json()
    assert report["state"] == "running"
    assert {claim["verdict"] for claim in report["claims"]} >= {"not_run"}

    for _ in members[1:]:
        desk.complete(desk.claim())
    report = client.get(f"{PATH}/report").json()
    assert report["state"] == "completed"
    assert "not_run" not in {claim["verdict"] for claim in report["claims"]}
    rests_on = {experiment_id for claim in report["claims"] for experiment_id in claim["experiments"]}
    assert rests_on <= {member["id"] for member in members}
    drawn = client.get(submitted.json()["links"]["figures"]["extrapolation"])
    assert drawn.content.startswith(b"<?xml")

    again = client.post(PATH)
    assert again.status_code == 200
    assert [(member["id"], member["reused"]) for member in again.json()["experiments"]] == [
        (member["id"], True) for member in members
    ]


def test_a_claim_rests_on_numbers_and_says_whether_they_hold(client, desk):
    members = client.post(PATH).json()["experiments"]
    for _ in members:
        claim = desk.claim()
        runs = (specimens.run(seed) for seed in claim.spec.seeds)
        bad = [run.model_copy(update={"summary": run.summary | {"relative_extrapolation_error": 0.5}}) for run in runs]
        desk.complete(claim, specimens.result(*bad))
    claims = client.get(f"{PATH}/report").json()["claims"]
    assert {claim["verdict"] for claim in claims} == {"holds", "fails"}


def test_a_study_with_failed_experiments_waits_for_nobody(client, desk):
    members = client.post(PATH).json()["experiments"]
    for _ in members[1:]:
        desk.complete(desk.claim())
    desk.fail(desk.claim(), "out of luck", "")
    assert client.get(f"{PATH}/report").json()["state"] == "incomplete"
    assert client.post(PATH).status_code == 202
    assert client.get(f"{PATH}/report").json()["state"] == "running"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/studies/balncd"), ("GET", "/v1/studies/balncd/report"), ("GET", "/v1/studies/balncd/figures/a.svg")],
)
def test_an_unknown_study_is_not_found_and_the_nearest_is_named(client, method, path):
    answer = client.request(method, path)
    assert answer.status_code == 404
    assert "did you mean 'balanced'?" in answer.json()["detail"]


@pytest.mark.parametrize("figure", ["nothing.svg", "extrapolation.bmp"])
def test_an_unknown_figure_of_a_study_is_not_found(client, figure):
    assert client.get(f"{PATH}/figures/{figure}").status_code == 404


def test_a_study_has_two_sizes(client):
    answer = client.get(f"{PATH}/report?size=huge")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/size")
    assert client.get(f"{PATH}/report?size=full").json()["size"] == "full"
