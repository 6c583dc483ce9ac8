"""Every order of moves that anybody may try, on both databases, against a model of what should come of it.

People submit, cancel, pause, resume, retry and remove; workers claim, report, end, fail, hand back
and are lost; zombies of earlier attempts try to write all the while. After each step the record is
what the model says.
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
    """What an experiment should be."""

    state: State = State.QUEUED
    attempt: int = 0
    attempts_without_progress: int = 0
    saved: int = -1
    cancel: bool = False
    pause: bool = False
    kinds: list[str] = field(default_factory=lambda: ["submitted"])

    def let_go(self) -> State:
        return State.CANCELLED if self.cancel else State.PAUSED if self.pause else State.QUEUED

    def go(self, to: State, kind: str) -> None:
        self.state = to
        self.kinds.append(kind)
        if to.is_final:
            self.cancel = False
        if to.is_final or to is State.PAUSED:
            self.pause = False


class Moves(RuleBasedStateMachine):
    """The moves; ``repo`` is set by the test."""

    repo: Repo
    made = Bundle("made")
    claims = Bundle("claims")

    @initialize()
    def empty(self):
        with self.repo.database.write() as tx:
            tx.execute(delete(table))
        self.model: dict[str, Expected] = {}

    @rule(target=made)
    def submit(self):
        made = self.repo.submit().id
        self.model[made] = Expected()
        return made

    @rule(target=claims)
    def claim(self):
        with self.repo.database.write() as tx:
            tx.exec_driver_sql("UPDATE experiments SET not_before = NULL")  # rested enough
        claim = self.repo.claim()
        waiting = [name for name, found in self.model.items() if found.state is State.QUEUED]
        assert (claim is None) == (not waiting)
        if claim is None:
            return multiple()
        found = self.model[claim.experiment_id]
        found.attempt += 1
        found.attempts_without_progress += 1
        found.go(State.RUNNING, "started")
        assert (claim.attempt, claim.checkpoint) == (
            found.attempt,
            str(found.saved).encode() if found.saved >= 0 else None,
        )
        return claim

    def holds(self, claim) -> Expected | None:
        """The experiment that the claim still holds."""
        found = self.model.get(claim.experiment_id)
        return (
            found
            if found and found.state is State.RUNNING and found.attempt == claim.attempt
            else None
        )

    @rule(claim=claims, write=st.sampled_from(sorted(WRITES)))
    def a_zombie_writes(self, claim, write):
        if self.holds(claim) is None:
            with pytest.raises(Fenced), self.repo.database.write() as tx:
                WRITES[write](tx, claim)

    @rule(claim=claims, further=st.booleans())
    def save(self, claim, further):
        if found := self.holds(claim):
            step = found.saved + 1 if further else max(found.saved, 0)
            if step > found.saved:
                found.attempts_without_progress = 0
            found.saved = step
            self.repo.record(claim, step, checkpoint=str(step).encode())

    @rule(claim=claims)
    def beat(self, claim):
        if found := self.holds(claim):
            with self.repo.database.write() as tx:
                wishes = reports.renew_lease(tx, claim, lease_seconds=60)
            assert (wishes.cancel, wishes.pause) == (found.cancel, found.pause)

    @rule(claim=claims)
    def complete(self, claim):
        if found := self.holds(claim):
            self.repo.complete(claim)
            found.go(State.COMPLETED, "completed")
            found.saved = -1

    @rule(claim=claims)
    def stop(self, claim):
        if found := self.holds(claim):
            with self.repo.database.write() as tx:
                reports.mark_cancelled(tx, claim, None, None)
            found.go(State.CANCELLED, "cancelled")

    @rule(claim=claims, kind=st.sampled_from(FailureKind))
    def fail(self, claim, kind):
        if found := self.holds(claim):
            with self.repo.database.write() as tx:
                reports.fail(tx, claim, Failure(kind, "why"), "log", max_attempts=MAX_ATTEMPTS)
            self.lost(found, "attempt_failed", of_the_lab=kind.is_transient)

    @rule(claim=claims)
    def lose(self, claim):
        if found := self.holds(claim):
            self.repo.lose(claim)
            assert self.repo.reap(MAX_ATTEMPTS) == 1
            self.lost(found, "lease_expired")
        assert self.repo.reap(MAX_ATTEMPTS) == 0

    def lost(self, found, kind, *, of_the_lab=True):
        to = found.let_go() if of_the_lab else State.FAILED
        if to is not State.CANCELLED and found.attempts_without_progress >= MAX_ATTEMPTS:
            to = State.FAILED
        found.go(to, {State.QUEUED: kind, State.FAILED: "failed"}.get(to, to.value))

    @rule(claim=claims)
    def hand_back(self, claim):
        if found := self.holds(claim):
            with self.repo.database.write() as tx:
                reports.hand_back(tx, claim)
            found.attempts_without_progress = max(0, found.attempts_without_progress - 1)
            to = found.let_go()
            found.go(to, "handed_back" if to is State.QUEUED else to.value)

    def ask(self, verb, experiment_id, *, legal):
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

    @rule(name=made)
    def cancel(self, name):
        found = self.model.get(name, Expected())
        if self.ask(experiments.request_cancel, name, legal=not found.state.is_final):
            if found.state is not State.RUNNING:
                found.go(State.CANCELLED, "cancelled")
            elif not found.cancel:
                found.cancel = True
                found.kinds.append("cancel_requested")

    @rule(name=made)
    def pause(self, name):
        found = self.model.get(name, Expected())
        legal = found.state in {State.QUEUED, State.RUNNING} and not found.cancel
        if self.ask(experiments.request_pause, name, legal=legal):
            if found.state is State.QUEUED:
                found.go(State.PAUSED, "paused")
            elif not found.pause:
                found.pause = True
                found.kinds.append("pause_requested")

    @rule(name=made)
    def resume(self, name):
        found = self.model.get(name, Expected())
        if self.ask(experiments.resume, name, legal=found.state is State.PAUSED or found.pause):
            if found.state is State.RUNNING:
                found.pause = False
                found.kinds.append("pause_withdrawn")
            else:
                found.go(State.QUEUED, "resumed")

    @rule(name=made)
    def retry(self, name):
        found = self.model.get(name, Expected())
        if self.ask(experiments.retry, name, legal=found.state in {State.FAILED, State.CANCELLED}):
            found.go(State.QUEUED, "retried")
            found.attempts_without_progress = 0

    @rule(name=consumes(made))
    def remove(self, name):
        found = self.model.get(name, Expected())
        if self.ask(experiments.remove, name, legal=found.state.is_final):
            del self.model[name]

    @invariant()
    def the_record_is_what_it_should_be(self):
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
            assert (row.cancel_requested, row.pause_requested) == (expected.cancel, expected.pause)
            assert (row.failure_kind is not None) == (expected.state is State.FAILED)
            assert [kind for name, kind in history if name == row.id] == expected.kinds


def run_machine(repo, **options):
    class OfThisDesk(Moves):
        pass

    OfThisDesk.repo = repo
    suppressed = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        OfThisDesk,
        settings=settings(
            deadline=None, suppress_health_check=suppressed, database=None, **options
        ),
    )


def test_whatever_is_tried_in_whatever_order_the_record_is_as_it_should_be(repo):
    run_machine(repo, max_examples=40, stateful_step_count=30, derandomize=True)


@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_many_more_orders_at_random(repo):
    """A failure prints the steps, and the line that repeats them."""
    run_machine(repo, max_examples=300, stateful_step_count=60, print_blob=True)
