"""A phase diagram through the queue: extrapolation over scale of the start and training length, 10,000 students.

python -m benchmarks.phase --students 10000 --figure phase.png

Students are linear with d = 20, trained for 20,000 steps at k = 4 to 13 (8.5 on average), five
seeds to an experiment, on two slots. Before and after it the loop that one would write first, and
how long that would take for all of them.
"""

import argparse
import time
from pathlib import Path

import torch

from benchmarks.lab import Lab, running
from benchmarks.trainer import autograd
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
    """Scales along one axis, lengths along the other, as many scales as that takes."""
    scales = {"path": "student.start.scale", "kind": "logspace", "low": 1e-3, "high": 1,
              "count": students // (len(LENGTHS) * SEEDS)}  # fmt: skip
    return {
        "name": "phase",
        "base": BASE,
        "axes": [scales, {"path": "training.length", "values": [*LENGTHS]}],
    }


def drawn(lab: Lab, students: int, figure: Path) -> tuple[float, float]:
    """Seconds to the answer to the POST, and to the heat map after the last student."""
    begun = time.perf_counter()
    place = lab.http.post("/v1/sweeps", json=sweep(students)).raise_for_status().headers["location"]
    submitted = time.perf_counter() - begun
    while (found := lab.http.get(place, params={"limit": 1}).json())["state"] in {
        "queued",
        "running",
    }:
        time.sleep(0.5)
    if found["state"] != "completed":
        raise SystemExit(f"the sweep ended {found['state']}: {found['counts']}")
    axes = {
        "x": "student.start.scale",
        "series": "training.length",
        "y": "relative_extrapolation_error",
    }
    figure.write_bytes(
        lab.http.get(f"{place}/figures/heatmap.{figure.suffix[1:]}", params=axes)
        .raise_for_status()
        .content
    )
    return submitted, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--figure", type=Path, default=Path("phase.png"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    spec = ExperimentSpec.model_validate(BASE)
    loop = autograd(spec)
    before = loop(3.0)
    with running(2) as lab:
        submitted, seconds = drawn(lab, asked.students, asked.figure)
    naive = (before + loop(3.0)) / 2
    steps = asked.students * STEPS
    print(f"{asked.students:,} students of {STEPS:,} steps, two slots: submitted in {submitted:.1f} s, "
          f"heat map after {seconds:.0f} s, {steps / seconds:,.0f} seed-steps/s")  # fmt: skip
    print(f"autograd loop: {naive:,.0f} seed-steps per CPU second, {steps / naive / 3600:.1f} hours for the same, "
          f"{steps / naive / seconds:.0f}x as long")  # fmt: skip
    if asked.students != 10_000:
        print(f"10,000 students at this rate: {10_000 / asked.students * seconds:.0f} s")


if __name__ == "__main__":
    main()
