"""Seed-steps per second of core against the loop that a researcher would write, side by side, alternating, one thread.

python -m benchmarks.trainer --dim 50 --length 20 --seeds 10
"""

import argparse
import statistics
import time

import torch

from core.losses import target_of
from core.spec import ExperimentSpec
from core.training import advance, begin


def spec_of(dim: int, length: int, seeds: int, structure: str) -> ExperimentSpec:
    return ExperimentSpec.model_validate({
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": dim, "structure": structure, "start": {"kind": "gaussian", "scale": 0.1}},
        "training": {"length": length},
        "optimizer": {"lr": 0.001, "steps": 10**9},
        "evaluation": {"horizon": 2 * length, "points": 2},
        "seeds": seeds,
    })  # fmt: skip


def naive_rate(spec: ExperimentSpec, steps: int) -> float:
    """Torch autograd through the recurrence, one seed at a time."""
    state = begin(spec)
    views = state.engine.layout.views(state.batch.parameters[:1].clone())
    A, B, C = (views[name][0].clone().requires_grad_() for name in "ABC")
    target = torch.tensor(target_of(spec).response[: spec.training.length, 0, 0])
    optimizer = torch.optim.SGD([A, B, C], lr=spec.optimizer.lr)
    begun = time.perf_counter()
    for _ in range(steps):
        symmetric = (A + A.T) / 2 if spec.student.structure == "symmetric" else A
        hidden, response = B, []
        for _ in range(spec.training.length):
            response.append(C @ hidden)
            hidden = symmetric @ hidden
        loss = ((torch.cat(response).ravel() - target) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return steps / (time.perf_counter() - begun)


def core_rate(spec: ExperimentSpec, steps: int) -> float:
    """All seeds of the experiment together."""
    state = advance(begin(spec), 5)
    begun = time.perf_counter()
    advance(state, steps)
    return len(spec.seeds) * steps / (time.perf_counter() - begun)


def recorded_rate(spec: ExperimentSpec, steps: int) -> float:
    """The same with 200 recorded points on the way, as an experiment has them by default."""
    optimizer = spec.optimizer.model_copy(update={"steps": steps})
    evaluation = spec.evaluation.model_copy(update={"points": 200})
    begun = time.perf_counter()
    advance(begin(spec.model_copy(update={"optimizer": optimizer, "evaluation": evaluation})), steps)
    return len(spec.seeds) * steps / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dim", type=int, default=50)
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--structure", default="symmetric", choices=["symmetric", "general"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=400, help="steps of one timed piece")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    spec = spec_of(asked.dim, asked.length, asked.seeds, asked.structure)
    pairs = [(naive_rate(spec, asked.steps), core_rate(spec, asked.steps)) for _ in range(asked.rounds)]
    naive, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(ours / naive for naive, ours in pairs)
    print(f"d = {asked.dim}, k = {asked.length}, {asked.structure} A, float64, one thread, {asked.seeds} seeds")
    print(f"autograd, one seed at a time  {naive:10,.0f} seed-steps/s")
    print(f"core, {asked.seeds} seeds of one experiment {ours:10,.0f} seed-steps/s")
    print(f"ratio                         {statistics.median(ratios):9.1f}x  ({ratios[0]:.1f} to {ratios[-1]:.1f})")
    recorded = recorded_rate(spec, 50 * asked.steps)
    print(f"core, {50 * asked.steps:,} steps with 200 recorded points {recorded:,.0f} seed-steps/s")


if __name__ == "__main__":
    main()
