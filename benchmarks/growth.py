"""How seconds and memory grow with d, k, seeds and recorded points: a table, a figure, and the exponents.

``python -m benchmarks.growth FIGURE.svg``. Each point is a process of its own, on one thread, so
that its peak of memory is its own; what a process holds that trains the smallest student is taken
off. An exponent is the slope between the largest values, where what grows counts and not what is
paid once.
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
MUST = {"d": 2, "k": 1, "seeds": 1, "points": 1}
"""The exponent of seconds that the arithmetic asks for: k d² a step; k² d and d³ a point come on
top."""


def trained(d: int, k: int, seeds: int, points: int, steps: int) -> tuple[float, float]:
    """Seconds of CPU of one experiment from start to result, and the peak of memory in MB."""
    import torch  # noqa: PLC0415  # in the child alone

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
    warm = ExperimentSpec.model_validate({**spec, "optimizer": {"lr": 1e-4, "steps": 1}})
    finish(advance(begin(warm), 1))
    begun = time.process_time()
    finish(advance(begin(ExperimentSpec.model_validate(spec)), steps))
    return time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def measured(**numbers: int) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.growth", "--one", json.dumps(numbers)]
    seconds, memory = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return seconds, memory


def slope(xs: tuple[int, ...], ys: list[float]) -> float:
    return math.log(ys[-1] / ys[-3]) / math.log(xs[-1] / xs[-3])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figure", nargs="?", type=Path)
    parser.add_argument("--one", type=json.loads)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(trained(**asked.one)))
        return
    measured(**SMALLEST)  # which compiles the loops, where they are new
    _, floor = measured(**SMALLEST)
    figure = Figure(figsize=(11, 3), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, (axis, values) in zip(
        figure.subplots(1, len(AXES), sharey=True), AXES.items(), strict=True
    ):
        found = [measured(**{**BASE, axis: value}) for value in values]
        seconds, memory = [s for s, _ in found], [max(m - floor, 0.1) for _, m in found]
        print(f"{axis} = {values}")
        print(
            "  seconds",
            *(f"{s:8.3f}" for s in seconds),
            f"  ~ {axis}^{slope(values, seconds):.2f}, must {MUST[axis]}",
        )
        print(
            "  MB     ",
            *(f"{m:8.1f}" for m in memory),
            f"  ~ {axis}^{slope(values, memory):.2f}",
            flush=True,
        )
        panel.loglog(values, seconds, "o-", label="seconds of CPU")
        panel.loglog(values, memory, "s--", label="MB above an idle trainer")
        panel.set_xlabel(axis)
        panel.set_xticks(values, map(str, values))
        panel.set_xticks([], minor=True)
    panel.legend()
    figure.suptitle(
        ", ".join(f"{name} = {value}" for name, value in BASE.items()) + "; one at a time varied"
    )
    if asked.figure:
        figure.savefig(asked.figure)


if __name__ == "__main__":
    main()
