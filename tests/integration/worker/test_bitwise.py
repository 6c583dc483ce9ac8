"""Trainers killed at random steps, again and again: what comes out is to the bit what an unbroken training gives."""

import itertools
import random
import time

import psutil
import pytest

from core.spec import ExperimentSpec
from tests.integration.worker.workplace import Job, until
from tests.kit import sample_specs

pytestmark = pytest.mark.parametrize("workplace", ["sqlite"], indirect=True)

OPTIMIZERS = {
    "gd": {"kind": "gd", "steps": 20_000},
    "momentum": {"kind": "momentum", "steps": 20_000},
    "adam": {"kind": "adam", "steps": 15_000},
    "adaptive_gd": {"kind": "adaptive_gd", "lr": 0.001, "steps": 20_000},
    "gradient_flow": {"kind": "gradient_flow", "time": 200.0, "steps": 3000},
}
STRUCTURES = ("symmetric", "general", "diagonal")
SEQUENCES = {"loss": {"kind": "finite_sample", "sequences": 20, "seed": 1}, "length": 8}
STARTED = {"start": {"kind": "gaussian", "scale": 0.2}}


def linear(structure: str, optimizer: str) -> ExperimentSpec:
    return sample_specs.spec(
        student={
            "kind": "linear",
            "dim": 10 if optimizer == "gradient_flow" else 50,
            "structure": structure,
            **STARTED,
        },
        training={"length": 12},
        optimizer=OPTIMIZERS[optimizer],
        evaluation={"horizon": 24, "record": ["response"]},
        seeds=[0, 2**63 - 1],
    )


def recurrent(kind: str, optimizer: str = "adam") -> ExperimentSpec:
    return sample_specs.spec(
        student={"kind": kind, "dim": 8, **STARTED},
        training=SEQUENCES,
        optimizer={"kind": optimizer, "lr": 0.003, "steps": 1500, "batch_size": 5},
        evaluation={"horizon": 16, "points": 50},
    )


KINDS = {f"{s} {o}": linear(s, o) for s, o in itertools.product(STRUCTURES, OPTIMIZERS)} | {
    **{kind: recurrent(kind) for kind in ("gru", "lstm", "tanh_rnn")},
    "readout": sample_specs.spec(
        student={"kind": "linear", "dim": 10, "readout": {"width": 8, "layers": 2}, **STARTED},
        training=SEQUENCES,
        optimizer={"kind": "momentum", "lr": 0.003, "steps": 2500},
        evaluation={"horizon": 16, "points": 50},
    ),
}


@pytest.fixture(scope="module", autouse=True)
def worker(workplace):
    return workplace.hire(EXTRAPOLAB_MAX_ATTEMPTS="50")


def killed(job: Job, times: int, draw: random.Random) -> int:
    """Kills the trainer soon after a checkpoint, some times or until the training has ended; how often it did."""
    done = 0
    while done < times:
        last = job.saved_at
        until(lambda: job.now.state.is_final or (job.saved_at or 0) > (last or 0))  # noqa: B023  # asked at once
        time.sleep(draw.uniform(0, 0.3))
        slot = next((slot for slot in job.slots if slot.trainer_pid), None)
        if job.now.state.is_final or slot is None:
            break
        psutil.Process(slot.trainer_pid).kill()
        attempt = job.now.attempts
        until(lambda: job.now.state.is_final or job.now.attempts > attempt)  # noqa: B023
        done += 1
    return done


def assert_unbroken(job: Job, whole: Job) -> None:
    """The result and every recorded number of an experiment are those of an equal one that nobody disturbed."""
    assert (job.until_ended().failure, whole.until_ended().failure) == (None, None)
    assert whole.now.attempts == 1
    told = [found.result.model_dump_json(exclude={"series"}) for found in (job, whole)]
    assert told[0] == told[1]
    columns, expected = job.series, whole.series
    assert {name: column.tobytes() for name, column in columns.items()} == {
        name: column.tobytes() for name, column in expected.items()
    }


def test_a_training_that_is_killed_at_a_random_step_changes_no_bit(workplace):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201  # for who has to repeat it
    job = workplace.submit(KINDS["gru"])
    assert killed(job, 1, random.Random(seed)) == 1
    assert_unbroken(job, workplace.submit(KINDS["gru"]))


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_fifty_kills_over_all_kinds_change_no_bit(workplace, capsys):
    seed = random.SystemRandom().randrange(10**6)
    draw, kills, kinds = random.Random(seed), 0, [*KINDS]
    draw.shuffle(kinds)
    for number, kind in enumerate(itertools.cycle(kinds)):
        if number >= len(kinds) and kills >= 50:
            break
        job = workplace.submit(KINDS[kind])
        here = killed(job, 4, draw)
        kills += here
        with capsys.disabled():
            print(f"\nseed {seed}: {kind} killed {here} times, {kills} in all", end="")  # noqa: T201
        assert_unbroken(job, workplace.submit(KINDS[kind]))
    assert kills >= 50
