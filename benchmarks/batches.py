"""Gain of batched seeds, in wall time: on two threads, and over torch.nn.GRU seed by seed.

python -m benchmarks.batches --only gru
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.trainer import make_spec
from core.spec import ExperimentSpec
from core.training import begin


def per_second(run: Callable[[int], object], count: int) -> float:
    started = time.perf_counter()
    run(count)
    return count / (time.perf_counter() - started)


def step_rate(state, count: int) -> float:
    """Steps of the batch per second."""
    return per_second(lambda steps: state.engine.stepper.advance(state.batch, steps), count)


def cores(rounds: int) -> None:
    """Alternates the same batch between one thread and two."""
    for d, k, count in ((20, 8, 20_000), (50, 20, 2_000), (100, 50, 200)):
        state = begin(make_spec(d, k, seeds=10))
        ratios = []
        for _ in range(rounds):
            rates = []
            for threads in (1, 2):
                torch.set_num_threads(threads)
                rates.append(step_rate(state, count))
            ratios.append(rates[1] / rates[0])
        print(
            f"d = {d:3} k = {k:2} 10 seeds, 2 threads over 1: "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def gru_spec(seeds: int) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "gru", "dim": 10},
            "student": {"kind": "gru", "dim": 100},
            "training": {"length": 10},
            "optimizer": {"kind": "adam", "lr": 1e-3, "steps": 10**6, "batch_size": 512},
            "evaluation": {"horizon": 20, "points": 2},
            "numerics": {"dtype": "float32"},
            "seeds": seeds,
        }
    )


def train_torch_gru(count: int) -> None:
    """The obvious ``count`` steps of one seed: torch.nn.GRU, a linear output, Adam."""
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
    """Batch 512, k = 10, d = 100, float32, Adam; both sides label fresh sequences by a teacher."""
    state = begin(gru_spec(seeds))
    for threads in (1, 2):
        torch.set_num_threads(threads)
        core_rates, torch_rates = [], []
        for _ in range(rounds):
            torch_rates.append(per_second(train_torch_gru, 10))
            core_rates.append(seeds * step_rate(state, 4))
        ratio = statistics.median(
            core / torch_gru for core, torch_gru in zip(core_rates, torch_rates, strict=True)
        )
        print(
            f"GRU, {threads} threads: torch.nn.GRU {statistics.median(torch_rates):.1f}, "
            f"core with {seeds} seeds {statistics.median(core_rates):.1f} seed-steps/s, "
            f"{ratio:.1f}x"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["cores", "gru"])
    arguments = parser.parse_args()
    if arguments.only != "gru":
        cores(arguments.rounds)
    if arguments.only != "cores":
        gru(arguments.rounds)


if __name__ == "__main__":
    main()
