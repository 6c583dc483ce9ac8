"""Random faults under a load of submissions: no answered experiment is lost, doubled or changed.

The seed is printed; ``EXTRAPOLAB_CHAOS_SEED`` repeats its faults in the same order.
"""

import os
import time
from collections import Counter
from random import Random

import pytest

from tests.chaos import history as histories
from tests.chaos.history import Client, History, Watcher, check_history, listing
from tests.chaos.nemesis import FAULTS, inject_faults

CLIENTS = 4

STALL_SECONDS = 120.0
"""How long no experiment may start, make progress or end while some are left."""


def run_with_faults(
    chaos_lab, expected, capsys, *, seed, experiments, faults, fault_pause, client_pause
):
    """Clients submit while faults are injected; then the lab is drained and its history checked.

    ``fault_pause`` is the mean pause between two faults, ``client_pause`` that of a client between
    two submissions.
    """
    random, history = Random(seed), History(f"chaos {seed}")
    names = [f"{chaos_lab.kind} {number}" for number in range(experiments)]
    shares = [names[first::CLIENTS] for first in range(CLIENTS)]
    clients = [
        Client(chaos_lab.cable.url, share, history, Random(random.random()), client_pause)
        for share in shares
    ]
    watcher = Watcher(chaos_lab.url, history)
    for thread in (*clients, watcher):
        thread.start()
    began = time.monotonic()
    injected = inject_faults(chaos_lab, random, faults, fault_pause)
    for client in clients:
        client.join(240)
        assert not client.is_alive(), "a client got no answer"
    healed = time.monotonic()
    wait_until_drained(chaos_lab.url, history.tag)
    drained = time.monotonic() - healed
    watcher.stop.set()
    watcher.join(60)
    event_counts = check_history(chaos_lab.url, history, expected)
    with capsys.disabled():
        summary = (
            f"{len(history.answered)} answered, {len(history.unanswered)} not; {dict(event_counts)}"
        )
        print(
            f"\nnemesis on {chaos_lab.kind}, seed {seed}: {experiments} sent, {summary} "
            f"in {healed - began:.0f} s of {dict(Counter(injected))}; "
            f"drained {drained:.1f} s after the last fault"
        )
    assert len(history.answered) > experiments / 3  # most of the rest are in sweeps
    return event_counts


def wait_until_drained(url, tag):
    """Waits until all experiments have ended, however slow the machine: as long as any moves."""
    moved, before = time.monotonic(), None
    while True:
        states = {
            experiment["id"]: (experiment["state"], experiment["attempts"], experiment["progress"])
            for experiment in listing(url, tag)
        }
        pending = {name: now for name, now in states.items() if now[0] not in histories.FINAL}
        if not pending:
            return
        if states != before:
            moved, before = time.monotonic(), states
        assert time.monotonic() - moved < STALL_SECONDS, f"nothing moves any more: {pending}"
        time.sleep(0.05)


@pytest.mark.timeout(400)
def test_nothing_is_lost_doubled_or_changed(chaos_lab, expected_digests, capsys):
    seed = {"sqlite": 0, "postgresql": 3}[chaos_lab.kind]  # they draw different kinds of faults
    run_with_faults(
        chaos_lab,
        expected_digests,
        capsys,
        seed=seed,
        experiments=24,
        faults=5,
        fault_pause=0.2,
        client_pause=0.4,
    )


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_nothing_is_lost_doubled_or_changed_in_a_long_run(chaos_lab, expected_digests, capsys):
    seed = int(os.environ.get("EXTRAPOLAB_CHAOS_SEED") or Random().randrange(10**9))
    with capsys.disabled():
        print(f"\nseed {seed}")
    event_counts = run_with_faults(
        chaos_lab,
        expected_digests,
        capsys,
        seed=seed,
        experiments=320,
        faults=8 * len(FAULTS),
        fault_pause=0.5,
        client_pause=1.0,
    )
    assert event_counts["started"] > event_counts["submitted"], (
        "no fault hit a training, so the run proves nothing"
    )
