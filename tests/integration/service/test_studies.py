"""Studies: submitted as sweeps, judged by what is stored."""

import numpy as np
import pytest

from core.result import BaselineResult
from core.spec import SweepSpec, spec_hash
from core.studies import STUDIES
from service.pages import studies as pages_of_studies
from tests.kit import sample_specs

PATH = "/v1/studies/balanced"


def test_studies_are_listed_with_their_questions(client):
    study = client.get("/v1/studies").json()["items"][0]
    assert study["name"] == "balanced"
    assert study["question"].endswith("?")
    assert client.get(study["links"]["quick"]["report"]).status_code == 200


def test_a_study_is_submitted_once_and_judged_when_its_experiments_complete(client, worker):
    assert client.get(f"{PATH}/report").json()["state"] == "not_started"
    assert client.get(f"{PATH}/figures/extrapolation.svg").status_code == 409

    submitted = client.post(PATH)
    members = submitted.json()["experiments"]
    assert submitted.status_code == 202
    assert {(member["state"], member["reused"]) for member in members} == {("queued", False)}
    assert client.get(f"{PATH}/report").json()["state"] == "queued"

    claim = worker.claim()
    assert client.get(f"{PATH}/report").json()["state"] == "running"
    worker.complete(claim)
    report = client.get(f"{PATH}/report").json()
    assert report["state"] == "running"
    assert {claim["verdict"] for claim in report["claims"]} >= {"not_run"}

    for _ in members[1:]:
        worker.complete(worker.claim())
    report = client.get(f"{PATH}/report").json()
    assert report["state"] == "completed"
    assert "not_run" not in {claim["verdict"] for claim in report["claims"]}
    rests_on = {
        experiment_id for claim in report["claims"] for experiment_id in claim["experiments"]
    }
    assert rests_on <= {member["id"] for member in members}
    drawn = client.get(submitted.json()["links"]["figures"]["extrapolation"])
    assert drawn.content.startswith(b"<?xml")

    again = client.post(PATH)
    assert again.status_code == 200
    assert [arm["id"] for arm in again.json()["sweeps"]] == [
        arm["id"] for arm in submitted.json()["sweeps"]
    ]
    assert [(member["id"], member["reused"]) for member in again.json()["experiments"]] == [
        (member["id"], True) for member in members
    ]


def test_each_arm_of_a_study_is_a_sweep_with_its_name_and_tags(client):
    arms = client.post(PATH).json()["sweeps"]
    assert len(arms) == len(client.get("/v1/sweeps").json()["items"])
    (arm,) = [arm for arm in arms if arm["arm"] == "near-zero start"]
    sweep = client.get(arm["links"]["self"]).json()
    assert sweep["name"] == "balanced (quick): near-zero start"
    assert sweep["base"]["tags"] == ["study:balanced", "size:quick"]
    assert sweep["progress"]["of"] == arm["count"] == arm["created"]
    assert client.get(f"/v1/experiments/{sweep['members']['items'][0]['experiment']}").json()[
        "spec"
    ]["tags"] == [
        "study:balanced",
        "size:quick",
    ]


def test_the_arms_of_a_study_are_sweeps_that_can_be_submitted(client):
    members = client.post("/v1/studies/memoryless").json()["experiments"]
    arms = client.get("/v1/studies/memoryless/sweeps").json()["items"]
    assert [arm["arm"] for arm in arms] == [*STUDIES["memoryless"].arms("quick")]
    assert arms[0]["question"] == STUDIES["memoryless"].question
    found = set()
    for arm in arms:
        content = {"name": "mine", "base": arm["base"], "axes": arm["axes"]}
        answer = client.post("/v1/sweeps", json=content).json()
        assert answer["created"] == 0
        page = client.get(f"/v1/sweeps/{answer['id']}", params={"limit": 200}).json()["members"]
        found |= {member["experiment"] for member in page["items"]}
    assert found == {member["id"] for member in members}
    assert client.get("/v1/studies/nothing/sweeps").status_code == 404


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("size", ["quick", "full"])
def test_every_study_can_be_submitted_and_judged(client, name, size):
    answer = client.post(f"/v1/studies/{name}?size={size}")
    assert answer.status_code == 202, answer.text
    assert len(answer.json()["experiments"]) == len(STUDIES[name].experiments(size))
    hashes = {experiment["spec_hash"] for experiment in all_items(client, "/v1/experiments")}
    assert hashes == {spec_hash(spec) for spec in STUDIES[name].experiments(size)}
    assert client.get(f"/v1/studies/{name}/report?size={size}").json()["state"] == "queued"
    assert client.post(f"/v1/studies/{name}?size={size}").status_code == 200


