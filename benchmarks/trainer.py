"""Seed-steps per second of core, side by side with the loop that one would write first, with C and with JAX.

One core; CPU time, so that what else the machine does counts less; rounds alternate, medians.
``python -m benchmarks.trainer --dims 20 50 --lengths 8 20 --dtypes float64``; peers as ``make
bench`` installs them.
"""

import argparse
import ctypes
import functools
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from core.losses import target_of
from core.spec import ExperimentSpec
from core.training import advance, begin, flush

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-bench/bin/python"
SEEDS = 8
FLAGS = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fPIC")


def spec_of(
    d: int, k: int, dtype: str = "float64", *, seeds: int = SEEDS, **student: object
) -> ExperimentSpec:
    return ExperimentSpec.model_validate({
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": d, "start": {"kind": "gaussian", "scale": 0.1}, **student},
        "training": {"length": k},
        "optimizer": {"lr": 0.001, "steps": 10**9},
        "evaluation": {"horizon": 2 * k, "points": 2},
        "numerics": {"dtype": dtype},
        "seeds": seeds,
    })  # fmt: skip


def per_second(run: Callable[[int], object], seconds: float, each: int = 1) -> float:
    """How often per second of CPU time, where ``run(n)`` does it n times, each ``each``-fold."""
    count = 1
    while True:
        begun = time.process_time()
        run(count)
        spent = time.process_time() - begun
        if spent > seconds / 2:
            return each * count / spent
        count = max(2 * count, int(0.8 * count * seconds / max(spent, 1e-6))) if count > 1 else 4


def core(spec: ExperimentSpec) -> Callable[[float], float]:
    """All seeds of an experiment; 8 of them."""
    state = begin(spec)
    state.engine.stepper.advance(state.batch, 1)
    return lambda seconds: per_second(
        lambda n: state.engine.stepper.advance(state.batch, n), seconds, len(spec.seeds)
    )


