"""Every answer about the same stored runs has the same statistics, on both databases."""

import itertools
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from starlette.testclient import TestClient

from core.panels import Panel, quartile_line
from core.result import Outcome, RunResult
from core.spec import SweepSpec
from core.statistics import STATISTICS, of_columns, values_of_runs
from core.studies.study import ClaimKind, Study, judge_hypothesis
from extrapolab.cli import demo
from extrapolab.client.handles.experiment import Experiment
from extrapolab.models.experiments import ExperimentRecord
from service.app import build
from service.settings import Settings
from store.arrays import runs as stored_runs
from store.arrays.packed import pack_result
from store.db.database import Database
from store.db.tables import experiments
from store.query.ast import Aggregate, Statistic
from store.query.fields import FIELDS
from store.query.statistics import aggregate, per_experiment
from store.states import State
from tests.integration.service.conftest import NO_BROKER
from tests.kit import sample_specs
from tests.kit.database import KINDS

METRICS = ("extrapolation_error", "train_loss", "zero_baseline")
LENGTHS = (2, 4)
_numbers = itertools.count()
"""Numbers of examples: no two have the same experiments, not even in two databases."""

values = st.none() | st.sampled_from(
    [0.0, 5e-324, 0.1, -1.0, 1.0, 3.0, 1e299, 1e300, -1e308, math.nan, math.inf, -math.inf]
)
values |= st.floats()
ends = st.tuples(
    st.sampled_from([Outcome.FITTED, Outcome.STEP_BUDGET_SPENT, Outcome.DIVERGED]),
    st.tuples(*(values for _ in METRICS)),
)
finite_ends = st.tuples(
    st.sampled_from([Outcome.FITTED, Outcome.DIVERGED]),
    st.tuples(*(st.sampled_from([-1.0, 0.0, 0.1, 0.3, 1.0]) for _ in METRICS)),
)


def experiments_of(end: st.SearchStrategy) -> st.SearchStrategy:
    """How the runs of one experiment per length ended, with as many seeds each."""
    return st.integers(1, 6).flatmap(
        lambda seeds: st.tuples(*(st.lists(end, min_size=seeds, max_size=seeds) for _ in LENGTHS))
    )


class ExampleStudy(Study):
    """Judges and draws the median of each metric at each length."""

    title, question = "An example", "Which medians?"

    def __init__(self, number: int, seeds: int) -> None:
        self.name, self.number, self.seeds = f"example-{number}", number, seeds

    def sweeps(self, _size):
        base = sample_specs.spec(
            optimizer={"kind": "gd", "steps": 100 + self.number}, seeds=self.seeds
        ).model_dump(mode="json", exclude={"name", "tags", "notes"})
        axes = [{"path": "training.length", "values": LENGTHS}]
        return {"arm": SweepSpec.model_validate({"base": base, "axes": axes})}

    def judge(self, size, evidence):
        return tuple(
            judge_hypothesis(
                f"{metric} at {length}",
                "< 1",
                self.arm(size, evidence, "arm", length=length),
                lambda experiments, metric=metric: experiments[0].median(metric),
                kind=ClaimKind.TRAINING,
                below=1.0,
            )
            for metric in METRICS
            for length in LENGTHS
        )

    def panels(self, size, evidence):
        completed = self.arm(size, evidence, "arm").experiments
        lines = [
            quartile_line(
                metric, completed, lambda experiment: experiment.spec.training.length, metric
            )
            for metric in METRICS
        ]
        return (Panel(x="k", y="metric", lines=lines),)


@dataclass
class StoredSweep:
    """A sweep of completed experiments with random runs, by length."""

    sweep: str
    study: str
    ids: Sequence[str]
    runs: Sequence[Sequence[RunResult]]

    @property
    def expected(self) -> dict[tuple[str, str], dict[str, float]]:
        """Each statistic of each metric of each experiment, as :mod:`core.statistics` has it."""
        found = {}
        for experiment_id, ended in zip(self.ids, self.runs, strict=True):
            columns = of_columns(values_of_runs(ended, METRICS)).T.tolist()
            for metric, column in zip(METRICS, columns, strict=True):
                found[experiment_id, metric] = dict(zip(STATISTICS, column, strict=True))
        return found


