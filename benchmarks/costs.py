"""The estimated cost of experiments against what they take, over the whole language of specs.

python -m benchmarks.costs --only flow

Each experiment runs in a process of its own, one thread. Seconds are of CPU time. The estimate of
its time is its operations at this machine's rate, the median over all of them; that of its memory
is what it says beyond the libraries. Ratios are of what was measured to what was estimated: within
3 for time, within 2 for memory from 20 MB on.
"""

import argparse
import ctypes
import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from core.cost import estimate
from core.spec import ExperimentSpec
from core.training import advance, begin, finish, flush

MOST_TIME, MOST_MEMORY, COUNTED_MB = 3.0, 2.0, 20.0

BALANCED: Mapping[str, Any] = {
    "teacher": {"kind": "balanced", "dim": 3, "seed": 0},
    "student": {"kind": "linear", "dim": 20, "start": {"kind": "gaussian", "scale": 0.1}},
    "training": {"length": 10},
    "optimizer": {"kind": "gd", "lr": 0.001, "steps": 20_000},
    "evaluation": {"points": 10, "horizon": 40, "metrics": []},
    "seeds": 4,
}
GRU: Mapping[str, Any] = {
    "teacher": {"kind": "gru", "dim": 4},
    "student": {"kind": "gru", "dim": 32},
    "training": {"length": 10},
    "optimizer": {"kind": "adam", "lr": 0.001, "steps": 100, "batch_size": 64},
    "evaluation": {"points": 3, "horizon": 40, "sequences": 64},
    "seeds": 2,
}
ONE_STEP = {"optimizer": {"lr": 1e-4, "steps": 1}, "evaluation": {"points": 2, "metrics": []}}


