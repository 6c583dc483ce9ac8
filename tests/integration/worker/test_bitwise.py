"""Killing trainers at random steps changes no bit of the result."""

import itertools
import random
import time

import psutil
import pytest

from core.spec import ExperimentSpec
from tests.integration.worker.cluster import Job, wait_for
from tests.kit import sample_specs

pytestmark = pytest.mark.parametrize("cluster", ["sqlite"], indirect=True)

OPTIMIZERS = {
    "gd": {"kind": "gd", "steps": 20_000},
    "momentum": {"kind": "momentum", "steps": 20_000},
    "adam": {"kind": "adam", "steps": 15_000},
    "adaptive_gd": {"kind": "adaptive_gd", "lr": 0.001, "steps": 20_000},
    "gradient_flow": {"kind": "gradient_flow", "time": 200.0, "steps": 3000},
}
STRUCTURES = ("symmetric", "general", "diagonal")
SEQUENCES = {"loss": {"kind": "finite_sample", "sequences": 20, "seed": 1}, "length": 8}
START = {"start": {"kind": "gaussian", "scale": 0.2}}


def linear(structure: str, optimizer: str) -> ExperimentSpec:
    return sample_specs.spec(
        student={
            "kind": "linear",
            "dim": 10 if optimizer == "gradient_flow" else 50,
            "structure": structure,
            **START,
        },
        training={"length": 12},
        optimizer=OPTIMIZERS[optimizer],
        evaluation={"horizon": 24, "record": ["response"]},
        seeds=[0, 2**63 - 1],
    )


def recurrent(kind: str, optimizer: str = "adam") -> ExperimentSpec:
    return sample_specs.spec(
        student={"kind": kind, "dim": 8, **START},
        training=SEQUENCES,
        optimizer={"kind": optimizer, "lr": 0.003, "steps": 1500, "batch_size": 5},
        evaluation={"horizon": 16, "points": 50},
    )


KINDS = {f"{s} {o}": linear(s, o) for s, o in itertools.product(STRUCTURES, OPTIMIZERS)} | {
    **{kind: recurrent(kind) for kind in ("gru", "lstm", "tanh_rnn")},
    "readout": sample_specs.spec(
        student={"kind": "linear", "dim": 10, "readout": {"width": 8, "layers": 2}, **START},
        training=SEQUENCES,
        optimizer={"kind": "momentum", "lr": 0.003, "steps": 2500},
        evaluation={"horizon": 16, "points": 50},
    ),
}


@pytest.fixture(scope="module", autouse=True)
def worker(cluster):
    return cluster.start_worker(EXTRAPOLAB_MAX_ATTEMPTS="50")


def kill_trainers(job: Job, times: int, draw: random.Random) -> int:
    """Kills the trainer soon after checkpoints, until the end at most; returns how often it did."""
    kills = 0
    while kills < times:
        last = job.checkpoint_step or 0
        wait_for(
            lambda: job.experiment.state.is_final or (job.checkpoint_step or 0) > last  # noqa: B023  # called at once
        )
        time.sleep(draw.uniform(0, 0.3))
        slot = next((slot for slot in job.slots if slot.trainer_pid), None)
        if job.experiment.state.is_final or slot is None:
            break
        psutil.Process(slot.trainer_pid).kill()
        attempt = job.experiment.attempts
        wait_for(lambda: job.experiment.state.is_final or job.experiment.attempts > attempt)  # noqa: B023
        kills += 1
    return kills


def assert_same(job: Job, undisturbed: Job) -> None:
    """The result and series of a disturbed job equal those of an undisturbed one, bit for bit."""
    assert (job.wait_for_end().failure, undisturbed.wait_for_end().failure) == (None, None)
    assert undisturbed.experiment.attempts == 1
    expected = undisturbed.result.model_dump_json(exclude={"series"})
    assert job.result.model_dump_json(exclude={"series"}) == expected
    assert {name: column.tobytes() for name, column in job.series.items()} == {
        name: column.tobytes() for name, column in undisturbed.series.items()
    }


def test_a_kill_at_a_random_step_changes_no_bit(cluster):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201  # to repeat a failure
    job = cluster.submit(KINDS["gru"])
    assert kill_trainers(job, 1, random.Random(seed)) == 1
    assert_same(job, cluster.submit(KINDS["gru"]))


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_fifty_kills_over_all_kinds_change_no_bit(cluster, capsys):
    seed = random.SystemRandom().randrange(10**6)
    draw, kills, kinds = random.Random(seed), 0, [*KINDS]
    draw.shuffle(kinds)
    for number, kind in enumerate(itertools.cycle(kinds)):
        if number >= len(kinds) and kills >= 50:
            break
        job = cluster.submit(KINDS[kind])
        job_kills = kill_trainers(job, 4, draw)
        kills += job_kills
        with capsys.disabled():
            print(f"\nseed {seed}: {kind} killed {job_kills} times, {kills} in all", end="")  # noqa: T201
        assert_same(job, cluster.submit(KINDS[kind]))
    assert kills >= 50
