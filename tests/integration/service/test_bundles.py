"""Bundles: everything about some experiments, exact, with the same bytes for the same results."""

import io
import json
import zipfile

from tests.kit import sample_specs


def bundle(client, **query):
    answer = client.get("/v1/bundle", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    return answer.content


def test_a_bundle_has_everything_about_its_experiments(client, submit, worker):
    path = submit(name="supplement", tags=["paper"])
    claim = worker.claim()
    worker.complete(claim, None, sample_specs.points([0, 1, 100], claim.spec.seeds))
    queued = submit(name="queued", tags=["paper"]).rpartition("/")[2]
    submit(name="other")
    completed = path.rpartition("/")[2]
    archive = zipfile.ZipFile(io.BytesIO(bundle(client, q="tag:paper")))
    assert archive.testzip() is None
    assert archive.namelist() == [
        "README.txt",
        "experiments.csv",
        "runs.csv",
        f"{queued}/spec.json",
        f"{queued}/experiment.json",
        f"{queued}/series.csv",
        f"{completed}/spec.json",
        f"{completed}/experiment.json",
        f"{completed}/result.json",
        f"{completed}/series.csv",
        f"{completed}/figures/response.svg",
        f"{completed}/figures/training.svg",
    ]

    def content(file):
        return archive.read(f"{completed}/{file}")

    assert json.loads(content("result.json")) == client.get(f"{path}/result").json()
    assert json.loads(content("experiment.json")) == client.get(path).json()
    assert content("series.csv") == client.get(f"{path}/series?format=csv").content
    resubmitted = client.post(
        "/v1/experiments",
        content=content("spec.json"),
        headers={"Content-Type": "application/json"},
    )
    assert resubmitted.json()["spec_hash"] == client.get(path).json()["spec_hash"]


def test_the_same_results_have_the_same_bytes(client, submit, worker):
    experiment = submit(tags=["paper"]).rpartition("/")[2]
    worker.complete(worker.claim())
    submit()
    assert bundle(client, q="tag:paper") == bundle(client, q=f"id = {experiment}")


def test_a_bundle_of_nothing_has_empty_tables(client):
    archive = zipfile.ZipFile(io.BytesIO(bundle(client, q="tag:nothing")))
    assert archive.namelist() == ["README.txt", "experiments.csv", "runs.csv"]


def test_a_bad_filter_is_refused(client):
    assert client.get("/v1/bundle?q=nothing").status_code == 400
