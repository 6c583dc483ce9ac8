"""Seed-steps per second of core against the obvious implementation, C and JAX, on one core.

python -m benchmarks.trainer --dims 20 50 --lengths 8 20 --dtypes float64

Rates are per second of CPU time, so that other load on the machine matters less; they are medians
of alternating rounds. ``make bench`` installs JAX.
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
JAX_PYTHON = HERE.parent / ".venv-bench/bin/python"
SEEDS = 8
FLAGS = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fPIC")

Rate = Callable[[float], float]
"""Measures a rate over about the given seconds of CPU time."""


def make_spec(
    d: int, k: int, dtype: str = "float64", *, seeds: int = SEEDS, **student: object
) -> ExperimentSpec:
    start = {"kind": "gaussian", "scale": 0.1}
    return ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
            "student": {"kind": "linear", "dim": d, "start": start, **student},
            "training": {"length": k},
            "optimizer": {"lr": 0.001, "steps": 10**9},
            "evaluation": {"horizon": 2 * k, "points": 2},
            "numerics": {"dtype": dtype},
            "seeds": seeds,
        }
    )


def per_second(run: Callable[[int], object], seconds: float, weight: int = 1) -> float:
    """Units per second of CPU time, where ``run(n)`` does ``n * weight`` units."""
    count = 1
    while True:
        started = time.process_time()
        run(count)
        elapsed = time.process_time() - started
        if elapsed > seconds / 2:
            return weight * count / elapsed
        count = max(2 * count, int(0.8 * count * seconds / max(elapsed, 1e-6))) if count > 1 else 4


def core_rate(spec: ExperimentSpec) -> Rate:
    """Rate of core, all seeds of the spec in one batch."""
    state = begin(spec)
    stepper, batch = state.engine.stepper, state.batch
    stepper.advance(batch, 1)
    return lambda seconds: per_second(
        lambda n: stepper.advance(batch, n), seconds, weight=len(spec.seeds)
    )


def autograd_rate(spec: ExperimentSpec) -> Rate:
    """Rate of the obvious implementation: torch autograd through the recurrence, one seed."""
    state = begin(spec)
    views = state.engine.layout.views(state.batch.parameters[:1].clone())
    parameters = {name: view[0].clone().requires_grad_() for name, view in views.items()}
    A, B, C = parameters["A"], parameters["B"], parameters.get("C", parameters["B"].mT)
    target = torch.tensor(target_of(spec).response[: spec.training.length, 0, 0], dtype=A.dtype)
    optimizer = torch.optim.SGD(parameters.values(), lr=spec.optimizer.lr)

    def transition_matrix() -> torch.Tensor:
        if spec.student.structure == "symmetric":
            return (A + A.T) / 2
        return torch.diag(A) if A.ndim == 1 else A

    def train(steps: int) -> None:
        for _ in range(steps):
            transition = transition_matrix()
            hidden, response = B, []
            for _ in range(spec.training.length):
                response.append(C @ hidden)
                hidden = transition @ hidden
            loss = ((torch.cat(response).ravel() - target) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return lambda seconds: per_second(train, seconds)


def c_rate(spec: ExperimentSpec, folder: Path) -> Rate | None:
    """Rate of ``linear.c``, compiled for the spec's sizes; None without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    d, k, dtype = spec.student.dim, spec.training.length, spec.numerics.dtype
    c_type = {"float64": "double", "float32": "float"}[dtype]
    object_file, library = folder / f"{d}_{k}_{dtype}.o", folder / f"{d}_{k}_{dtype}.so"
    sizes = (f"-DD={d}", f"-DK={k}", f"-Dreal={c_type}")
    compile_command = [compiler, *FLAGS, *sizes, "-c", HERE / "linear.c", "-o", object_file]
    subprocess.run(compile_command, check=True)
    # Linked without -ffast-math, which would change the floating-point mode of this process.
    subprocess.run([compiler, "-shared", object_file, "-o", library], check=True)
    train = ctypes.CDLL(str(library)).train
    train.restype = ctypes.c_double
    target = target_of(spec)
    arrays = [
        begin(spec).batch.parameters[0].numpy().copy(),
        np.asarray(target.M, dtype),
        target.response[:k, 0, 0].astype(dtype),
    ]
    lr = ctypes.c_double(spec.optimizer.lr)

    def run(steps: int) -> None:
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
        train(*pointers, lr, ctypes.c_long(steps))

    return lambda seconds: per_second(run, seconds)


