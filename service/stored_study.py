"""A study as the lab has it: its experiments so far, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from sqlalchemy import Connection

from core.errors import Problem
from core.evidence import Evidence, RunEvidence
from core.figures import STUDY_FIGURES, Info
from core.spec import spec_hash
from core.studies import STUDIES, Hypothesis, Size, Study
from service.http.errors import Missing, NoResultYet, unknown
from store.experiments import repository, results
from store.queue.eta import LabTime, lab_time
from store.queue.speed import Work
from store.records import Experiment
from store.states import PENDING, State


@dataclass(frozen=True)
class StoredStudy:
    """A study in one size.

    Attributes:
        study: The study.
        size: Its size.
        expected: The number of its experiments.
        experiments: Those that the lab has, in the study's order.
        evidence: The completed ones.
    """

    study: Study
    size: Size
    expected: int
    experiments: Sequence[Experiment]
    evidence: Sequence[Evidence]

    @property
    def claims(self) -> tuple[Hypothesis, ...]:
        """Its claims, judged by the evidence."""
        return self.study.judge(self.size, self.evidence)

    def figure_data(self, name: str) -> Info:
        """The data of one of :data:`core.figures.STUDY_FIGURES`.

        Raises:
            NoResultYet: No experiment is completed.
        """
        if not self.evidence:
            message = "no experiment of this study is completed: submit it, or wait"
            raise NoResultYet(Problem("", "no_result_yet", message))
        panels = self.study.panels(self.size, self.evidence)
        return STUDY_FIGURES[name].data(self.study.title, panels, self.evidence)


@dataclass(frozen=True)
class Verdicts:
    """The claims of a study in one size, and the experiments that they rest on.

    Attributes:
        expected: The number of its experiments.
        experiment_ids: Those that the lab has, in the study's order.
        states: Their states.
        claims: Its claims, judged by the completed ones; empty if they aren't judged yet.
    """

    expected: int
    experiment_ids: Sequence[str]
    states: Sequence[State]
    claims: tuple[Hypothesis, ...]

    @property
    def is_judged(self) -> bool:
        """Whether its claims are judged; every study has some."""
        return bool(self.claims)


_NOT_MISSING = (State.COMPLETED, *PENDING)

_judged: dict[tuple[str, Size], Verdicts] = {}
"""The latest verdicts of each study in this process."""


def verdicts(tx: Connection, name: str, size: Size, pointer: str = "/path/name") -> Verdicts:
    """Judges a study, unless nothing has changed since it was judged last.

    Raises:
        Missing: There is no such study; ``pointer`` is its name in the request.
    """
    known = known_verdicts(tx, name, size, pointer)
    if not known.is_judged:
        claims = read_study(tx, name, size, pointer).claims
        known = _judged[name, size] = replace(known, claims=claims)
    return known


def known_verdicts(tx: Connection, name: str, size: Size, pointer: str = "/path/name") -> Verdicts:
    """A study with its claims if they have been judged since its experiments changed.

    Raises:
        Missing: There is no such study; ``pointer`` is its name in the request.
    """
    hashes = list(works_of(find_study(name, pointer), size))
    found = repository.states_by_spec_hash(tx, hashes)
    stored = [found[digest] for digest in hashes if digest in found]
    now = Verdicts(len(hashes), [each[0] for each in stored], [each[1] for each in stored], ())
    known = _judged.get((name, size), now)
    return known if replace(known, claims=()) == now else now


def find_study(name: str, pointer: str = "/path/name") -> Study:
    """The study of that name.

    Raises:
        Missing: There is no such study; ``pointer`` is its name in the request.
    """
    if name not in STUDIES:
        raise Missing(unknown(pointer, "study", name, STUDIES))
    return STUDIES[name]


@cache
def works_of(study: Study, size: Size) -> Mapping[str, Work]:
    """The estimated work of each experiment of a study by its spec hash, in the study's order."""
    return MappingProxyType({spec_hash(spec): Work.of(spec) for spec in study.experiments(size)})


def missing_time(tx: Connection, name: str, size: Size, *, fresh_seconds: float) -> LabTime:
    """How long the experiments that are neither completed nor pending would take."""
    works = works_of(find_study(name), size)
    found = repository.states_by_spec_hash(tx, list(works))
    there = {digest for digest, (_, state) in found.items() if state in _NOT_MISSING}
    missing = [work for digest, work in works.items() if digest not in there]
    return lab_time(tx, missing, fresh_seconds=fresh_seconds)


def read_study(tx: Connection, name: str, size: Size, pointer: str = "/path/name") -> StoredStudy:
    """Reads a study's experiments, with their arrays if the study looks at them.

    Raises:
        Missing: There is no such study; ``pointer`` is its name in the request.
    """
    study = find_study(name, pointer)
    hashes = list(works_of(study, size))
    by_hash = repository.by_spec_hash(tx, hashes)
    experiments = [by_hash[digest] for digest in hashes if digest in by_hash]
    evidence = [
        _evidence(tx, experiment, study)
        for experiment in experiments
        if experiment.state is State.COMPLETED
    ]
    return StoredStudy(study, size, len(hashes), experiments, evidence)


def _evidence(tx: Connection, experiment: Experiment, study: Study) -> Evidence:
    has_baselines = experiment.spec.evaluation.baselines
    baselines = results.baselines(tx, experiment.id) if has_baselines else ()
    teacher_response, responses = (
        results.responses(tx, experiment.id) if study.reads_responses else (None, {})
    )
    runs = [
        RunEvidence(
            run.seed, run.outcome, run.steps or 0, dict(run.summary), responses.get(run.seed)
        )
        for run in experiment.runs
        if run.outcome
    ]
    return Evidence(
        spec=experiment.spec,
        experiment_id=experiment.id,
        runs=tuple(runs),
        baselines=tuple(baselines),
        teacher_response=teacher_response,
    )