def all_items(client, path):
    cursor = {}
    while cursor is not None:
        page = client.get(path, params={"limit": 500, **cursor}).json()
        yield from page["items"]
        cursor = page["next"] and {"cursor": page["next"]}


def test_the_report_on_all_studies_has_a_row_for_each(client, worker):
    for _ in client.post(PATH).json()["experiments"]:
        worker.complete(worker.claim())
    rows = {row["name"]: row for row in client.get("/v1/studies/report?size=quick").json()["items"]}
    assert set(rows) == set(STUDIES)
    claims = client.get(f"{PATH}/report").json()["claims"]
    verdicts = [claim["verdict"] for claim in claims]
    assert (rows["balanced"]["state"], rows["balanced"]["not_run"]) == ("completed", 0)
    assert (rows["balanced"]["holds"], rows["balanced"]["fails"]) == (
        verdicts.count("holds"),
        verdicts.count("fails"),
    )
    assert all(
        row["state"] == "not_started" and row["not_run"]
        for name, row in rows.items()
        if name != "balanced"
    )
    assert {row["state"] for row in client.get("/v1/studies/report?size=full").json()["items"]} == {
        "not_started"
    }


def test_a_study_gets_the_arrays_that_it_reads_and_every_baseline(client, worker, monkeypatch):
    evidence_by_size = {}

    class ReadingStudy(type(STUDIES["balanced"])):
        name = "reads"
        reads_responses = True

        def sweeps(self, _size):
            spec = sample_specs.spec(evaluation={"horizon": 8, "baselines": ["era"]})
            return {"arm": SweepSpec(base=spec.model_dump(mode="json"))}

        def judge(self, size, evidence):
            evidence_by_size[size] = evidence
            return ()

    for module in ("service.routes.studies", "service.stored_study"):
        monkeypatch.setattr(f"{module}.STUDIES", {"reads": ReadingStudy()})
    client.post("/v1/studies/reads")
    claim = worker.claim()
    baseline = BaselineResult(
        name="era",
        order=2,
        response=[1.0, 0.5],
        eigenvalues=[(0.5, 0.0)],
        summary={"fit_error": 0.1},
        note="chosen",
    )
    result = sample_specs.result(*(sample_specs.run(seed, value=0.5) for seed in claim.spec.seeds))
    worker.complete(claim, result.model_copy(update={"baselines": [baseline]}))
    client.get("/v1/studies/reads/report")
    (evidence,) = evidence_by_size["quick"]
    assert evidence.experiment_id == claim.experiment_id
    assert evidence.baselines == (baseline,)
    np.testing.assert_array_equal(evidence.teacher_response, result.teacher_response)
    for run, stored in zip(evidence.runs, result.runs, strict=True):
        np.testing.assert_array_equal(run.response, stored.response)
        assert run.summary == stored.summary


def test_a_claim_whose_numbers_miss_the_bound_fails(client, worker):
    members = client.post(PATH).json()["experiments"]
    for _ in members:
        claim = worker.claim()
        runs = (sample_specs.run(seed) for seed in claim.spec.seeds)
        poor = [
            run.model_copy(update={"summary": run.summary | {"relative_extrapolation_error": 0.5}})
            for run in runs
        ]
        worker.complete(claim, sample_specs.result(*poor))
    claims = client.get(f"{PATH}/report").json()["claims"]
    assert {claim["verdict"] for claim in claims} == {"holds", "fails"}


def test_a_study_with_a_failed_experiment_is_incomplete_until_resubmitted(client, worker):
    members = client.post(PATH).json()["experiments"]
    for _ in members[1:]:
        worker.complete(worker.claim())
    worker.fail(worker.claim(), "out of luck", "")
    assert client.get(f"{PATH}/report").json()["state"] == "incomplete"
    assert client.post(PATH).status_code == 202
    assert client.get(f"{PATH}/report").json()["state"] == "running"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/studies/balncd"),
        ("GET", "/v1/studies/balncd/report"),
        ("GET", "/v1/studies/balncd/figures/a.svg"),
    ],
)
def test_an_unknown_study_is_not_found_and_the_nearest_is_suggested(client, method, path):
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


def test_the_list_of_studies_judges_a_few_at_a_time(client, worker, monkeypatch):
    client.post(PATH)
    worker.complete(worker.claim())
    client.post("/v1/experiments:cancel", json={"q": "state = queued", "expect_count": 31})
    monkeypatch.setattr(pages_of_studies, "JUDGING_SECONDS", 0)
    assert "1 of 32 done, not judged yet" in client.get("/studies").text
    monkeypatch.setattr(pages_of_studies, "JUDGING_SECONDS", 1e-9)  # one at a time
    asked = 0
    while "data-unfinished" in (shown := client.get("/studies").text):
        asked += 1
        assert asked <= 2 * len(STUDIES)
    assert "/studies/balanced?size=quick" in shown
