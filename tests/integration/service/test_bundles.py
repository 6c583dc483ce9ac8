"""Bundles: everything about some experiments, exact, with the same bytes for the same results."""

import io
import json
import zipfile

import pytest

from service.figures import rendering
from service.figures.cache import FigureCache
from service.figures.drawer import Drawer
from tests.kit import sample_specs


@pytest.fixture
def no_cache(monkeypatch):
    monkeypatch.setattr(rendering, "_rendered", FigureCache(0))


def bundle(client, **query):
    answer = client.get("/v1/bundle", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    return answer.content


def names(content):
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


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
    answer = client.get(path).json() | {"last_event": None}  # a bundle is no place to go on from
    assert json.loads(content("experiment.json")) == answer
    assert content("series.csv") == client.get(f"{path}/series?format=csv").content
    resubmitted = client.post(
        "/v1/experiments",
        content=content("spec.json"),
        headers={"Content-Type": "application/json"},
    )
    assert resubmitted.json()["spec_hash"] == client.get(path).json()["spec_hash"]


def test_a_bundle_without_figures_has_all_else(client, submit, worker):
    submit()
    worker.complete(worker.claim())
    everything, without = bundle(client), bundle(client, figures="false")
    assert names(without) == [name for name in names(everything) if "/figures/" not in name]
    assert len(names(without)) == len(names(everything)) - 2
    for content, mentioned in ((everything, True), (without, False)):
        readme = zipfile.ZipFile(io.BytesIO(content)).read("README.txt").decode()
        assert ("ID/figures" in readme) is mentioned


def test_the_number_of_experiments_is_known_at_the_start(client, submit):
    for tags in (["paper"], ["paper"], []):
        submit(tags=tags)
    answer = client.get("/v1/bundle", params={"q": "tag:paper"})
    assert answer.headers["x-total-count"] == "2"
    assert sum(name.endswith("/spec.json") for name in names(answer.content)) == 2


def test_a_figure_is_drawn_once_for_the_same_numbers(client, submit, worker, monkeypatch):
    path = submit(seeds=[71])  # in no other test, whose figures may be cached
    worker.complete(worker.claim())
    drawn, draw = [], Drawer.draw

    def counted(drawer, figure, *arguments):
        drawn.append(figure)
        return draw(drawer, figure, *arguments)

    monkeypatch.setattr(Drawer, "draw", counted)
    first = bundle(client)
    assert len(drawn) == 2
    assert bundle(client) == first
    client.get(f"{path}/figures/response.svg").raise_for_status()
    assert len(drawn) == 2
    client.get(f"{path}/figures/response.png").raise_for_status()
    assert len(drawn) == 3


def test_the_same_results_have_the_same_bytes(client, submit, worker, no_cache):
    experiment = submit(tags=["paper"]).rpartition("/")[2]
    worker.complete(worker.claim())
    submit()
    assert bundle(client, q="tag:paper") == bundle(client, q=f"id = {experiment}")


def test_a_bundle_of_nothing_has_empty_tables(client):
    archive = zipfile.ZipFile(io.BytesIO(bundle(client, q="tag:nothing")))
    assert archive.namelist() == ["README.txt", "experiments.csv", "runs.csv"]


def test_a_bad_filter_is_refused(client):
    assert client.get("/v1/bundle?q=nothing").status_code == 400
