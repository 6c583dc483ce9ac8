"""Growth of time and memory with d, k, seeds and recorded points: table, figure and exponents.

python -m benchmarks.growth FIGURE.svg

Each measurement runs in a new process, on one thread, so that peak memory is its own; the memory of
a process that trains the smallest student is subtracted. An exponent is the slope over the largest
values, where fixed costs no longer matter.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BASE = {"d": 50, "k": 20, "seeds": 10, "points": 20, "steps": 1000}
SMALLEST = {"d": 1, "k": 1, "seeds": 1, "points": 2, "steps": 1}
AXES = {
    "d": (25, 50, 100, 200, 400),
    "k": (10, 20, 40, 80, 160),
    "seeds": (5, 10, 20, 40, 80),
    "points": (50, 100, 200, 400, 800),
}
EXPECTED = {"d": 2, "k": 1, "seeds": 1, "points": 1}
"""Exponents of a step's arithmetic, k d²; k² d per step and d³ per point add to it."""


def train(d: int, k: int, seeds: int, points: int, steps: int) -> tuple[float, float]:
    """CPU seconds of one experiment from start to result, and peak memory in MB."""
    import torch  # noqa: PLC0415  # only the child process needs it

    from core.spec import ExperimentSpec  # noqa: PLC0415
    from core.training import advance, begin, finish  # noqa: PLC0415

    torch.set_num_threads(1)
    spec = {
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": d, "start": {"kind": "gaussian", "scale": 0.1}},
        "training": {"length": k},
        "optimizer": {"lr": 1e-4, "steps": steps},
        "evaluation": {"horizon": 2 * k, "points": points},
        "seeds": seeds,
    }
    warm_up = ExperimentSpec.model_validate({**spec, "optimizer": {"lr": 1e-4, "steps": 1}})
    finish(advance(begin(warm_up), 1))
    started = time.process_time()
    finish(advance(begin(ExperimentSpec.model_validate(spec)), steps))
    return time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def measure(**sizes: int) -> tuple[float, float]:
    """Runs ``train`` in a new process."""
    command = [sys.executable, "-m", "benchmarks.growth", "--train", json.dumps(sizes)]
    child = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, memory = json.loads(child.stdout)
    return seconds, memory


def exponent(xs: tuple[int, ...], ys: list[float]) -> float:
    """Slope over the last two doublings, on logarithmic axes."""
    return math.log(ys[-1] / ys[-3]) / math.log(xs[-1] / xs[-3])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figure", nargs="?", type=Path)
    parser.add_argument("--train", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        print(json.dumps(train(**arguments.train)))
        return
    measure(**SMALLEST)  # compiles the loops if they are new
    _, idle_memory = measure(**SMALLEST)
    figure = Figure(figsize=(11, 3), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(AXES), sharey=True)
    for panel, (axis, values) in zip(panels, AXES.items(), strict=True):
        measurements = [measure(**{**BASE, axis: value}) for value in values]
        seconds = [cpu for cpu, _ in measurements]
        memory = [max(peak - idle_memory, 0.1) for _, peak in measurements]
        print(f"{axis} = {values}")
        growth = f"  ~ {axis}^{exponent(values, seconds):.2f}, expected {EXPECTED[axis]}"
        print("  seconds", *(f"{cpu:8.3f}" for cpu in seconds), growth)
        growth = f"  ~ {axis}^{exponent(values, memory):.2f}"
        print("  MB     ", *(f"{peak:8.1f}" for peak in memory), growth, flush=True)
        panel.loglog(values, seconds, "o-", label="seconds of CPU")
        panel.loglog(values, memory, "s--", label="MB above an idle trainer")
        panel.set_xlabel(axis)
        panel.set_xticks(values, map(str, values))
        panel.set_xticks([], minor=True)
    panel.legend()
    base = ", ".join(f"{name} = {value}" for name, value in BASE.items())
    figure.suptitle(f"{base}; one at a time varied")
    if arguments.figure:
        figure.savefig(arguments.figure)


if __name__ == "__main__":
    main()