def variant(base: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A spec with fields of its parts changed; a part of another kind is replaced."""
    spec = dict(base)
    for part, change in changes.items():
        old = spec.get(part)
        other = isinstance(change, dict) and "kind" in change and isinstance(old, dict)
        replaced = not isinstance(old, dict) or (other and change["kind"] != old.get("kind"))
        spec[part] = change if replaced else old | change
    return spec


def metrics(*names: str, points: int = 100, **evaluation: Any) -> dict[str, Any]:
    """An experiment of few steps that measures many points."""
    return {
        "optimizer": {"steps": max(200, points)},
        "evaluation": {"points": points, "metrics": [*names], **evaluation},
    }


def all_metrics(**evaluation: Any) -> dict[str, Any]:
    return {"optimizer": {"steps": 2000}, "evaluation": {"metrics": None} | evaluation}


def linear(dim: int, **others: Any) -> dict[str, Any]:
    return {"kind": "linear", "dim": dim} | others


def baseline(name: str, dim: int, length: int, **training: Any) -> dict[str, Any]:
    """An experiment of one step that computes a baseline."""
    return variant(
        BALANCED,
        teacher={"kind": "random", "dim": dim, "spectral_radius": 0.95},
        student=linear(2),
        training={"length": length, **training},
        optimizer={"steps": 1},
        evaluation={"points": 2, "horizon": 2 * length, "metrics": [], "baselines": [name]},
        seeds=1,
    )


def flow(**optimizer: Any) -> dict[str, Any]:
    return {
        "optimizer": {"kind": "gradient_flow", "time": 100.0, "steps": 50} | optimizer,
        "evaluation": {"points": 10, "metrics": []},
        "seeds": 2,
    }


AR1 = {"kind": "ar1", "rho": 0.5}
SAMPLE = {"kind": "finite_sample", "sequences": 1000}
NOISY = {"kind": "finite_sample", "sequences": 2000, "noise": 0.1}
MATRICES = {
    "A": [[0.9, 0.1], [0.0, 0.5]],
    "B": [[1.0, 0.0], [0.0, 1.0]],
    "C": [[1.0, 1.0], [0.5, 0.0]],
}
SHARP, GAUSS_NEWTON = "sharpness", "gauss_newton_sharpness"

SPECS: Mapping[str, dict[str, Any]] = {
    "student symmetric d=5": variant(BALANCED, student={"dim": 5}, optimizer={"steps": 100_000}),
    "student symmetric d=20": dict(BALANCED),
    "student symmetric d=50": variant(BALANCED, student={"dim": 50}, optimizer={"steps": 10_000}),
    "student symmetric d=200": variant(BALANCED, student={"dim": 200}, optimizer={"steps": 400}),
    "student general d=50": variant(BALANCED, student={"dim": 50, "structure": "general"}),
    "student diagonal d=50": variant(BALANCED, student={"dim": 50, "structure": "diagonal"}),
    "student diagonal d=1000": variant(BALANCED, student={"dim": 1000, "structure": "diagonal"}),
    "student tied d=50": variant(BALANCED, student={"dim": 50, "tied": True}),
    "1 seed d=20": variant(BALANCED, seeds=1, optimizer={"steps": 50_000}),
    "20 seeds d=20": variant(BALANCED, seeds=20, optimizer={"steps": 5000}),
    "float32 d=50": variant(BALANCED, student={"dim": 50}, numerics={"dtype": "float32"}),
    "2 x 2 channels": variant(BALANCED, teacher={"kind": "explicit", **MATRICES}),
    "k=50": variant(BALANCED, training={"length": 50}, evaluation={"horizon": 100}),
    "k=150": variant(
        BALANCED, training={"length": 150}, evaluation={"horizon": 300}, optimizer={"steps": 2000}
    ),
    "k=1000": variant(
        BALANCED, training={"length": 1000}, evaluation={"horizon": 2000}, optimizer={"steps": 200}
    ),
    "k=1000 ar1": variant(
        BALANCED,
        training={"length": 1000, "loss": {"kind": "population", "covariance": AR1}},
        evaluation={"horizon": 2000},
        optimizer={"steps": 200},
    ),
    "finite sample": variant(BALANCED, training={"loss": SAMPLE}),
    "all outputs": variant(BALANCED, training={"outputs": "all"}),
    "teacher d=400": variant(
        BALANCED, teacher={"kind": "random", "dim": 400, "spectral_radius": 0.9}, **ONE_STEP
    ),
    "momentum": variant(BALANCED, optimizer={"kind": "momentum", "lr": 0.001, "steps": 20_000}),
    "adam": variant(BALANCED, optimizer={"kind": "adam", "steps": 20_000}),
    "adaptive gd": variant(BALANCED, optimizer={"kind": "adaptive_gd", "steps": 20_000}),
    "flow d=5": variant(BALANCED, student={"dim": 5}, **flow()),
    "flow d=20": variant(BALANCED, **flow()),
    "flow d=50": variant(BALANCED, student={"dim": 50}, **flow(steps=20)),
    "flow long d=10": variant(BALANCED, student={"dim": 10}, **flow(time=1e6)),
    "flow tight d=10": variant(BALANCED, student={"dim": 10}, **flow(rtol=1e-12, atol=1e-14)),
    "flow near zero d=10": variant(
        BALANCED,
        student={"dim": 10, "start": {"kind": "gaussian", "scale": 0.001}},
        **flow(time=1e4),
    ),
    "flow of gd": variant(BALANCED, evaluation={"flow": True}, optimizer={"steps": 2000}),
    "all metrics d=5": variant(BALANCED, student={"dim": 5}, **all_metrics(points=200)),
    "all metrics d=20": variant(BALANCED, **all_metrics(points=200)),
    "all metrics d=50": variant(BALANCED, student={"dim": 50}, **all_metrics(points=100)),
    "all metrics d=150": variant(BALANCED, student={"dim": 150}, **all_metrics(points=10), seeds=1),
    "all metrics k=300": variant(
        BALANCED, training={"length": 300}, **all_metrics(points=20, horizon=600)
    ),
    "no metrics d=5": variant(BALANCED, student={"dim": 5}, **metrics(points=1000)),
    "no metrics d=50": variant(BALANCED, student={"dim": 50}, **metrics(points=1000)),
    "sharpness d=5": variant(BALANCED, student={"dim": 5}, **metrics(SHARP)),
    "sharpness d=20": variant(BALANCED, **metrics(SHARP)),
    "sharpness d=100": variant(BALANCED, student={"dim": 100}, **metrics(SHARP, points=20)),
    "sharpness k=100": variant(
        BALANCED, training={"length": 100}, **metrics(SHARP, points=20, horizon=200)
    ),
    "sharpness k=500, 1 seed": variant(
        BALANCED, training={"length": 500}, **metrics(SHARP, points=5, horizon=1000), seeds=1
    ),
    "gauss-newton d=5": variant(BALANCED, student={"dim": 5}, **metrics(GAUSS_NEWTON)),
    "gauss-newton d=50": variant(BALANCED, student={"dim": 50}, **metrics(GAUSS_NEWTON)),
    "spectrum general d=100": variant(
        BALANCED, student=linear(100), **metrics("spectral_radius", points=50)
    ),
    "hankel q=400": variant(BALANCED, **metrics("effective_rank", points=200, horizon=400)),
    "states q=400": variant(BALANCED, **metrics("state_effective_rank", points=200, horizon=400)),
    "invariant d=50": variant(
        BALANCED, student=linear(50, structure="general"), **metrics("invariant_drift", points=200)
    ),
    "trajectories": variant(
        BALANCED, **metrics(points=500, horizon=400, record=["response", "eigenvalues"])
    ),
    "baseline era k=600": baseline("era", 5, 600),
    "baseline era k=50": baseline("era", 5, 50),
    "baseline truncation d=300": baseline("balanced_truncation", 300, 20),
    "baseline subspace k=50": baseline("subspace", 5, 50),
    "baseline subspace d=40": baseline("subspace", 40, 120),
    "baseline least squares k=800": baseline("least_squares", 5, 800),
    "baseline nuclear norm k=40": baseline("nuclear_norm", 5, 40),
    "baseline nuclear norm noisy": baseline("nuclear_norm", 3, 16, loss=NOISY),
    "baseline kernel k=200": baseline("kernel", 5, 200),
    "gru d=8": variant(GRU, student={"dim": 8}, optimizer={"steps": 500}),
    "gru d=32": dict(GRU),
    "gru d=128": variant(GRU, student={"dim": 128}, optimizer={"steps": 30}),
    "gru float32 d=64": variant(GRU, student={"dim": 64}, numerics={"dtype": "float32"}),
    "lstm d=32": variant(
        GRU, teacher={"kind": "lstm", "dim": 4}, student={"kind": "lstm", "dim": 32}
    ),
    "tanh rnn d=64": variant(
        GRU, teacher={"kind": "tanh_rnn", "dim": 4}, student={"kind": "tanh_rnn", "dim": 64}
    ),
    "gru, all outputs": variant(GRU, training={"outputs": "all"}),
    "gru, linear teacher": variant(GRU, teacher={"kind": "balanced", "dim": 3}),
    "gru, finite sample": variant(
        GRU, training={"loss": SAMPLE}, optimizer={"batch_size": None, "steps": 20}
    ),
    "gru, many points": variant(
        GRU, optimizer={"steps": 60}, evaluation={"points": 50, "sequences": 256}
    ),
    "linear on sequences": variant(GRU, student=linear(32), optimizer={"steps": 500}),
    "linear with readout": variant(
        GRU, student=linear(32, readout={"width": 32}), optimizer={"steps": 300}
    ),
    "large sample": variant(
        GRU,
        student={"dim": 4},
        training={"loss": {"kind": "finite_sample", "sequences": 200_000}},
        optimizer={"steps": 2},
        seeds=1,
    ),
}


@dataclass(frozen=True)
class Measured:
    """CPU seconds, and the most megabytes beyond those of the libraries."""

    seconds: float
    memory_mb: float


def _status_mb(name: str) -> float:
    """A number of this process's memory, as Linux counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def train(spec: ExperimentSpec) -> None:
    """Trains as a worker does: what is recorded leaves the process at once."""
    state = begin(spec)
    while not state.done:
        state, _ = flush(advance(state, max(1, spec.optimizer.steps // 50)))
    finish(state)


def rehearsal(spec: ExperimentSpec) -> ExperimentSpec:
    """One step of ``spec``, which loads the libraries and compiled loops that it needs."""
    steps = {"steps": 1} | ({"time": 0.1} if spec.optimizer.kind == "gradient_flow" else {})
    return spec.model_copy(
        update={
            "optimizer": spec.optimizer.model_copy(update=steps),
            "evaluation": spec.evaluation.model_copy(update={"points": 2}),
            "seeds": spec.seeds[:1],
        }
    )


def _measure(spec: ExperimentSpec, connection: Connection) -> None:
    train(rehearsal(spec))
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before, started = _status_mb("VmRSS"), time.process_time()
    train(spec)
    seconds = time.process_time() - started
    connection.send(Measured(seconds, max(0.0, _status_mb("VmHWM") - before)))


def measure(spec: ExperimentSpec) -> Measured:
    """Runs ``spec`` in a copy of this process, which has all libraries and compiled loops."""
    here, there = get_context("fork").Pipe()
    child = get_context("fork").Process(target=_measure, args=(spec, there))
    child.start()
    there.close()
    try:
        measured: Measured = here.recv()
    finally:
        child.join()
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of the names to run")
    chosen = parser.parse_args().only
    torch.set_num_threads(1)
    specs = {
        name: ExperimentSpec.model_validate(content)
        for name, content in SPECS.items()
        if chosen in name
    }
    found = {name: (estimate(spec), measure(spec)) for name, spec in specs.items()}
    rate = statistics.median(cost.flop / measured.seconds for cost, measured in found.values())
    print(f"{rate:.2g} estimated operations a second; {os.cpu_count()} cores, one used\n")
    print("| | s | flop | time / estimate | MB | memory / estimate |")
    print("| --- | --- | --- | --- | --- | --- |")
    outside = []
    for name, (cost, measured) in found.items():
        slower = measured.seconds * rate / cost.flop
        larger = measured.memory_mb / cost.memory_mb
        counted = max(measured.memory_mb, cost.memory_mb) >= COUNTED_MB
        if not 1 / MOST_TIME <= slower <= MOST_TIME:
            outside.append(f"{name}: time {slower:.2g}")
        if counted and not 1 / MOST_MEMORY <= larger <= MOST_MEMORY:
            outside.append(f"{name}: memory {larger:.2g}")
        memory = f"{measured.memory_mb:.0f} | {f'{larger:.2f}' if counted else 'small'}"
        print(f"| {name} | {measured.seconds:.2f} | {cost.flop:.1e} | {slower:.2f} | {memory} |")
    print(f"\n{len(outside)} of {2 * len(found)} outside: {'; '.join(outside) or 'none'}")


if __name__ == "__main__":
    main()
