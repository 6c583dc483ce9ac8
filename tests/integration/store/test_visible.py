"""No read of the store shows a staged batch before it is published."""

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import store
from store import attention, bulk
from store.db.database import Database, now
from store.errors import NotFound
from store.experiments import duplicates, events, references, results
from store.experiments import repository as experiments
from store.experiments import rows as experiment_rows
from store.experiments.draft import Options
from store.experiments.references import Kind
from store.query import columns, facets, pages, run_ends, setup_order, setups, varying
from store.query.query import ExperimentQuery
from store.queue import overview, scheduling
from store.sweeps import repository as sweeps
from store.sweeps import rows as sweep_rows
from store.sweeps import staging as sweep_staging
from store.sweeps import submission as sweep_submission
from tests.integration.store.test_sweeps import draft

SWEEP = draft({"path": "optimizer.lr", "values": [0.1, 0.2, 0.3]}, tags=["staged"])
HASHES = [point.spec_hash for point in SWEEP.points]
OPTIONS = Options(priority=9)
ALL, TAGGED = ExperimentQuery.parse(), ExperimentQuery.parse(tag="staged")
QUEUED = ExperimentQuery.parse(state="queued", sort="name")

SEARCHES = {
    "attention.notices": lambda tx: attention.notices(
        tx, Database(tx.engine.url.render_as_string(hide_password=False)), fresh_seconds=9
    ),
    "bulk.matching": lambda tx: bulk.matching(tx, bulk.CANCEL, TAGGED),
    "experiments.repository.by_spec_hash": lambda tx: experiments.by_spec_hash(tx, HASHES),
    "experiments.repository.states_by_spec_hash": lambda tx: experiments.states_by_spec_hash(
        tx, HASHES
    ),
    "experiments.duplicates.find_reusable": lambda tx: duplicates.find_reusable(tx, HASHES),
    "experiments.events.newest_number": lambda tx: [events.newest_number(tx)],
    "experiments.events.since": lambda tx: events.since(tx, 0)[0],
    "experiments.references.resolve": lambda tx: [
        found
        for kind in (Kind.EXPERIMENT, Kind.SWEEP)
        for reference in (references.LATEST, "staged")
        if (found := references.resolve(tx, kind, reference))
    ],
    "query.columns.walk": lambda tx: [
        found.experiment for found, _ in columns.walk(tx, ALL, columns.parse("name,train_loss"))
    ],
    "query.facets.read": lambda tx: facets.read(tx, ALL, facets.parse_fields("state,tag")),
    "query.varying.read": lambda tx: varying.read(tx, ALL),
    "query.setup_order.read": lambda tx: setup_order.read(
        tx, ALL, [setup_order.SetupKey("name", descending=False)], at=now(tx)
    ),
    "query.setups.find": lambda tx: setups.find(tx, ALL, []),
    "query.setups.newest": lambda tx: setups.newest(tx, ALL, limit=9, cursor=None)[0],
    "query.setups.count": lambda tx: [setups.count(tx, ALL)],
    "query.pages.walk": lambda tx: [
        found.experiment for query in (ALL, TAGGED) for found in pages.walk(tx, query)
    ],
    "query.pages.read_page": lambda tx: [
        position.id for position in pages.read_page(tx, QUEUED, cursor=None, limit=9)
    ],
    "query.pages.ids": lambda tx: [*pages.ids(tx, ALL), *pages.ids(tx, TAGGED)],
    "query.pages.count": lambda tx: [pages.count(tx, ALL), pages.count(tx, TAGGED)],
    "query.run_ends.unfinished_experiments": lambda tx: run_ends.unfinished_experiments(
        tx, ALL, []
    ),
    "queue.overview.overview": lambda tx: [
        queued.id for queued in overview.overview(tx, fresh_seconds=9, limit=9).next
    ],
    "queue.scheduling.upcoming": lambda tx: scheduling.upcoming(tx, "cpu", now(tx), 9),
    "queue.scheduling.next_experiment": lambda tx: scheduling.next_experiment(tx, "cpu", now(tx)),
    "queue.scheduling.count_waiting": lambda tx: scheduling.count_waiting(tx, "cpu", limit=9),
    "sweeps.repository.page": lambda tx: sweeps.page(tx, limit=9, cursor=None),
    "sweeps.rows.find_same": lambda tx: sweep_rows.find_same(tx, SWEEP, "ada"),
}
"""Functions that search experiments or sweeps, by module and name."""

