"""A training on long sequences: seconds and peak memory, and what its metrics cost.

python -m benchmarks.long

k = 10,000, d = 50, 1,000 steps, 50 recorded points and 5 seeds by default: the goal is under 120 s
of wall time on two cores and under 1 GB. Each training runs in a new process.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

GOAL_SECONDS, GOAL_MB = 120, 1000


def train(length: int, dim: int, steps: int, points: int, seeds: int) -> tuple[float, ...]:
    """Seconds of one experiment from start to result, on the clock and of CPU, and peak MB."""
    from core.run import run  # noqa: PLC0415  # only the child process needs it
    from core.spec import ExperimentSpec  # noqa: PLC0415

    spec = {
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": dim},
        "training": {"length": length},
        "optimizer": {"lr": 1e-3, "steps": steps},
        "evaluation": {"points": points},
        "seeds": seeds,
        "numerics": {"device": "cpu"},
    }
    compiling = {"optimizer": {"steps": 1}, "evaluation": {"metrics": []}, "seeds": 1}
    run(ExperimentSpec.model_validate({**spec, **compiling}))
    started, cpu_started = time.perf_counter(), time.process_time()
    run(ExperimentSpec.model_validate(spec))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def measure(**sizes: int) -> tuple[float, ...]:
    """Runs ``train`` in a new process."""
    command = [sys.executable, "-m", "benchmarks.long", "--train", json.dumps(sizes)]
    child = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(json.loads(child.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", type=int, nargs="+", default=[1000, 3000, 10_000])
    parser.add_argument("--dim", type=int, default=50)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--train", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        print(json.dumps(train(**arguments.train)))
        return
    sizes = {"dim": arguments.dim, "steps": arguments.steps, "seeds": arguments.seeds}
    for length in arguments.lengths:
        seconds, cpu, memory = measure(length=length, points=50, **sizes)
        _, cpu_without, _ = measure(length=length, points=2, **sizes)
        print(
            f"k = {length:6,}  {seconds:6.1f} s, {cpu:6.1f} s of CPU, of which "
            f"{cpu - cpu_without:5.1f} s for 48 points; {memory:5.0f} MB  "
            f"(goal {GOAL_SECONDS} s, {GOAL_MB} MB)",
            flush=True,
        )


if __name__ == "__main__":
    main()
