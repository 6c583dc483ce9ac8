"""The queue of a warm, idle lab: latency from POST to first step, and rate of draining.

python -m benchmarks.queue --experiments 100 --drained 1000
"""

import argparse
import sqlite3
import time
from datetime import datetime

from benchmarks.lab import SPEC, Lab, running
from benchmarks.load import quantiles

SHORT = {**SPEC, "optimizer": {"steps": 1000}, "evaluation": {"points": 2}}
"""A few milliseconds of training."""


def latencies(lab: Lab, count: int) -> tuple[list[float], list[float]]:
    """Seconds from each POST to its claim, and to one step trained with its results in SQL."""
    to_claim, to_completion = [], []
    for seed in range(count):
        spec = {**SPEC, "seeds": [10_000 + seed]}
        sent = time.time()
        response = lab.http.post("/v1/experiments", json=spec).raise_for_status()
        experiment = lab.wait_until_completed(response.headers["location"])
        to_claim.append(datetime.fromisoformat(experiment["started_at"]).timestamp() - sent)
        to_completion.append(datetime.fromisoformat(experiment["finished_at"]).timestamp() - sent)
    return to_claim, to_completion


def drain(lab: Lab, count: int) -> tuple[float, float]:
    """Experiments per second, from the response to their POST on, and CPU seconds of each."""
    rates = {
        "path": "optimizer.lr",
        "kind": "linspace",
        "low": 0.001,
        "high": 0.01,
        "count": count,
    }
    sweep = {"name": "drain", "base": SHORT, "axes": [rates]}
    location = lab.http.post("/v1/sweeps", json=sweep).raise_for_status().headers["location"]
    started, cpu_before = time.perf_counter(), lab.cpu_seconds()
    lab.wait_until_completed(f"{location}?limit=1", pause=0.2)
    return count / (time.perf_counter() - started), (lab.cpu_seconds() - cpu_before) / count


def each_ran_once(lab: Lab, count: int) -> bool:
    """Whether each of the newest experiments was started once, completed once and nothing else."""
    newest = "SELECT id FROM experiments ORDER BY created_at DESC, id DESC LIMIT ?"
    query = (
        "SELECT group_concat(kind) FROM events "
        f"WHERE experiment_id IN ({newest}) GROUP BY experiment_id"
    )
    with sqlite3.connect(next(lab.data.glob("*.db"))) as connection:
        histories = [kinds for (kinds,) in connection.execute(query, [count])]
    return len(histories) == count and set(histories) == {"submitted,started,completed"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument("--drained", type=int, default=1000)
    arguments = parser.parse_args()
    with running(2) as lab:
        to_claim, to_completion = latencies(lab, arguments.experiments)
        print(f"{arguments.experiments} experiments of one step in turn, SQLite, two slots")
        print(f"POST to claim                      {quantiles(to_claim)}")
        print(f"POST to one step and its results   {quantiles(to_completion)}")
        rate, cpu = drain(lab, arguments.drained)
        once = each_ran_once(lab, arguments.drained)
        exactly = "each exactly once" if once else "NOT EACH EXACTLY ONCE"
        print(
            f"{arguments.drained:,} experiments of 1,000 steps drain at {rate:.0f}/s, {exactly}, "
            f"for {1000 * cpu:.1f} ms of CPU each, training and all processes of the lab together"
        )


if __name__ == "__main__":
    main()