@functools.cache
def _jax_process() -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    }
    return subprocess.Popen(
        [JAX_PYTHON, HERE / "in_jax.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def jax_rate(spec: ExperimentSpec) -> Rate | None:
    """Rate of JAX (jit, vmap, fori_loop); None if it isn't installed."""
    if not JAX_PYTHON.exists():
        return None
    process = _jax_process()
    assert process.stdin is not None
    assert process.stdout is not None
    case = [spec.student.dim, spec.training.length, spec.numerics.dtype, len(spec.seeds)]

    def rate(seconds: float) -> float:
        print(json.dumps([*case, seconds]), file=process.stdin, flush=True)
        return float(json.loads(process.stdout.readline()))

    return rate


def medians(rates: dict[str, Rate | None], rounds: int, seconds: float) -> dict[str, float]:
    """The median of each available rate, all of them measured in turn in each round."""
    available = {name: rate for name, rate in rates.items() if rate is not None}
    values: dict[str, list[float]] = {name: [] for name in available}
    for _ in range(rounds):
        for name, rate in available.items():
            values[name].append(rate(seconds))
    return {name: statistics.median(column) for name, column in values.items()}


def grid(arguments: argparse.Namespace) -> None:
    """Symmetric untied students against C and JAX."""
    print("symmetric A, seed-steps/s    core      C        JAX    core/C  core/JAX")
    with tempfile.TemporaryDirectory() as folder:
        for dtype in arguments.dtypes:
            for d in arguments.dims:
                for k in arguments.lengths:
                    spec = make_spec(d, k, dtype)
                    rates = {
                        "core": core_rate(spec),
                        "C": c_rate(spec, Path(folder)),
                        "JAX": jax_rate(spec),
                    }
                    measured = medians(rates, arguments.rounds, arguments.seconds)
                    core, c, jax = (measured.get(name, np.nan) for name in rates)
                    columns = f"{core:11,.0f}{c:11,.0f}{jax:11,.0f}{core / c:8.2f}{core / jax:8.2f}"
                    print(f"{dtype} d = {d:3} k = {k:2} {columns}", flush=True)


STUDENTS: dict[str, dict[str, object]] = {
    "symmetric": {},
    "symmetric, tied": {"tied": True},
    "general": {"structure": "general"},
    "diagonal": {"structure": "diagonal"},
}


def structures(arguments: argparse.Namespace) -> None:
    """Every structure against the autograd loop, and a tied student against an untied one."""
    rounds, seconds = arguments.rounds, arguments.seconds
    print("float64, seed-steps/s           core  autograd  ratio")
    for d, k in ((20, 8), (50, 20), (100, 50)):
        specs = {name: make_spec(d, k, **student) for name, student in STUDENTS.items()}
        core = medians({name: core_rate(spec) for name, spec in specs.items()}, rounds, seconds)
        loop = medians({name: autograd_rate(spec) for name, spec in specs.items()}, rounds, seconds)
        sizes = f"d = {d:3} k = {k:2}"
        for name in STUDENTS:
            ratio = core[name] / loop[name]
            print(f"{sizes} {name:16} {core[name]:10,.0f} {loop[name]:8,.0f} {ratio:6.0f}x")
        ratio = core["symmetric, tied"] / core["symmetric"]
        print(f"{sizes} tied / untied    {ratio:.2f}", flush=True)


def recording(arguments: argparse.Namespace) -> None:
    """The cost of 200 recorded points with all metrics, as a share of one seed's training."""
    for d, k in ((20, 8), (50, 20)):
        spec = make_spec(d, k, seeds=1)
        step = 1 / core_rate(spec)(arguments.seconds)
        rates = {"few": training_rate(spec, 2), "many": training_rate(spec, 200)}
        measured = medians(rates, arguments.rounds, arguments.seconds)
        few, many = 1 / measured["few"], 1 / measured["many"]
        print(f"d = {d:3} k = {k:2}: {1e3 * (many - few) / 198:.2f} ms a point;", end="")
        shares = (
            f" {100 * (many - few) / (steps * step):.1f} % of {steps:,} steps"
            for steps in (10**4, 10**5, 10**6)
        )
        print(",".join(shares), flush=True)


def training_rate(spec: ExperimentSpec, points: int) -> Rate:
    """Rate of whole trainings of 400 steps with ``points`` recorded points."""
    spec = spec.model_copy(
        update={
            "optimizer": spec.optimizer.model_copy(update={"steps": 400}),
            "evaluation": spec.evaluation.model_copy(update={"points": points}),
        }
    )

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
    parser.add_argument("--seconds", type=float, default=0.1, help="CPU time of a measurement")
    parser.add_argument("--only", choices=["grid", "structures", "recording"])
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    for benchmark in (grid, structures, recording):
        if arguments.only in {None, benchmark.__name__}:
            benchmark(arguments)


if __name__ == "__main__":
    main()
