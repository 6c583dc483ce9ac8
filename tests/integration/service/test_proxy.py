"""A lab behind a real nginx at ``/lab/``: every address that it gives has the prefix."""

import json
import re
import shutil
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from extrapolab import Lab
from service.app import build
from service.pages import site as site_pages
from service.settings import Settings
from store.db import engines
from tests.integration.service.conftest import body
from tests.integration.service.process import served
from tests.kit.nginx import nginx

ADDRESS = re.compile(r'\s([a-z-]+)="(/[^"]*)"')
"""An attribute that begins like an address, whatever its name."""

PAGES = (
    *("/", "/experiments", "/sweeps", "/studies", "/studies/balanced", "/figures", "/workers"),
    *("/new", "/compare", "/experiments?q=tag:a&sort=name", "/nope"),
)


@pytest.fixture(scope="module", params=["/", ""], ids=["taken away", "passed on"])
def url(request, migrated_sqlite, tmp_path_factory):
    """The lab's address at nginx, which takes the prefix away or passes it on."""
    folder: Path = tmp_path_factory.mktemp("proxy")
    database = engines.sqlite_url(shutil.copy(migrated_sqlite, folder / "lab.db"))
    with (
        served(database, EXTRAPOLAB_ROOT_PATH="/lab/") as service,
        nginx(folder, service.url + request.param) as url,
    ):
        yield url


@pytest.fixture(scope="module")
def experiment(url):
    with Lab(url, user="Jörg Müller") as lab:
        yield lab.submit(body())


@pytest.fixture
def client(url):
    with httpx2.Client(base_url=url, headers={"Accept": "text/html"}, timeout=60) as client:
        yield client


def test_every_address_on_every_page_leads_below_the_prefix(client, experiment):
    origin = str(client.base_url).removesuffix("/lab/")
    followed = {}
    for page in (*PAGES, f"/experiments/{experiment.id}"):
        html = client.get(page).text
        assert "<title>" in html, page
        for attribute, address in ADDRESS.findall(html):
            if attribute == "data-pointer":  # of JSON
                continue
            assert address.startswith("/lab/"), (page, attribute, address)
            if attribute in {"href", "src"} and "/figures/" not in address:
                followed[address.replace("&amp;", "&")] = page
    assert len(followed) > 20
    for address, page in followed.items():
        if address.startswith(("/lab/docs", "/lab/v1/paper", "/lab/v1/export")):  # need more
            continue
        answer = client.get(origin + address)
        assert answer.status_code < 400, (page, address)


def test_locations_and_links_have_the_prefix_and_no_origin(client, experiment):
    answer = client.post("/v1/experiments?on_duplicate=rerun", json=body())
    assert answer.headers["location"].startswith("/lab/v1/experiments/exp_")
    links = answer.json()["links"]
    figures = links.pop("figures")
    assert {link[:20] for link in (*links.values(), *figures.values())} == {"/lab/v1/experiments/"}
    assert client.get("/docs").headers["location"] == "/lab/docs/"
    assert client.get("/openapi.json").json()["servers"] == [{"url": "/lab"}]


def test_a_page_that_is_not_there_leads_to_others_below_the_prefix(client):
    html = client.get("/experiments/exp_0").text
    assert '<a href="/lab/experiments">All experiments</a>' in html
    assert "/lab/docs/try lists all paths" in client.get("/nope").text


def test_a_page_of_the_documentation_that_is_not_there_has_links_below_the_prefix(
    sqlite_url, tmp_path, monkeypatch
):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").touch()
    (site / "404.html").write_text('<html data-base="/docs/"><a href="/docs/../">Extrapolab</a>')
    monkeypatch.setattr(site_pages, "SITE", site)
    client = TestClient(build(Settings(database_url=sqlite_url, root_path="/lab")))
    answer = client.get("/docs/nothing")
    html = '<html data-base="/lab/docs/"><a href="/lab/docs/../">Extrapolab</a>'
    assert (answer.status_code, answer.text) == (404, html)


def test_a_page_knows_the_scheme_that_the_trusted_proxy_saw(client, experiment):
    html = client.get("/experiments").text
    address = str(client.base_url).replace("http:", "https:")
    assert address.rstrip("/") in html


def test_the_client_works_behind_it(url, experiment, tmp_path):
    with Lab(url) as lab:
        assert lab.experiment(experiment.id).record.owner == "Jörg Müller"
        assert experiment.page == f"{url}/experiments/{experiment.id}"
        assert httpx2.get(experiment.page, timeout=60).status_code == 200
        runs = tmp_path / "runs.json"
        run = {"spec": body(), "seed": 0, "outcome": "fitted", "steps": 1}
        runs.write_text(json.dumps([run]))
        assert len(lab.import_runs(runs, dry_run=True).experiments) == 1


def test_a_stream_arrives_at_once(client):
    with client.stream("GET", "/v1/events") as stream:
        assert next(stream.iter_bytes())
