"""A bundle has all that is known, exactly, and is the same for the same results."""

import io
import json
import zipfile

from tests.kit import sample_specs


def bundle(client, **query):
    answer = client.get("/v1/bundle", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    return answer.content


def test_everything_of_an_experiment_is_in_it(client, submit, worker):
    path = submit(name="supplement", tags=["paper"])
    claim = worker.claim()
    worker.complete(claim, None, sample_specs.points([0, 1, 100], claim.spec.seeds))
    queued = submit(name="queued", tags=["paper"]).rpartition("/")[2]
    submit(name="other")
    name = path.rpartition("/")[2]
    content = bundle(client, q="tag:paper")
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    own = [
        "spec.json",
        "experiment.json",
        "result.json",
        "series.csv",
        "figures/response.svg",
        "figures/training.svg",
    ]
    of_queued = [f"{queued}/{file}" for file in ("spec.json", "experiment.json", "series.csv")]
    top = ["README.txt", "experiments.csv", "runs.csv"]
    assert archive.namelist() == [*top, *of_queued, *(f"{name}/{file}" for file in own)]
    assert json.loads(archive.read(f"{name}/result.json")) == client.get(f"{path}/result").json()
    assert json.loads(archive.read(f"{name}/experiment.json")) == client.get(path).json()
    assert archive.read(f"{name}/series.csv") == client.get(f"{path}/series?format=csv").content
    again = client.post(
        "/v1/experiments",
        content=archive.read(f"{name}/spec.json"),
        headers={"Content-Type": "application/json"},
    )
    assert again.json()["spec_hash"] == client.get(path).json()["spec_hash"]
    assert bundle(client, q="tag:paper and state != queued") == bundle(client, q=f"id = {name}")


def test_a_bundle_of_nothing_has_its_tables_only(client):
    archive = zipfile.ZipFile(io.BytesIO(bundle(client, q="tag:nothing")))
    assert archive.namelist() == ["README.txt", "experiments.csv", "runs.csv"]


def test_what_is_not_understood_is_refused(client):
    assert client.get("/v1/bundle?q=nothing").status_code == 400