@dataclass
class Lab:
    """A lab whose database collects examples."""

    client: TestClient
    database: Database
    studies: dict[str, Study]

    def add(self, endings: Sequence[Sequence[Any]]) -> StoredSweep:
        """Stores completed experiments whose runs ended so."""
        study = ExampleStudy(next(_numbers), len(endings[0]))
        self.studies[study.name] = study
        submitted = self.client.post(f"/v1/studies/{study.name}").json()
        (sweep,) = (arm["id"] for arm in submitted["sweeps"])
        members = self.client.get(f"/v1/sweeps/{sweep}").json()["members"]["items"]
        ids = [member["experiment"] for member in members]
        runs = [[run(seed, *end) for seed, end in enumerate(ended)] for ended in endings]
        with self.database.write() as tx:
            tx.execute(
                update(experiments)
                .where(experiments.c.id.in_(ids))
                .values(state=State.COMPLETED, started_at=1.0, finished_at=2.0, attempt=1)
            )
            for experiment_id, ended in zip(ids, runs, strict=True):
                result = sample_specs.result(*ended)
                stored_runs.write(tx, experiment_id, pack_result(result).runs)
        return StoredSweep(sweep, study.name, ids, runs)

    def get(self, path: str, **query: str) -> Any:
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def fitted(*numbers: float) -> list[tuple[Outcome, tuple[float, ...]]]:
    """Fitted runs that have these numbers in every metric."""
    return [(Outcome.FITTED, (number,) * len(METRICS)) for number in numbers]


def run(seed: int, outcome: Outcome, numbers: Sequence[float | None]) -> RunResult:
    summary = {m: n for m, n in zip(METRICS, numbers, strict=True) if n is not None}
    ended = sample_specs.run(seed, outcome=outcome)
    return ended.model_copy(update={"summary": summary})


@pytest.fixture(scope="module", params=KINDS)
def lab(request, tmp_path_factory) -> Iterator[Lab]:
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("statistics")
        template = request.getfixturevalue("migrated_sqlite")
        url = f"sqlite:///{shutil.copy(template, folder / 'lab.db')}"
    else:
        url = request.getfixturevalue("module_postgres")
    app, studies = build(Settings(database_url=url, broker_url=NO_BROKER)), {}
    with pytest.MonkeyPatch.context() as patch, TestClient(app) as client:
        for module in ("service.routes.studies", "service.stored_study"):
            patch.setattr(f"{module}.STUDIES", studies)
        yield Lab(client, app.state.context.database, studies)


def same(shown: Any, expected: float) -> bool:
    """Whether a number from JSON, which may be a word such as NaN, is the expected one."""
    number = float(shown)
    return number == expected or (math.isnan(number) and math.isnan(expected))


def assert_same(shown: Mapping[str, Any], expected: Mapping[str, float]) -> None:
    assert shown.keys() == expected.keys()
    differing = {
        name: (shown[name], expected[name])
        for name in expected
        if not same(shown[name], expected[name])
    }
    assert not differing


def on_random_runs(test):
    """Runs a test on random experiments, some of them with ordinary numbers only."""
    endings = experiments_of(ends) | experiments_of(finite_ends)
    return settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )(given(endings=endings)(test))


@on_random_runs
def test_tables_and_comparisons_have_the_same_statistics(lab, endings):
    stored = lab.add(endings)
    expected = stored.expected
    query = {"metrics": ",".join(METRICS), "statistic": ",".join(STATISTICS)}
    rows = lab.get("/v1/table", q=f"sweep:{stored.sweep}", **query)["items"]
    shown = {(row["newest"], m): row["metrics"][m] for row in rows for m in METRICS}
    of_sweep = lab.get(f"/v1/sweeps/{stored.sweep}/table", **query)["rows"]
    shown_of_sweep = {
        (row["experiment"], m): row["metrics"][m] for row in of_sweep for m in METRICS
    }
    compared = lab.get("/v1/compare", ids=",".join(stored.ids))["metrics"]
    for (experiment_id, metric), statistics in expected.items():
        assert_same(shown[experiment_id, metric], statistics)
        assert_same(shown_of_sweep[experiment_id, metric], statistics)
        assert_same(compared[metric][stored.ids.index(experiment_id)], statistics)