OTHERS = {
    "experiments.duplicates.lock": "locks hashes",
    "experiments.duplicates.submitted_since_staging": "compares a staged batch with visible ones",
    "experiments.events.after": "sees what others have committed, as test_event_order tests",
    "experiments.events.now_read": "is a position in the stream of events",
    "experiments.events.running_progress": "reads running experiments",
    "experiments.imports.add": "writes",
    "query.pages.select_matching": "is what the searches of queries select from",
    "notifications.claim": "reads notifications",
    "notifications.find_ended": "finds notifications, which are added when a batch is published",
    "notifications.is_any_due": "reads notifications",
    "notifications.mark_due": "changes notifications",
    "notifications.page": "reads notifications",
    "notifications.remove_old": "removes notifications",
    "notifications.request": "adds notifications",
    "notifications.settle": "changes notifications",
    "query.run_ends.completed_experiments": "reads completed experiments",
    "query.run_ends.completed_runs": "reads completed experiments",
    "queue.finished.finished_by_hour": "counts completed and failed experiments",
    "queue.eta.lab_time": "reads completed experiments and worker slots",
    "queue.forecast.forecast": "gives times, of running, waiting and completed experiments",
    "queue.speed.recent_speed": "reads completed experiments",
    "queue.speed.sampled_seconds": "takes a query of visible experiments",
    "queue.workers.activities": "reads running experiments",
    "queue.workers.activity": "reads running experiments",
    "queue.workers.count_idle": "reads worker slots",
    "queue.workers.drain": "changes a worker slot",
    "queue.workers.listing": "reads worker slots",
    "queue.workers.register": "adds a worker slot",
    "queue.workers.remove": "removes a worker slot",
    "queue.workers.remove_silent": "removes worker slots",
    "sweeps.rows.add": "writes",
}
"""Other functions of modules that read experiments or sweeps, and why they can't show a batch."""

ID_PARAMETERS = {
    "experiment_id",
    "experiment_ids",
    "found",
    "from_sweep",
    "ids",
    "rows",
    "sweep_id",
}
"""Required parameters that name the experiments or sweeps to read."""

TABLE_QUERIES = {
    "db/migrations/versions/0005_undefined_errors.py": 1,  # corrects all rows
    "db/migrations/versions/0009_gauss_newton_sharpness.py": 1,  # so does this one
    "db/visible.py": 2,
    "experiments/duplicates.py": 1,  # compares a staged batch with visible experiments
    "experiments/pooling.py": 1,  # reads completed experiments
    "experiments/staging.py": 2,  # removes abandoned batches, publishes others
    "experiments/warm_start.py": 1,  # keeps the source of a staged experiment from being removed
    "queue/reaper.py": 1,  # reads running experiments
}
"""Queries that start from the tables themselves, by file."""


def search_functions():
    """The public functions of a transaction, in modules that read experiments, without ids."""
    for package in ("", ".experiments", ".query", ".queue", ".sweeps"):
        for info in pkgutil.iter_modules(import_module(f"store{package}").__path__):
            module = import_module(f"store{package}.{info.name}")
            if not {"visible_experiments", "visible_sweeps", "pages"} & set(vars(module)):
                continue
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if name.startswith("_") or function.__module__ != module.__name__:
                    continue
                parameters = inspect.signature(function).parameters
                required = {p.name for p in parameters.values() if p.default is p.empty}
                if "tx" in required and not ID_PARAMETERS & required:
                    yield f"{module.__name__}.{name}".removeprefix("store.")


def test_every_search_is_tested_here():
    assert set(search_functions()) == {*SEARCHES, *OTHERS}


@pytest.fixture
def staged(database, monkeypatch):
    """A staged sweep."""
    monkeypatch.setattr("store.experiments.staging.WRITE_BATCH", 2)
    return sweep_staging.stage(database, SWEEP, owner="ada", options=OPTIONS)


@pytest.mark.parametrize("name", SEARCHES)
def test_search_finds_nothing_of_a_staged_batch(database, repo, name, request):
    search = SEARCHES[name]
    repo.complete(repo.begin(changes={"seeds": [7]}))
    repo.submit(changes={"seeds": [8]})
    with database.write() as tx:  # next_experiment locks its row
        before = search(tx)
    staged = request.getfixturevalue("staged")
    with database.write() as tx:
        assert search(tx) == before
        sweep_submission.submit(tx, SWEEP, owner="ada", options=OPTIONS, staged=staged)
    with database.write() as tx:
        assert search(tx) != before, "it finds the batch once it is published"


def test_ids_of_a_staged_batch_are_unknown(database, staged):
    experiment_id = staged.experiments.submissions[0].id
    with database.read() as tx:
        for read in (experiments.get, experiments.events, experiments.logs, results.series):
            with pytest.raises(NotFound):
                read(tx, experiment_id)
        with pytest.raises(NotFound):
            sweeps.get(tx, staged.sweep_id)
        assert experiment_rows.existing_ids(tx, [experiment_id]) == []
        assert events.unknown_ids(tx, [experiment_id]) == [experiment_id]
        assert sweeps.members(tx, staged.sweep_id) == ([], None)
    with database.write() as tx, pytest.raises(NotFound):
        experiments.request_cancel(tx, experiment_id)


SELECT = re.compile(r"\bselect\(\s*\*?(\w+\.)*(experiments\.c|sweeps\.c|experiments\b|\w+_COLUMNS)")
JOIN = re.compile(
    r"\b(join|select_from)\(\s*(experiments|sweeps)\b[,)]|\b(experiments|sweeps)\.alias"
)


def test_queries_start_from_the_visible_selects():
    root = Path(store.__file__).parent
    counts = {}
    for file in root.rglob("*.py"):
        text = file.read_text()
        if count := len([*SELECT.finditer(text), *JOIN.finditer(text)]):
            counts[file.relative_to(root).as_posix()] = count
    assert counts == TABLE_QUERIES
