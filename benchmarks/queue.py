"""The queue of a warm, idle lab: from POST to the first step, and how fast it drains, each experiment exactly once.

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
    """Seconds from sending each POST to its claim, and to its end: one step and its results in SQL."""
    claimed, ended = [], []
    for seed in range(count):
        sent = time.time()
        answer = lab.http.post(
            "/v1/experiments", json={**SPEC, "seeds": [10_000 + seed]}
        ).raise_for_status()
        experiment = lab.completed(answer.headers["location"])
        started, finished = (
            datetime.fromisoformat(experiment[name]) for name in ("started_at", "finished_at")
        )
        claimed.append(started.timestamp() - sent)
        ended.append(finished.timestamp() - sent)
    return claimed, ended


def drain(lab: Lab, count: int) -> tuple[float, float]:
    """Experiments per second, from the answer to their sweep to the end of the last, and CPU seconds of each."""
    sweep = {
        "name": "drain",
        "base": SHORT,
        "axes": [
            {"path": "optimizer.lr", "kind": "linspace", "low": 0.001, "high": 0.01, "count": count}
        ],
    }
    place = lab.http.post("/v1/sweeps", json=sweep).raise_for_status().headers["location"]
    begun, spent = time.perf_counter(), lab.cpu_seconds()
    while (progress := lab.http.get(place, params={"limit": 1}).json()["progress"])[
        "done"
    ] < progress["of"]:
        time.sleep(0.2)
    return count / (time.perf_counter() - begun), (lab.cpu_seconds() - spent) / count


def once(lab: Lab, count: int) -> bool:
    """Whether each of the last experiments was started once and completed once, and nothing else happened to it."""
    newest = "SELECT id FROM experiments ORDER BY created_at DESC, id DESC LIMIT ?"
    kinds = f"SELECT group_concat(kind) FROM events WHERE experiment_id IN ({newest}) GROUP BY experiment_id"
    with sqlite3.connect(next(lab.data.glob("*.db"))) as record:
        found = [kinds for (kinds,) in record.execute(kinds, [count])]
    return len(found) == count and set(found) == {"submitted,started,completed"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument("--drained", type=int, default=1000)
    asked = parser.parse_args()
    with running(2) as lab:
        claimed, ended = latencies(lab, asked.experiments)
        print(f"{asked.experiments} experiments of one step, one after another, SQLite, two slots")
        print(f"POST to claim                      {quantiles(claimed)}")
        print(f"POST to one step and its results   {quantiles(ended)}")
        rate, cpu = drain(lab, asked.drained)
        exactly = "each exactly once" if once(lab, asked.drained) else "NOT EACH EXACTLY ONCE"
        print(
            f"{asked.drained:,} experiments of 1,000 steps drain at {rate:.0f}/s, {exactly}, "
            f"for {1000 * cpu:.1f} ms of CPU each, training and all processes of the lab together"
        )


if __name__ == "__main__":
    main()