def autograd(spec: ExperimentSpec) -> Callable[[float], float]:
    """Torch autograd through the recurrence, one seed at a time: what one would write first."""
    views = begin(spec).engine.layout.views(begin(spec).batch.parameters[:1].clone())
    parameters = {name: view[0].clone().requires_grad_() for name, view in views.items()}
    A, B, C = parameters["A"], parameters["B"], parameters.get("C", parameters["B"].mT)
    target = torch.tensor(target_of(spec).response[: spec.training.length, 0, 0], dtype=A.dtype)
    optimizer = torch.optim.SGD(parameters.values(), lr=spec.optimizer.lr)

    def steps(count: int) -> None:
        for _ in range(count):
            moved = (
                (A + A.T) / 2
                if spec.student.structure == "symmetric"
                else torch.diag(A)
                if A.ndim == 1
                else A
            )
            hidden, response = B, []
            for _ in range(spec.training.length):
                response.append(C @ hidden)
                hidden = moved @ hidden
            loss = ((torch.cat(response).ravel() - target) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return lambda seconds: per_second(steps, seconds)


def by_hand(spec: ExperimentSpec, folder: Path) -> Callable[[float], float] | None:
    """``linear.c``, compiled for the spec's sizes; None where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    d, k, dtype = spec.student.dim, spec.training.length, spec.numerics.dtype
    real, kind = {"float64": ("double", np.float64), "float32": ("float", np.float32)}[dtype]
    made, library = folder / f"{d}_{k}_{real}.o", folder / f"{d}_{k}_{real}.so"
    sizes = (f"-DD={d}", f"-DK={k}", f"-Dreal={real}")
    subprocess.run([compiler, *FLAGS, *sizes, "-c", HERE / "linear.c", "-o", made], check=True)
    subprocess.run(
        [compiler, "-shared", made, "-o", library], check=True
    )  # without -ffast-math, which sets modes
    train = ctypes.CDLL(str(library)).train
    train.restype = ctypes.c_double
    theta = begin(spec).batch.parameters[0].numpy().copy()
    target = target_of(spec)
    arrays = [theta, target.M.astype(kind), target.response[:k, 0, 0].astype(kind)]
    places = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
    return lambda seconds: per_second(
        lambda n: (
            train(*places, ctypes.c_double(spec.optimizer.lr), ctypes.c_long(n)) + len(arrays)
        ),
        seconds,
    )


@functools.cache
def _jax_process() -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    }
    command = [PEERS, HERE / "in_jax.py"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def in_jax(spec: ExperimentSpec) -> Callable[[float], float] | None:
    """jit + vmap + fori_loop; None where the peers aren't installed."""
    if not PEERS.exists():
        return None
    process = _jax_process()
    assert process.stdin is not None
    assert process.stdout is not None

    def rate(seconds: float) -> float:
        asked = [
            spec.student.dim,
            spec.training.length,
            spec.numerics.dtype,
            len(spec.seeds),
            seconds,
        ]
        print(json.dumps(asked), file=process.stdin, flush=True)
        return float(json.loads(process.stdout.readline()))

    return rate


def medians(
    rates: dict[str, Callable[[float], float] | None], rounds: int, seconds: float
) -> dict[str, float]:
    """The median of each, one after the other in each round."""
    found: dict[str, list[float]] = {name: [] for name, rate in rates.items() if rate is not None}
    for _ in range(rounds):
        for name, values in found.items():
            values.append(rates[name](seconds))
    return {name: statistics.median(values) for name, values in found.items()}


def grid(asked: argparse.Namespace) -> None:
    """Symmetric untied students against C and JAX."""
    print("symmetric A, seed-steps/s    core      C        JAX    core/C  core/JAX")
    with tempfile.TemporaryDirectory() as folder:
        for dtype in asked.dtypes:
            for d in asked.dims:
                for k in asked.lengths:
                    spec = spec_of(d, k, dtype)
                    ways = {
                        "core": core(spec),
                        "c": by_hand(spec, Path(folder)),
                        "jax": in_jax(spec),
                    }
                    found = medians(ways, asked.rounds, asked.seconds)
                    ours, c, jax = (found.get(name, np.nan) for name in ("core", "c", "jax"))
                    rates = f"{ours:11,.0f}{c:11,.0f}{jax:11,.0f}{ours / c:8.2f}{ours / jax:8.2f}"
                    print(f"{dtype} d = {d:3} k = {k:2} {rates}", flush=True)


STUDENTS: dict[str, dict[str, object]] = {
    "symmetric": {},
    "symmetric, tied": {"tied": True},
    "general": {"structure": "general"},
    "diagonal": {"structure": "diagonal"},
}


def structures(asked: argparse.Namespace) -> None:
    """Every structure against the autograd loop, and a tied student against an untied one."""
    print("float64, seed-steps/s           core  autograd  ratio")
    for d, k in ((20, 8), (50, 20), (100, 50)):
        every = {name: spec_of(d, k, **student) for name, student in STUDENTS.items()}
        ours = medians(
            {name: core(spec) for name, spec in every.items()}, asked.rounds, asked.seconds
        )
        loops = medians(
            {name: autograd(spec) for name, spec in every.items()}, asked.rounds, asked.seconds
        )
        for name, rate in ours.items():
            print(
                f"d = {d:3} k = {k:2} {name:16} {rate:10,.0f} {loops[name]:8,.0f} {rate / loops[name]:6.0f}x"
            )
        print(
            f"d = {d:3} k = {k:2} tied / untied    {ours['symmetric, tied'] / ours['symmetric']:.2f}",
            flush=True,
        )


def recording(asked: argparse.Namespace) -> None:
    """What 200 recorded points with all metrics add to one seed's training of so many steps."""
    for d, k in ((20, 8), (50, 20)):
        spec = spec_of(d, k, seeds=1)
        step = 1 / core(spec)(asked.seconds)
        few, many = (
            1 / medians({"": recorded(spec, points)}, asked.rounds, asked.seconds)[""]
            for points in (2, 200)
        )
        print(f"d = {d:3} k = {k:2}: {1e3 * (many - few) / 198:.2f} ms a point;", end="")
        shares = (
            f" {100 * (many - few) / (steps * step):.1f} % of {steps:,} steps"
            for steps in (10**4, 10**5, 10**6)
        )
        print(",".join(shares), flush=True)


def recorded(spec: ExperimentSpec, points: int) -> Callable[[float], float]:
    """Whole trainings of 400 steps with so many points."""
    optimizer, evaluation = (part.model_copy for part in (spec.optimizer, spec.evaluation))
    short = {
        "optimizer": optimizer(update={"steps": 400}),
        "evaluation": evaluation(update={"points": points}),
    }
    spec = spec.model_copy(update=short)

    def train(count: int) -> None:
        for _ in range(count):
            flush(advance(begin(spec), 400))

    return lambda seconds: per_second(train, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dims", type=int, nargs="+", default=[10, 20, 50, 100, 200])
    parser.add_argument("--lengths", type=int, nargs="+", default=[8, 20, 50])
    parser.add_argument("--dtypes", nargs="+", default=["float64", "float32"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="CPU time of one timed piece")
    parser.add_argument("--only", choices=["grid", "structures", "recording"])
    asked = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    for piece in (grid, structures, recording):
        if asked.only in {None, piece.__name__}:
            piece(asked)


if __name__ == "__main__":
    main()
