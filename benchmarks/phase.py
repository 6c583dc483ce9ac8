"""A phase diagram of 10,000 students through the queue: scale of the start by training length.

python -m benchmarks.phase --students 10000 --figure phase.png

Students are linear with d = 20, trained for 20,000 steps at k = 4 to 13 (8.5 on average), five
seeds per experiment, on two slots. The rate of the obvious implementation, measured before and
after, gives the time that it would take for all of them.
"""

import argparse
import time
from pathlib import Path

import torch

from benchmarks.lab import Lab, running
from benchmarks.trainer import autograd_rate
from core.spec import ExperimentSpec

LENGTHS, SEEDS, STEPS = range(4, 14), 5, 20_000

BASE = {
    "teacher": {
        "kind": "balanced",
        "dim": 2,
        "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
    },
    "student": {"kind": "linear", "dim": 20},
    "training": {"length": 8},
    "optimizer": {"lr": 0.01, "steps": STEPS},
    "evaluation": {"points": 2},
    "seeds": SEEDS,
}


def sweep(students: int) -> dict:
    """A sweep over scales and lengths, with the number of scales that makes ``students``."""
    scales = {
        "path": "student.start.scale",
        "kind": "logspace",
        "low": 1e-3,
        "high": 1,
        "count": students // (len(LENGTHS) * SEEDS),
    }
    lengths = {"path": "training.length", "values": [*LENGTHS]}
    return {"name": "phase", "base": BASE, "axes": [scales, lengths]}


def draw_phase_diagram(lab: Lab, students: int, figure: Path) -> tuple[float, float]:
    """Seconds to the response to the POST, and to the heat map of all students."""
    started = time.perf_counter()
    response = lab.http.post("/v1/sweeps", json=sweep(students)).raise_for_status()
    submitted = time.perf_counter() - started
    location = response.headers["location"]
    lab.wait_until_completed(f"{location}?limit=1", pause=0.5)
    axes = {
        "x": "student.start.scale",
        "series": "training.length",
        "y": "relative_extrapolation_error",
    }
    heat_map = lab.http.get(f"{location}/figures/heatmap.{figure.suffix[1:]}", params=axes)
    figure.write_bytes(heat_map.raise_for_status().content)
    return submitted, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--figure", type=Path, default=Path("phase.png"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    measure_loop = autograd_rate(ExperimentSpec.model_validate(BASE))
    before = measure_loop(3.0)
    with running(2) as lab:
        submitted, seconds = draw_phase_diagram(lab, arguments.students, arguments.figure)
    loop_rate = (before + measure_loop(3.0)) / 2
    steps = arguments.students * STEPS
    print(
        f"{arguments.students:,} students of {STEPS:,} steps, two slots: submitted in "
        f"{submitted:.1f} s, heat map after {seconds:.0f} s, {steps / seconds:,.0f} seed-steps/s"
    )
    print(
        f"autograd loop: {loop_rate:,.0f} seed-steps per CPU second, "
        f"{steps / loop_rate / 3600:.1f} hours for the same, "
        f"{steps / loop_rate / seconds:.0f}x as long"
    )
    if arguments.students != 10_000:
        print(f"10,000 students at this rate: {10_000 / arguments.students * seconds:.0f} s")


if __name__ == "__main__":
    main()
