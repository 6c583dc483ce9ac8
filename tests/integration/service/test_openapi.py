"""The service keeps to its OpenAPI document, for generated requests too.

``make chaos`` sends more of them to each operation, by ``EXTRAPOLAB_OPENAPI_EXAMPLES``; sequences
of requests and streams are in ``tests/chaos/test_openapi.py``.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path

import httpx2
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig

from service.app import build
from service.settings import Settings
from store.db.database import Database
from tests.integration.service.conftest import FakeWorker, body
from tests.integration.service.process import served
from tests.kit import sample_specs

RECORDED = ["eigenvalues", "response"]
ACCEPTED = ["2xx", "3xx", "400", "404", "409", "412", "503"]
"""Statuses that a valid request may get: a schema knows neither ids nor cursors nor versions."""

EXAMPLES = int(os.environ.get("EXTRAPOLAB_OPENAPI_EXAMPLES", "15"))
"""Random requests to each operation, besides those of the coverage phase."""

SAME_BODY = {"extend_v1_sweeps__id__extend_post"}
"""Operations with the body of another, so that thousands of cases would run twice."""

CONFIG = {
    "seed": 20261122,
    "request-timeout": 60,
    "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
    "phases": {"stateful": {"enabled": False}},
    "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
    "operations": [
        {
            "include-operation-id": name,
            "checks": {
                "positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "422", "428"]}
            },
            "phases": {"coverage": {"enabled": name not in SAME_BODY}},
        }
        for name in (
            "submit_v1_experiments_post",  # rules between the fields of a spec; used keys
            "take_v1_imports_post",  # the content of a file
            "edit_v1_experiments__id__patch",  # repeated tags, NUL characters; missing If-Match
            "series_v1_experiments__id__series_get",  # the seeds of an experiment
            "submit_v1_sweeps_post",  # specs of the base and the axes
            "extend_v1_sweeps__id__extend_post",
            "table_v1_sweeps__id__table_get",  # names in a list
            "grid_v1_sweeps__id__grid_get",
            "table_v1_table_get",  # names in lists
            "many_v1_series_get",  # names and ids in lists
            "export_v1_export_get",
            "bundle_v1_bundle_get",
            "paper_v1_paper_get",
            "compare_v1_compare_get",  # ids in a list
            "figure_v1_compare_figures__name___format__get",
            "listing_v1_experiments_get",
            "save_v1_figures_post",  # fields of a recipe, and their combinations
            "change_v1_figures__id__patch",
            "preview_v1_figures_preview__format__get",
            "figure_v1_sweeps__id__figures__name___format__get",  # the axes of a sweep
            "figure_v1_experiments__id__figures__name___format__get",  # the parts of a look
            "figure_v1_figures__id___format__get",
            "figure_v1_studies__name__figures__figure___format__get",
            "submit_v1_studies__name__post",  # a name, counted when it is decoded
            "notify_v1_notifications_post",  # names of targets and URLs
            "cancel_v1_experiments_cancel_post",  # a filter or ids, but not both
            "delete_v1_experiments_delete_post",
            "pause_v1_experiments_pause_post",
            "prioritise_v1_experiments_prioritise_post",
            "resume_v1_experiments_resume_post",
            "retry_v1_experiments_retry_post",
            "tag_v1_experiments_tag_post",
            "preview_v1_teachers_preview_post",  # shapes of matrices
            "complete_filter_v1_fields_complete_get",  # a place within the filter
            "listing_v1_views_get",  # the address of a page
            "save_v1_views_post",
            "change_v1_views__name__patch",
        )
    ],
}


@pytest.fixture(scope="module")
def lab(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Mapping[str, Iterator[str]]]]:
    """A service's URL, and ids of experiments, sweeps and figures to keep and to spend."""
    url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path_factory.mktemp('openapi') / 'lab.db')}"
    with served(url) as service, httpx2.Client(base_url=service.url) as client:
        database = Database(url)
        worker = FakeWorker(database)

        def submit(**changes) -> str:
            return client.post("/v1/experiments?on_duplicate=rerun", json=body(**changes)).json()[
                "id"
            ]

        completed = submit(
            name="completed", tags=["a"], evaluation={"horizon": 8, "record": RECORDED}
        )
        claim = worker.claim()
        points = sample_specs.points([0, 1, 100], claim.spec.seeds, record=RECORDED)
        points["train_loss"][-1] = float("inf")
        worker.complete(claim, points=points)
        failed = submit(name="failed")
        worker.fail(worker.claim(), "out of luck", "log\n")
        running = submit(name="running")
        worker.claim()
        disposable = [submit(name="disposable") for _ in range(60)]
        for experiment_id in disposable[::2]:
            client.post(f"/v1/experiments/{experiment_id}:cancel")

        def sweep(name: str) -> str:
            axes = [
                {"path": "training.length", "values": [2, 3]},
                {"path": "optimizer.lr", "values": [0.1, 0.2]},
            ]
            return client.post(
                "/v1/sweeps", json={"name": name, "base": body(), "axes": axes}
            ).json()["id"]

        def figure() -> str:
            return client.post(
                "/v1/figures", json={"query": "tag:a", "x": "training.length"}
            ).json()["id"]

        kept, spent = [sweep("a"), sweep("b")], [sweep(f"disposable {n}") for n in range(60)]
        database.dispose()
        yield (
            service.url,
            {
                "exp_keep": cycle([completed, failed, running]),
                "exp_spend": iter(disposable),
                "swp_keep": cycle(kept),
                "swp_spend": iter(spent),
                "fig_keep": cycle([figure()]),
                "fig_spend": iter([figure() for _ in range(60)]),
            },
        )


DOCUMENT = build(Settings(database_url="sqlite:///never-opened.db")).openapi()

schema = schemathesis.openapi.from_dict(
    DOCUMENT, config=SchemathesisConfig.from_dict(CONFIG)
).exclude(path="/v1/events")  # a stream has no end


@pytest.mark.timeout(max(900, 20 * EXAMPLES))  # thousands of requests to one operation
@schema.parametrize()
def test_an_operation_keeps_to_the_document(case, lab):
    url, ids = lab
    given = str(case.path_parameters.get("id", ""))
    if (kind := given[:4]) in {"exp_", "swp_", "fig_"}:
        changes = case.method == "DELETE" or case.path.endswith(
            (":cancel", ":pause", ":resume", ":retry", ":extend")
        )
        case.path_parameters["id"] = next(ids[kind + ("spend" if changes else "keep")], given)
    case.call_and_validate(base_url=url)
