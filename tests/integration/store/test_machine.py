"""A state machine: moves in any order, on both databases, against a model of their outcome.

Users submit, cancel, pause, resume, retry and remove; workers claim, report, finish, fail, hand
back and get lost; zombies of earlier attempts keep trying to write. After each step the database
must equal the model.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from store.db.tables import events
from store.db.tables import experiments as table
from store.errors import Fenced, IllegalMove, NotFound
from store.experiments import repository as experiments
from store.queue import reports
from store.records import Failure, FailureKind
from store.states import State
from tests.integration.store.conftest import Repo
from tests.integration.store.test_fences import WRITES

MAX_ATTEMPTS = 2


@dataclass
class Expected:
    """The expected state and history of an experiment."""

    state: State = State.QUEUED
    attempt: int = 0
    attempts_without_progress: int = 0
    checkpoint_step: int = -1
    cancel_requested: bool = False
    pause_requested: bool = False
    kinds: list[str] = field(default_factory=lambda: ["submitted"])

    def released_state(self) -> State:
        if self.cancel_requested:
            return State.CANCELLED
        return State.PAUSED if self.pause_requested else State.QUEUED

    def move(self, to: State, kind: str) -> None:
        self.state = to
        self.kinds.append(kind)
        if to.is_final:
            self.cancel_requested = False
        if to.is_final or to is State.PAUSED:
            self.pause_requested = False


class Moves(RuleBasedStateMachine):
    """The moves, on the ``repo`` that a test sets."""

    repo: Repo
    ids = Bundle("ids")
    claims = Bundle("claims")

    @initialize()
    def empty(self):
        with self.repo.database.write() as tx:
            tx.execute(delete(table))
        self.model: dict[str, Expected] = {}

    @rule(target=ids)
    def submit(self):
        experiment_id = self.repo.submit().id
        self.model[experiment_id] = Expected()
        return experiment_id

    @rule(target=claims)
    def claim(self):
        with self.repo.database.write() as tx:
            tx.exec_driver_sql("UPDATE experiments SET not_before = NULL")  # skips the backoff
        claim = self.repo.claim()
        waiting = [name for name, expected in self.model.items() if expected.state is State.QUEUED]
        assert (claim is None) == (not waiting)
        if claim is None:
            return multiple()
        expected = self.model[claim.experiment_id]
        expected.attempt += 1
        expected.attempts_without_progress += 1
        expected.move(State.RUNNING, "started")
        assert claim.attempt == expected.attempt
        step = expected.checkpoint_step
        assert claim.checkpoint == (str(step).encode() if step >= 0 else None)
        return claim

    def holds(self, claim) -> Expected | None:
        """The experiment that the claim still holds."""
        expected = self.model.get(claim.experiment_id)
        if expected and expected.state is State.RUNNING and expected.attempt == claim.attempt:
            return expected
        return None

    @rule(claim=claims, write=st.sampled_from(sorted(WRITES)))
    def write_as_zombie(self, claim, write):
        if self.holds(claim) is None:
            with pytest.raises(Fenced), self.repo.database.write() as tx:
                WRITES[write](tx, claim)

    @rule(claim=claims, has_progress=st.booleans())
    def save(self, claim, has_progress):
        if expected := self.holds(claim):
            step = (
                expected.checkpoint_step + 1 if has_progress else max(expected.checkpoint_step, 0)
            )
            if step > expected.checkpoint_step:
                expected.attempts_without_progress = 0
            expected.checkpoint_step = step
            self.repo.record(claim, step, checkpoint=str(step).encode())

    @rule(claim=claims)
    def renew_lease(self, claim):
        if expected := self.holds(claim):
            with self.repo.database.write() as tx:
                requests = reports.renew_lease(tx, claim, lease_seconds=60)
            assert (requests.cancel, requests.pause) == (
                expected.cancel_requested,
                expected.pause_requested,
            )

    @rule(claim=claims)
    def complete(self, claim):
        if expected := self.holds(claim):
            self.repo.complete(claim)
            expected.move(State.COMPLETED, "completed")
            expected.checkpoint_step = -1

    @rule(claim=claims)
    def stop(self, claim):
        if expected := self.holds(claim):
            with self.repo.database.write() as tx:
                reports.mark_cancelled(tx, claim, None, None)
            expected.move(State.CANCELLED, "cancelled")

    @rule(claim=claims, kind=st.sampled_from(FailureKind))
    def fail(self, claim, kind):
        if expected := self.holds(claim):
            with self.repo.database.write() as tx:
                reports.fail(tx, claim, Failure(kind, "why"), "log", max_attempts=MAX_ATTEMPTS)
            self.lost(expected, "attempt_failed", is_transient=kind.is_transient)

    @rule(claim=claims)
    def lose(self, claim):
        if expected := self.holds(claim):
            self.repo.lose(claim)
            assert self.repo.reap(MAX_ATTEMPTS) == 1
            self.lost(expected, "lease_expired")
        assert self.repo.reap(MAX_ATTEMPTS) == 0

    def lost(self, expected, kind, *, is_transient=True):
        to = expected.released_state() if is_transient else State.FAILED
        if to is not State.CANCELLED and expected.attempts_without_progress >= MAX_ATTEMPTS:
            to = State.FAILED
        expected.move(to, {State.QUEUED: kind, State.FAILED: "failed"}.get(to, to.value))

    @rule(claim=claims)
    def hand_back(self, claim):
        if expected := self.holds(claim):
            with self.repo.database.write() as tx:
                reports.hand_back(tx, claim)
            expected.attempts_without_progress = max(0, expected.attempts_without_progress - 1)
            to = expected.released_state()
            expected.move(to, "handed_back" if to is State.QUEUED else to.value)

    def attempt(self, verb, experiment_id, *, legal):
        if experiment_id not in self.model:
            with pytest.raises(NotFound), self.repo.database.write() as tx:
                verb(tx, experiment_id)
        elif not legal:
            with pytest.raises(IllegalMove), self.repo.database.write() as tx:
                verb(tx, experiment_id)
        else:
            with self.repo.database.write() as tx:
                verb(tx, experiment_id)
            return True
        return False

    @rule(name=ids)
    def cancel(self, name):
        expected = self.model.get(name, Expected())
        if self.attempt(experiments.request_cancel, name, legal=not expected.state.is_final):
            if expected.state is not State.RUNNING:
                expected.move(State.CANCELLED, "cancelled")
            elif not expected.cancel_requested:
                expected.cancel_requested = True
                expected.kinds.append("cancel_requested")

    @rule(name=ids)
    def pause(self, name):
        expected = self.model.get(name, Expected())
        legal = expected.state in {State.QUEUED, State.RUNNING} and not expected.cancel_requested
        if self.attempt(experiments.request_pause, name, legal=legal):
            if expected.state is State.QUEUED:
                expected.move(State.PAUSED, "paused")
            elif not expected.pause_requested:
                expected.pause_requested = True
                expected.kinds.append("pause_requested")

    @rule(name=ids)
    def resume(self, name):
        expected = self.model.get(name, Expected())
        if self.attempt(
            experiments.resume,
            name,
            legal=expected.state is State.PAUSED or expected.pause_requested,
        ):
            if expected.state is State.RUNNING:
                expected.pause_requested = False
                expected.kinds.append("pause_withdrawn")
            else:
                expected.move(State.QUEUED, "resumed")

    @rule(name=ids)
    def retry(self, name):
        expected = self.model.get(name, Expected())
        if self.attempt(
            experiments.retry, name, legal=expected.state in {State.FAILED, State.CANCELLED}
        ):
            expected.move(State.QUEUED, "retried")
            expected.attempts_without_progress = 0

    @rule(name=consumes(ids))
    def remove(self, name):
        expected = self.model.get(name, Expected())
        if self.attempt(experiments.remove, name, legal=expected.state.is_final):
            del self.model[name]

    @invariant()
    def database_equals_model(self):
        columns = ("id", "state", "attempt", "cancel_requested", "pause_requested", "failure_kind")
        with self.repo.database.read() as tx:
            rows = tx.execute(select(*(table.c[name] for name in columns))).all()
            history = tx.execute(
                select(events.c.experiment_id, events.c.kind).order_by(events.c.number)
            ).all()
        model = getattr(self, "model", {})
        assert {row.id for row in rows} == model.keys()
        for row in rows:
            expected = model[row.id]
            assert (row.state, row.attempt) == (expected.state, expected.attempt)
            assert (row.cancel_requested, row.pause_requested) == (
                expected.cancel_requested,
                expected.pause_requested,
            )
            assert (row.failure_kind is not None) == (expected.state is State.FAILED)
            assert [kind for name, kind in history if name == row.id] == expected.kinds


def run_machine(repo, **options):
    class MovesInThisDatabase(Moves):
        pass

    MovesInThisDatabase.repo = repo
    suppressed = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        MovesInThisDatabase,
        settings=settings(
            deadline=None, suppress_health_check=suppressed, database=None, **options
        ),
    )


def test_database_follows_the_model_in_every_order_of_moves(repo):
    run_machine(repo, max_examples=40, stateful_step_count=30, derandomize=True)


@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_many_more_random_orders(repo):
    """A failure prints its steps, and a line that reproduces them."""
    run_machine(repo, max_examples=300, stateful_step_count=60, print_blob=True)
