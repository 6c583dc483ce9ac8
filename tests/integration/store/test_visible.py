"""A staged batch that is not published yet shows up in no read of the store."""

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import store
from store.db.database import now
from store.errors import NotFound
from store.experiments import events, id_prefix, results, rows, submission
from store.experiments import repository as experiments
from store.experiments.submission import Options
from store.query import pages, run_ends
from store.query.query import ExperimentQuery
from store.queue import scheduling
from store.sweeps import repository as sweeps
from store.sweeps import submission as sweep_submission
from tests.integration.store.test_sweeps import draft

LARGE = draft({"path": "optimizer.lr", "values": [0.1, 0.2, 0.3]}, tags=["staged"])
FIRST = Options(priority=9)
HASHES = [point.spec_hash for point in LARGE.points]
ALL, TAGGED = ExperimentQuery.parse(), ExperimentQuery.parse(tag="staged")
QUEUED = ExperimentQuery.parse(state="queued", sort="name")

READS = {
    "experiments.repository.by_spec_hash": lambda tx: experiments.by_spec_hash(tx, HASHES),
    "experiments.submission.equals": lambda tx: submission.equals(tx, HASHES),
    "experiments.events.since": lambda tx: events.since(tx, 0),
    "experiments.id_prefix.beginning": lambda tx: [
        *id_prefix.beginning(tx, "exp_0", limit=9),
        *id_prefix.beginning(tx, "swp_0", limit=9),
    ],
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
    "queue.scheduling.best": lambda tx: scheduling.best(tx, "cpu", now(tx)),
    "queue.scheduling.waiting_for": lambda tx: scheduling.waiting_for(tx, "cpu", most=9),
    "sweeps.repository.page": lambda tx: sweeps.page(tx, limit=9, cursor=None),
    "sweeps.submission.equal": lambda tx: sweep_submission.equal(tx, LARGE, "ada"),
}
"""Every function that finds experiments or sweeps, by module and name."""

OTHERS = {
    "experiments.events.newest": "a position in the stream of events",
    "experiments.events.progress": "reads running experiments, which no batch has",
    "experiments.idempotency.remember": "reads the answers to requests",
    "experiments.idempotency.keep": "writes the answer to a request",
    "experiments.idempotency.forget_old": "removes answers to requests",
    "experiments.imports.add": "writes",
    "experiments.repository.submit": "writes",
    "experiments.staging.begin": "writes the batch itself",
    "experiments.staging.go_on": "writes the batch itself",
    "experiments.staging.show": "writes the batch itself",
    "experiments.staging.clear": "removes batches that nobody finishes",
    "experiments.submission.submit": "writes",
    "experiments.submission.lock": "locks",
    "experiments.warm_start.check": "reads one experiment by its id",
    "experiments.warm_start.inherited": "reads one experiment by its id",
    "query.run_ends.completed_experiments": "reads completed experiments, which no batch has",
    "query.run_ends.completed_values": "reads completed experiments, which no batch has",
    "queue.claims.reap": "reads running experiments, which no batch has",
    "queue.workers.register": "writes workers",
    "queue.workers.listing": "reads workers",
    "queue.workers.idle": "reads workers",
    "queue.workers.forget_silent": "removes workers",
    "sweeps.repository.submit": "writes",
    "sweeps.submission.show": "writes the batch itself",
    "sweeps.submission.new": "writes",
}
"""The other functions of a transaction, and why no staged batch shows up in them."""

BY_ID = {"experiment_id", "experiment_ids", "ids", "rows", "sweep_id", "worker_id", "claim", "of"}
"""Required parameters of functions that are told which experiments or sweeps they are about."""

WITH_STAGED = {
    "db/visible.py": 2,
    "experiments/staging.py": 1,  # removes the experiments of batches that nobody finishes
    "experiments/submission.py": 1,  # compares a batch with what others submitted meanwhile
    "experiments/warm_start.py": 1,  # a staged experiment keeps its source from being removed
    "queue/claims.py": 1,  # running experiments, which no batch has
}
"""Queries on the tables themselves, by file."""


def parts(name):
    package = import_module(f"store.{name}")
    for module in pkgutil.iter_modules(package.__path__):
        yield f"{name}.{module.name}", import_module(f"store.{name}.{module.name}")


def finders():
    """The names of the public functions of a transaction that are not told which experiments they are about."""
    for package in ("experiments", "sweeps", "query", "queue"):
        for name, module in parts(package):
            for function, value in inspect.getmembers(module, inspect.isfunction):
                if function.startswith("_") or value.__module__ != module.__name__:
                    continue
                parameters = inspect.signature(value).parameters
                required = {p.name for p in parameters.values() if p.default is p.empty}
                if next(iter(parameters), None) == "tx" and not BY_ID & required:
                    yield f"{name}.{function}"


def test_every_function_that_finds_experiments_is_listed_here():
    assert set(finders()) == set(READS) | set(OTHERS)


@pytest.fixture
def staged(database, monkeypatch):
    """A sweep with its experiments, staged and not yet published."""
    monkeypatch.setattr("store.experiments.staging.AT_ONCE", 2)
    return sweeps.bring(database, LARGE, owner="ada", options=FIRST)


@pytest.mark.parametrize("name", READS)
def test_a_read_finds_nothing_of_a_staged_batch(database, repo, name, request):
    repo.complete(repo.begin(changes={"seeds": [7]}))
    repo.submit(changes={"seeds": [8]})
    with database.write() as tx:  # since scheduling.best locks what it finds
        before = READS[name](tx)
    staged = request.getfixturevalue("staged")
    with database.write() as tx:
        assert READS[name](tx) == before
        sweeps.submit(tx, LARGE, owner="ada", options=FIRST, arrival=staged)
        assert READS[name](tx) != before, "it finds them once they are published"


def test_an_id_of_a_staged_batch_is_unknown(database, staged):
    experiment_id = staged.experiments.submissions[0].id
    with database.read() as tx:
        for read in (experiments.get, experiments.events, experiments.logs, results.series):
            with pytest.raises(NotFound):
                read(tx, experiment_id)
        with pytest.raises(NotFound):
            sweeps.get(tx, staged.sweep_id)
        assert rows.those(tx, [experiment_id]) == []
        assert events.unknown(tx, [experiment_id]) == [experiment_id]
        assert sweeps.members(tx, staged.sweep_id) == ([], None)
    with database.write() as tx, pytest.raises(NotFound):
        experiments.request_cancel(tx, experiment_id)


SELECT = re.compile(
    r"\bselect\(\s*\*?(\w+\.)*(experiments\.c|sweeps\.c|experiments\b|SHORT|_COLUMNS)"
)
JOIN = re.compile(
    r"\b(join|select_from)\(\s*(experiments|sweeps)\b[,)]|\b(experiments|sweeps)\.alias"
)


def test_queries_start_from_the_visible_ones():
    root = Path(store.__file__).parent
    found = {}
    for file in sorted(root.rglob("*.py")):
        text = file.read_text()
        if count := len([*SELECT.finditer(text), *JOIN.finditer(text)]):
            found[file.relative_to(root).as_posix()] = count
    assert found == WITH_STAGED
