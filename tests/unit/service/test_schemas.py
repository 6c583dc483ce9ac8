"""Answers have the fields of their schemas and no others, whatever a record holds."""

from dataclasses import fields, make_dataclass

import pytest

from core.cost import Cost
from core.errors import Problem
from core.result import Outcome
from core.spec import ExperimentSpec, setup_hash, spec_hash
from service import schemas
from service.http import examples
from store.queue.eta import LabTime
from store.queue.workers import WorkerActivity
from store.records import (
    Event,
    EventKind,
    Experiment,
    Log,
    Progress,
    QueuePosition,
    RunRecord,
    Submission,
    WorkerRecord,
)
from store.states import State

SPEC = ExperimentSpec.model_validate(examples.SPEC)
HASHES = {"spec_hash": spec_hash(SPEC), "setup_hash": setup_hash(SPEC)}


def with_secret(record):
    """The record with one more attribute than its class declares."""
    names = [field.name for field in fields(record)]
    extended = make_dataclass(
        "Extended", ["secret"], bases=(type(record),), kw_only=True, frozen=True
    )
    return extended(**{name: getattr(record, name) for name in names}, secret="leaked")


EVENT = with_secret(Event(3, 1.0, EventKind.STARTED, 1, {"worker": "w"}))
PROGRESS = with_secret(Progress(1, 2))
EXPERIMENT = with_secret(
    Experiment(
        id=examples.ID,
        content=SPEC.model_dump(mode="json"),
        state=State.QUEUED,
        owner="ada",
        priority=0,
        not_before=None,
        max_seconds=None,
        max_memory_mb=None,
        device=None,
        attempts=0,
        failure=None,
        progress=PROGRESS,
        cancel_requested=False,
        pause_requested=False,
        created_at=1.0,
        started_at=None,
        finished_at=None,
        version=1,
        warnings=(),
        provenance=None,
        runs=(with_secret(RunRecord(0, Outcome.FITTED, 5, {"fit_error": float("inf")})),),
        **HASHES,
    )
)
ANSWERS = [
    schemas.Experiment.from_record(EXPERIMENT, with_secret(QueuePosition(1, None))),
    schemas.Moved.from_record(EXPERIMENT),
    schemas.Submission.from_record(
        with_secret(Submission(examples.ID, State.QUEUED, reused=False, warnings=(), **HASHES))
    ),
    schemas.Event.from_record(EVENT),
    schemas.StateEvent.from_record(examples.ID, EVENT),
    schemas.ProgressEvent.from_record(examples.ID, PROGRESS),
    schemas.Log.from_record(with_secret(Log(1, "text"))),
    schemas.Worker.from_record(
        with_secret(
            WorkerActivity(WorkerRecord("w", "host", 1, None, "cpu", 1, 0.0), "host cpu·0")
        ),
        1.0,
        5.0,
    ),
    schemas.CostEstimate.from_record(
        with_secret(Cost(1.0, 2.0, 3.0)), with_secret(LabTime(4.0, 2.0, slots=2))
    ),
    schemas.FieldProblem.from_record(with_secret(Problem("/a", "code", "message"))),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_an_attribute_that_the_schema_does_not_declare_never_travels(answer):
    assert b"secret" not in schemas.to_json(answer)
    assert set(answer.model_dump(by_alias=False)) == set(type(answer).model_fields)


def test_times_travel_in_utc_and_non_finite_numbers_as_words():
    answer = schemas.Experiment.from_record(EXPERIMENT).model_dump_json()
    assert '"created_at":"1970-01-01T00:00:01Z"' in answer
    assert '"summary":{"fit_error":"Infinity"}' in answer


def test_a_time_far_in_the_future_is_read_in_seconds():
    """Pydantic alone reads numbers above 2e10 as milliseconds."""
    answer = schemas.Event.from_record(Event(1, 2.5e11, EventKind.SUBMITTED, 0, {}))
    assert answer.at.year == 9892