@on_random_runs
def test_figures_have_the_same_statistics(lab, endings):
    stored = lab.add(endings)
    expected = stored.expected
    study = lab.get(f"/v1/studies/{stored.study}/figures/extrapolation.json")
    lines = {line["label"]: line for line in study["panels"][0]["lines"]}
    for metric in METRICS:
        query = {"x": "training.length", "y": metric}
        sweep = lab.get(f"/v1/sweeps/{stored.sweep}/figures/lines.json", **query)
        recipe = lab.get("/v1/figures/preview.json", query=f"sweep:{stored.sweep}", **query)
        for line in (lines[metric], sweep["panel"]["lines"][0], recipe["panels"][0]["lines"][0]):
            assert line["x"] == list(LENGTHS)
            for n, experiment_id in enumerate(stored.ids):
                shown = {"median": line["y"][n], "q1": line["lower"][n], "q3": line["upper"][n]}
                statistics = expected[experiment_id, metric]
                assert_same(shown, {name: statistics[name] for name in shown})


@on_random_runs
def test_studies_and_the_demo_have_the_same_median(lab, endings):
    stored = lab.add(endings)
    expected = stored.expected
    claims = lab.get(f"/v1/studies/{stored.study}/report")["claims"]
    values = {claim["claim"]: claim["value"] for claim in claims}
    for length, experiment_id in zip(LENGTHS, stored.ids, strict=True):
        for metric in METRICS:
            median = expected[experiment_id, metric]["median"]
            assert same(values[f"{metric} at {length}"], median)
        record = ExperimentRecord.read(lab.get(f"/v1/experiments/{experiment_id}"))
        error = demo._error(Experiment(None, experiment_id, record=record))
        assert same(error, expected[experiment_id, "extrapolation_error"]["median"])


@on_random_runs
@example(endings=(fitted(-1.0, 1.0), fitted(0.0, 5e-324)))
@example(endings=(fitted(math.nan, 1.0), fitted(math.nan, math.nan)))
def test_sql_has_the_same_statistics_where_they_are_finite(lab, endings):
    stored = lab.add(endings)
    expected = stored.expected
    aggregates = list(itertools.product(METRICS, Statistic))
    ids = select(experiments.c.id).where(experiments.c.id.in_(stored.ids))
    columns = [aggregate(Aggregate(name, FIELDS[metric])) for metric, name in aggregates]
    tables = [per_experiment(Aggregate(name, FIELDS[metric]), ids) for metric, name in aggregates]
    with lab.database.read() as tx:
        answers = {row[0]: row[1:] for row in tx.execute(ids.add_columns(*columns))}
        grouped = [
            dict(tx.execute(select(table.c.experiment_id, table.c.value)).all()) for table in tables
        ]
    for experiment_id, runs in zip(stored.ids, stored.runs, strict=True):
        assert list(answers[experiment_id]) == [column[experiment_id] for column in grouped]
        for (metric, name), answer in zip(aggregates, answers[experiment_id], strict=True):
            number = expected[experiment_id, metric][name.value]
            if not math.isfinite(number):
                assert answer is None
            elif name is Statistic.MEAN:  # databases add up in another order
                size = np.abs(values_of_runs(runs, [metric])).max()
                assert answer == pytest.approx(number, rel=0, abs=1e-14 * size)
            else:
                assert answer == number


def test_the_teachers_number_stays_finite_everywhere_if_a_seed_diverges(lab):
    runs = [(Outcome.DIVERGED, (5.0, 5.0, 0.25)), (Outcome.FITTED, (1.0, 1.0, 0.25))]
    stored = lab.add([runs, runs])
    for experiment_id in stored.ids:
        assert stored.expected[experiment_id, "zero_baseline"]["max"] == 0.25
        assert stored.expected[experiment_id, "train_loss"]["max"] == math.inf
    rows = lab.get(f"/v1/sweeps/{stored.sweep}/table", metrics="zero_baseline,train_loss")["rows"]
    assert [row["metrics"]["zero_baseline"]["max"] for row in rows] == [0.25, 0.25]
    assert [row["metrics"]["train_loss"]["max"] for row in rows] == ["Infinity", "Infinity"]
