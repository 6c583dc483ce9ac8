"""What a batch of seeds gains: on two cores, and over torch.nn.GRU trained one seed after another.

Wall time, medians.

``python -m benchmarks.batches --only gru``
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.trainer import spec_of
from core.spec import ExperimentSpec
from core.training import begin


def per_second(run: Callable[[int], object], count: int) -> float:
    begun = time.perf_counter()
    run(count)
    return count / (time.perf_counter() - begun)


def cores(rounds: int) -> None:
    """The same batch on one thread and on two, alternating."""
    for d, k, count in ((20, 8, 20_000), (50, 20, 2_000), (100, 50, 200)):
        state = begin(spec_of(d, k, seeds=10))
        ratios = []
        for _ in range(rounds):
            rates = []
            for threads in (1, 2):
                torch.set_num_threads(threads)
                rates.append(
                    per_second(
                        lambda n, state=state: state.engine.stepper.advance(state.batch, n), count
                    )
                )
            ratios.append(rates[1] / rates[0])
        low, high = min(ratios), max(ratios)
        print(
            f"d = {d:3} k = {k:2} 10 seeds, 2 threads over 1: {statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})"
        )


def gru_spec(seeds: int) -> ExperimentSpec:
    return ExperimentSpec.model_validate({
        "teacher": {"kind": "gru", "dim": 10},
        "student": {"kind": "gru", "dim": 100},
        "training": {"length": 10},
        "optimizer": {"kind": "adam", "lr": 1e-3, "steps": 10**6, "batch_size": 512},
        "evaluation": {"horizon": 20, "points": 2},
        "numerics": {"dtype": "float32"},
        "seeds": seeds,
    })  # fmt: skip


def nn_gru(count: int) -> None:
    """``count`` steps of one seed as one would write them: torch.nn.GRU, a linear output, Adam."""
    student, output = torch.nn.GRU(1, 100, batch_first=True), torch.nn.Linear(100, 1)
    teacher, teacher_output = torch.nn.GRU(1, 10, batch_first=True), torch.nn.Linear(10, 1)
    optimizer = torch.optim.Adam([*student.parameters(), *output.parameters()], lr=1e-3)
    for _ in range(count):
        inputs = torch.randn(512, 10, 1)
        with torch.no_grad():
            labels = teacher_output(teacher(inputs)[0][:, -1])
        loss = ((output(student(inputs)[0][:, -1]) - labels) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def gru(rounds: int, seeds: int = 5) -> None:
    """Batch 512, k = 10, d = 100, float32, Adam; both draw fresh sequences and ask the teacher."""
    state = begin(gru_spec(seeds))
    for threads in (1, 2):
        torch.set_num_threads(threads)
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(per_second(nn_gru, 10))
            ours.append(
                seeds * per_second(lambda n: state.engine.stepper.advance(state.batch, n), 4)
            )
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        print(
            f"GRU, {threads} threads: torch.nn.GRU {statistics.median(theirs):.1f}, core with {seeds} seeds "
            f"{statistics.median(ours):.1f} seed-steps/s, {ratio:.1f}x"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["cores", "gru"])
    asked = parser.parse_args()
    if asked.only != "gru":
        cores(asked.rounds)
    if asked.only != "cores":
        gru(asked.rounds)


if __name__ == "__main__":
    main()
